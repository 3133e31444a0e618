package process

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestKillEndsChild(t *testing.T) {
	p := shell(t, "sleep 1000 & wait")
	if !p.Alive() {
		t.Fatal("the child ended by itself")
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if p.Alive() || syscall.Kill(p.Pid(), 0) == nil {
		t.Error("the child lives after Kill")
	}
	if err := p.Kill(); err != nil {
		t.Errorf("killing it again: %v", err)
	}
}

func TestTerminate(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		grace  time.Duration
		want   string
	}{
		"gives way":   {"trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done", time.Minute, "exit status 7"},
		"is stubborn": {"trap '' TERM; echo up; while :; do sleep 0.01; done", 50 * time.Millisecond, "signal: killed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := shell(t, test.script)
			waitFor(t, "the trap", func() bool { return Tail(p.log, 1) == "up" })
			if err := p.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			if err := p.Terminate(test.grace); err != nil {
				t.Fatal(err)
			}
			if got := p.outcome(); got != test.want {
				t.Errorf("it ended with %q, want %q", got, test.want)
			}
		})
	}
}

func TestExplainHoldsEndAndLog(t *testing.T) {
	p := shell(t, "echo the reason; exit 3")
	<-p.Done()
	cause := errors.New("waiting")
	err := p.Explain(cause)
	if !errors.Is(err, cause) {
		t.Errorf("%v does not wrap its cause", err)
	}
	for _, want := range []string{"exit status 3", "the reason"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestNothingIsInherited(t *testing.T) {
	t.Setenv("CAUSEWAY_TEST", "inherited")
	p := shell(t, `echo "<$CAUSEWAY_TEST>"`)
	<-p.Done()
	if got := Tail(p.log, 1); got != "<>" {
		t.Errorf("the child saw %s", got)
	}
}

func TestPortTaken(t *testing.T) {
	for script, want := range map[string]bool{
		"echo 'listen tcp: bind: address already in use' >&2; exit 1": true,
		"echo 'no such flag' >&2; exit 1":                             false,
	} {
		p := shell(t, script)
		<-p.Done()
		if got := p.PortTaken(); got != want {
			t.Errorf("PortTaken after %q = %t", script, got)
		}
	}
}

func TestFreePorts(t *testing.T) {
	ports, err := FreePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ports)
	if len(slices.Compact(ports)) != 20 {
		t.Errorf("ports %v are not 20 different ones", ports)
	}
	if ports[0] < lowestPort || ports[len(ports)-1] >= highestPort {
		t.Errorf("ports %v are not between %d and %d", ports, lowestPort, highestPort)
	}
}

func TestTail(t *testing.T) {
	long := strings.Repeat("x", 2*tailBytes)
	for name, test := range map[string]struct {
		content string
		want    string
	}{
		"empty":              {"", ""},
		"fewer":              {"a\n", "a"},
		"more":               {"a\nb\nc\n", "b\nc"},
		"no newline":         {"a\nb\nc", "b\nc"},
		"starts with a line": {long + "\nb\n", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, Tail(path, 2)); diff != "" {
				t.Errorf("tail (-want +got):\n%s", diff)
			}
		})
	}
}

// shell runs a script until the test ends.
func shell(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start(Command{
		Path: "/bin/sh",
		Args: []string{"-c", script},
		Env:  []string{"PATH=/bin:/usr/bin"},
		Log:  filepath.Join(t.TempDir(), "log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The whole group, for a shell has children.
		if err := syscall.Kill(-p.Pid(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Error(err)
		}
		<-p.Done()
	})
	return p
}

func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s did not happen", what)
		}
	}
}
