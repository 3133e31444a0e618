package netfault

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience bounds every wait; it is far longer than anything takes.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestForwardsBothWaysAndTheEnd(t *testing.T) {
	t.Parallel()
	conn := dial(t, proxy(t))
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
	go func() {
		_, _ = conn.Write(sent)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back and are other than the %d bytes sent", len(got), len(sent))
	}
}

func TestCutResetsAndRefuses(t *testing.T) {
	t.Parallel()
	p := proxy(t)
	conn := dial(t, p)
	says(t, conn, "before")
	p.Cut()
	if err := hears(conn, "x"); !broken(err) {
		t.Errorf("reading from a connection that was cut gave %v, want a reset", err)
	}
	refused(t, p)
	p.Heal()
	says(t, dial(t, p), "after")
}

func TestResetLeavesTheNetwork(t *testing.T) {
	t.Parallel()
	p := proxy(t)
	conn := dial(t, p)
	says(t, conn, "before")
	p.Reset()
	if err := hears(conn, "x"); !broken(err) {
		t.Errorf("reading from a connection that was reset gave %v, want a reset", err)
	}
	says(t, dial(t, p), "after")
}

func TestBlackholeDeliversLate(t *testing.T) {
	t.Parallel()
	p := proxy(t)
	old := dial(t, p)
	says(t, old, "before")
	p.Blackhole()
	carried := p.Carried()
	late := dial(t, p)
	for _, conn := range []net.Conn{old, late} {
		if _, err := fmt.Fprintln(conn, "during"); err != nil {
			t.Fatalf("writing into a blackhole: %v", err)
		}
		deadline(t, conn, time.Now().Add(100*time.Millisecond))
		if n, err := conn.Read(make([]byte, 1)); n != 0 || !timedOut(err) {
			t.Errorf("read %d bytes, error %v, want silence", n, err)
		}
		deadline(t, conn, time.Now().Add(patience))
	}
	if got := p.Carried(); got != carried {
		t.Errorf("%d bytes were delivered, want none", got-carried)
	}
	p.Heal()
	for name, conn := range map[string]net.Conn{"old": old, "new": late} {
		if err := hears(conn, "during"); err != nil {
			t.Errorf("the %s connection, after healing: %v", name, err)
		}
	}
}

// The client that gave up in a blackhole is not heard of until the network is well again.
func TestBlackholeHidesTheEndOfAConnection(t *testing.T) {
	t.Parallel()
	p := proxy(t)
	conn := dial(t, p)
	says(t, conn, "before")
	p.Blackhole()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.Open(); got != 1 {
		t.Errorf("%d connections to the server, want 1", got)
	}
	p.Heal()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); p.Open() != 0; <-tick.C {
		if time.Since(start) > patience {
			t.Fatalf("%d connections are still open", p.Open())
		}
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	p := proxy(t)
	conn := dial(t, p)
	says(t, conn, "before")
	const delay = 60 * time.Millisecond
	p.Delay(delay)
	start := time.Now()
	for range 20 { // all at once: the delay is one of time and not of width
		if _, err := fmt.Fprintln(conn, "during"); err != nil {
			t.Fatal(err)
		}
	}
	in := bufio.NewReader(conn)
	for range 20 {
		if line, err := in.ReadString('\n'); line != "during\n" {
			t.Fatalf("heard %q, error %v", line, err)
		}
	}
	if took := time.Since(start); took < 2*delay {
		t.Errorf("there and back took %v, want at least %v", took, 2*delay)
	}
}

func TestServerThatIsAway(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, open(t, target))
}

func TestCloseEndsConnections(t *testing.T) {
	t.Parallel()
	p := proxy(t)
	conn := dial(t, p)
	says(t, conn, "before")
	p.Blackhole()
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := hears(conn, "x"); !broken(err) {
		t.Errorf("reading after Close gave %v, want a reset", err)
	}
}

// proxy is a proxy in front of a server that says what it hears.
func proxy(t *testing.T) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return open(t, listener.Addr().String())
}

func open(t *testing.T, target string) *Proxy {
	t.Helper()
	p, err := Listen(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	deadline(t, conn, time.Now().Add(patience))
	return conn
}

// refused wants a new connection to be reset, be it while it is made or when it is read.
func refused(t *testing.T, p *Proxy) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer conn.Close()
		deadline(t, conn, time.Now().Add(patience))
		err = hears(conn, "x")
	}
	if !broken(err) {
		t.Errorf("a new connection gave %v, want a reset", err)
	}
}

func deadline(t *testing.T, conn net.Conn, at time.Time) {
	t.Helper()
	if err := conn.SetDeadline(at); err != nil {
		t.Fatal(err)
	}
}

// says sends a line and waits until it comes back.
func says(t *testing.T, conn net.Conn, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(conn, line); err != nil {
		t.Fatalf("writing %q: %v", line, err)
	}
	if err := hears(conn, line); err != nil {
		t.Fatal(err)
	}
}

// hears reads one line.
func hears(conn net.Conn, want string) error {
	got := make([]byte, len(want)+1)
	if _, err := io.ReadFull(conn, got); err != nil {
		return fmt.Errorf("reading %q: %w", want, err)
	}
	if string(got) != want+"\n" {
		return fmt.Errorf("heard %q, want %q", got, want)
	}
	return nil
}

func broken(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func timedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
