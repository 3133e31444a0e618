package mirror

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// caretaker renews what is in etcd without being elected: while the table is not complete,
// and while no session in the election can be had, as on a server that takes no more data.
// To renew a lease writes nothing, so it needs no fence, and several may do it at once.
type caretaker struct {
	m       *Mirror
	found   []slot
	renewer *renewer
}

func newCaretaker(m *Mirror) *caretaker {
	c := &caretaker{m: m}
	c.renewer = &renewer{
		rpc:   clientv3.RetryLeaseClient(m.client),
		ids:   m.ids,
		ttl:   m.cfg.TTL,
		slots: func() []slot { return c.found },
		lost:  func(slot) {}, // whoever is elected grants it again
		stats: &m.stats,
	}
	return c
}

// until renews what it finds, at once and in each third of the TTL, until done is closed or
// the context ends. The error is one that waiting does not mend.
func (c *caretaker) until(ctx context.Context, done <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.renewer.reset()
	go func() {
		select {
		case <-done:
			cancel()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		due := time.Now().Add(c.m.cfg.TTL / 3)
		err := c.m.enter(ctx)
		if hopeless(err) {
			return err
		}
		if err == nil {
			err = c.round(ctx, due)
		}
		if err != nil && ctx.Err() == nil {
			due = time.Now().Add(min(time.Second, c.m.cfg.TTL/6))
		}
		if ctx.Err() == nil {
			c.m.setPhase(err)
		}
		sleep(ctx, time.Until(due))
	}
	return nil
}

// once renews what it finds, as far as it gets before the time is over, and waits for that.
func (c *caretaker) once(ctx context.Context, patience time.Duration) {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer c.renewer.reset()
	if err := c.round(bounded, time.Now().Add(patience)); err != nil {
		c.m.cfg.Log.Debug("not renewed", "error", err)
	}
	<-bounded.Done()
}

func (c *caretaker) round(ctx context.Context, due time.Time) error {
	bounded, cancel := c.m.request(ctx)
	defer cancel()
	found, err := findLeases(bounded, c.m.client, c.m.lay, c.m.ids)
	if err != nil {
		return withCause(bounded, err)
	}
	c.found = found
	return c.renewer.round(ctx, due)
}
