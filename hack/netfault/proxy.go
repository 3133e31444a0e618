package netfault

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Proxy forwards connections from an address of its own to a server. Its methods may be
// called concurrently.
type Proxy struct {
	target   string
	listener net.Listener
	tasks    sync.WaitGroup

	mu        sync.Mutex
	condition condition
	changed   chan struct{} // closed when condition changes
	links     map[*link]struct{}
	carried   int64
	closed    bool
}

// condition is what the network is like.
type condition struct {
	refusing bool
	silent   bool
	delay    time.Duration
}

// Listen starts a proxy on a free port of 127.0.0.1, with a network that is well. target
// is the host and port of the server, which need not run yet.
func Listen(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for connections to %s: %w", target, err)
	}
	p := &Proxy{
		target:   target,
		listener: listener,
		changed:  make(chan struct{}),
		links:    map[*link]struct{}{},
	}
	p.tasks.Go(p.accept)
	return p, nil
}

// Addr returns the host and port that clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut resets every connection, and each new one, until Heal.
func (p *Proxy) Cut() {
	p.become(condition{refusing: true})
	p.Reset()
}

// Blackhole keeps connections open and accepts new ones, and delivers nothing in either
// direction, until Heal.
func (p *Proxy) Blackhole() { p.become(condition{silent: true}) }

// Delay makes everything arrive later by d, in both directions, until Heal. The network
// still carries any amount at once.
func (p *Proxy) Delay(d time.Duration) { p.become(condition{delay: d}) }

// Heal ends Cut, Blackhole and Delay. What a blackhole held back is delivered.
func (p *Proxy) Heal() { p.become(condition{}) }

// Reset breaks every connection that is open, and leaves the network as it is.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// Open returns the number of connections that are open.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Carried returns the number of bytes delivered so far, in both directions.
func (p *Proxy) Carried() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.carried
}

// Close resets every connection and returns when all is quiet. Calls after the first do
// nothing.
func (p *Proxy) Close() error {
	p.mu.Lock()
	closed := p.closed
	p.closed = true
	p.mu.Unlock()
	if closed {
		return nil
	}
	err := p.listener.Close()
	p.Reset()
	p.tasks.Wait()
	return err
}

func (p *Proxy) become(c condition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.condition = c
	close(p.changed)
	p.changed = make(chan struct{})
}

// now returns what the network is like, and a channel that is closed when that changes.
func (p *Proxy) now() (condition, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.condition, p.changed
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.serve(newLink(client))
		}
	}
}

// serve carries a connection in the background, unless the network refuses it.
func (p *Proxy) serve(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.condition.refusing {
		l.reset()
		return
	}
	p.links[l] = struct{}{}
	p.tasks.Go(func() {
		p.carry(l)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, l)
	})
}

func (p *Proxy) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.carried += int64(n)
}
