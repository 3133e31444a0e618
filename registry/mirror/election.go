package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/client/v3/concurrency"
)

// resignTimeout bounds what a leader does on its way out. When it is exceeded, the
// successor waits for the election TTL instead.
const resignTimeout = 2 * time.Second

var (
	errSessionLost = errors.New("the election session ended: etcd was out of reach, or its lease was revoked")
	errDeposed     = errors.New("the election key is gone or another's: this term is over")
	errAdopting    = errors.New("elected: adopting what is in etcd")
	errFirstCommit = errors.New("elected: committing for the first time")
)

// serve is one session in the election: stand, lead if elected, resign. It returns when
// the context ends or the session is over. It calls adopted when a term has got as far as
// to commit.
func (m *Mirror) serve(ctx context.Context, adopted func()) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	session, err := m.openSession(ctx)
	if err != nil {
		return err
	}
	defer m.closeSession(context.WithoutCancel(ctx), session)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-session.Done():
			cancel(errSessionLost)
		case <-ctx.Done():
		}
	}()

	m.setPhase(nil)
	m.cfg.Log.Info("standing by", "candidate", m.cfg.Candidate)
	election := concurrency.NewElection(session, m.lay.election)
	if err := campaign(ctx, election, m.cfg.Candidate); err != nil {
		return err
	}
	defer m.resign(context.WithoutCancel(ctx), election)
	return m.lead(ctx, fence{key: election.Key(), rev: election.Rev(), mod: election.Rev(), lease: session.Lease()}, adopted)
}

// enter makes sure that this etcd will do and that the cluster ID is ours.
func (m *Mirror) enter(ctx context.Context) error {
	if err := m.checkServer(ctx); err != nil {
		return err
	}
	return m.claim(ctx)
}

// hopeless tells an error that waiting does not mend.
func hopeless(err error) bool { return errors.Is(err, ErrClaimed) || errors.Is(err, ErrUnsupported) }

// openSession grants the lease of the candidacy and keeps it alive. The lease must outlive
// ctx, so that the resignation comes first.
func (m *Mirror) openSession(ctx context.Context) (*concurrency.Session, error) {
	bounded, cancel := m.request(ctx)
	defer cancel()
	lease, err := m.client.Grant(bounded, seconds(m.cfg.ElectionTTL))
	if err != nil {
		return nil, fmt.Errorf("reaching etcd: %w", withCause(bounded, err))
	}
	session, err := concurrency.NewSession(m.client,
		concurrency.WithLease(lease.ID), concurrency.WithTTL(int(resignTimeout.Seconds())), concurrency.WithContext(context.WithoutCancel(ctx)))
	if err != nil {
		return nil, fmt.Errorf("keeping the election session alive: %w", err)
	}
	return session, nil
}

// closeSession revokes the lease of the candidacy; the data leases are not touched.
func (m *Mirror) closeSession(ctx context.Context, session *concurrency.Session) {
	session.Orphan()
	ctx, cancel := context.WithTimeout(ctx, resignTimeout)
	defer cancel()
	_, err := m.client.Revoke(ctx, session.Lease())
	if err != nil {
		m.cfg.Log.Debug("left the election lease to run out", "error", err)
	}
}

// campaign blocks until this candidate leads or the context ends. The library may hang on
// its way out while etcd is away, so that part is not waited for.
func campaign(ctx context.Context, election *concurrency.Election, candidate string) error {
	done := make(chan error, 1)
	go func() { done <- election.Campaign(ctx, candidate) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-time.After(resignTimeout):
		}
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("standing for election: %w", err)
	}
	return nil
}

// resign lets the next candidate lead at once.
func (m *Mirror) resign(ctx context.Context, election *concurrency.Election) {
	ctx, cancel := context.WithTimeout(ctx, resignTimeout)
	defer cancel()
	if err := election.Resign(ctx); err != nil {
		m.cfg.Log.Debug("left the election key to expire", "error", err)
		return
	}
	m.cfg.Log.Info("resigned", "candidate", m.cfg.Candidate)
}

// lead is one term: find and renew the leases that are there, learn what is on them, and
// commit until the term ends.
func (m *Mirror) lead(ctx context.Context, f fence, adopted func()) error {
	t := newTerm(m, f)
	m.setPhase(errAdopting)
	bounded, stop := m.request(ctx)
	slots, err := findLeases(bounded, m.client, m.lay, m.ids)
	stop()
	if err != nil {
		return err
	}
	t.leases.adopt(slots...)

	ctx, cancel := context.WithCancel(ctx)
	wait := t.background(ctx)
	defer wait()
	defer cancel()
	if err := t.learn(ctx, slots); err != nil {
		return err
	}
	m.stats.leading.Store(true)
	m.stats.terms.Add(1)
	m.cfg.Log.Info("leading", "candidate", m.cfg.Candidate, "leases", len(slots), "keys", t.known.owned())
	adopted()
	return t.run(ctx)
}

// startChanges makes Set and Delete note what they change.
func (m *Mirror) startChanges() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leading, m.changes = true, nil
}

// wanted returns every key that is wanted now.
func (m *Mirror) wanted() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := make([]string, 0, len(m.table.claims))
	for key := range m.table.claims {
		keys = append(keys, key)
	}
	return keys
}

func (m *Mirror) stopChanges() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leading, m.changes = false, nil
}

func (m *Mirror) takeChanges() []change {
	m.mu.Lock()
	defer m.mu.Unlock()
	changes := m.changes
	m.changes = nil
	return changes
}
