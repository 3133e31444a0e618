package netfault

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// link is one connection of a client, and the one to the server that it is carried over.
type link struct {
	done chan struct{} // closed by reset

	mu    sync.Mutex
	ends  []net.Conn // guarded by mu
	ended bool       // guarded by mu
}

func newLink(client net.Conn) *link {
	return &link{done: make(chan struct{}), ends: []net.Conn{client}}
}

// reset breaks both connections, so that both sides see an error and not an orderly end.
func (l *link) reset() { l.end(abort) }

// finish closes both connections in good order.
func (l *link) finish() { l.end(func(conn net.Conn) { _ = conn.Close() }) }

// end ends both connections, unless they have ended.
func (l *link) end(how func(net.Conn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	close(l.done)
	for _, conn := range l.ends {
		how(conn)
	}
}

// add takes the connection to the server, and reports whether the link still lives.
func (l *link) add(server net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		abort(server)
		return false
	}
	l.ends = append(l.ends, server)
	return true
}

func abort(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset in place of an orderly end
	}
	_ = conn.Close()
}

// carry connects to the server and forwards both ways until both are done.
func (p *Proxy) carry(l *link) {
	defer l.finish()
	if !p.pass(l, time.Now()) {
		return
	}
	server, err := net.DialTimeout("tcp", p.target, dialTimeout)
	if err != nil {
		l.reset()
		return
	}
	if !l.add(server) {
		return
	}
	var both sync.WaitGroup
	client := l.ends[0]
	both.Go(func() { p.pump(l, client, server) })
	both.Go(func() { p.pump(l, server, client) })
	both.Wait()
}

// parcel is bytes on their way. The last one of a stream also says how it ended.
type parcel struct {
	bytes []byte
	end   error
	sent  time.Time
}

const (
	dialTimeout = 5 * time.Second
	// backlog is how many parcels of a connection may be on their way in one direction.
	backlog = 1024
)

// pump carries what one side says to the other until the stream ends. Reading goes on while
// earlier parcels are on their way.
func (p *Proxy) pump(l *link, from, to net.Conn) {
	parcels := make(chan parcel, backlog)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(parcels)
		read(l, from, parcels)
	})
	defer reader.Wait()
	for parcel := range parcels {
		if !p.pass(l, parcel.sent) {
			continue // the link was reset: let the reader end
		}
		n, err := to.Write(parcel.bytes)
		p.count(n)
		if err != nil || (parcel.end != nil && !errors.Is(parcel.end, io.EOF)) {
			l.reset()
			continue
		}
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

// read turns a stream into parcels until it ends. The end travels with the last parcel, so
// that it arrives no earlier than the rest.
func read(l *link, from net.Conn, parcels chan<- parcel) {
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		select {
		case parcels <- parcel{bytes: buffer[:n], end: err, sent: time.Now()}:
		case <-l.done:
			return
		}
		if err != nil {
			return
		}
	}
}

// pass waits until the network delivers what was sent at a moment, and reports whether the
// link still lives.
func (p *Proxy) pass(l *link, sent time.Time) bool {
	for {
		now, changed := p.now()
		late := time.Until(sent.Add(now.delay))
		if !now.silent && late <= 0 {
			select {
			case <-l.done:
				return false
			default:
				return true
			}
		}
		var arrives <-chan time.Time
		if !now.silent {
			arrives = time.After(late)
		}
		select {
		case <-arrives:
		case <-changed:
		case <-l.done:
			return false
		}
	}
}
