package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Mirror makes etcd equal to what its owners want. All methods are safe for concurrent
// use; Set, Delete and MarkComplete touch memory only and never wait for etcd.
type Mirror struct {
	client *clientv3.Client
	cfg    Config
	ids    block
	lay    layout
	stats  stats
	advise sync.Once // to upgrade etcd

	mu       sync.Mutex
	table    *table
	complete chan struct{} // closed by MarkComplete
	changes  []change      // since the leading term last looked; kept only while leading
	leading  bool
	phase    error // why not ready, nil when ready

	changed chan struct{} // wakes the term, holds one token
}

// Phases that have no other cause.
var (
	errNotStarted = errors.New("not started")
	errStopped    = errors.New("stopped")
	errIncomplete = errors.New("waiting for the table to be complete")
)

// change is the keys whose desired value one call changed.
type change struct {
	keys []string
	at   time.Time
	from Owner
}

// New returns a mirror that is idle until [Mirror.Run]. The client stays the caller's.
func New(client *clientv3.Client, cfg Config) (*Mirror, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	ids := leaseBlock(cfg.ClusterID)
	return &Mirror{
		client:   client,
		cfg:      cfg,
		ids:      ids,
		lay:      newLayout(cfg.Prefix, cfg.ClusterID, ids),
		table:    newTable(),
		complete: make(chan struct{}),
		phase:    errNotStarted,
		changed:  make(chan struct{}, 1),
	}, nil
}

// Set replaces everything that the owner wants by records, which are kept and must not be
// changed afterwards. No records is the same as [Mirror.Delete]. A record without a key, or
// with one among the bookkeeping, is left out and reported as a conflict.
func (m *Mirror) Set(owner Owner, records []Record) {
	records = m.possible(owner, records)
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := m.table.set(owner, records)
	m.stats.desired.Store(int64(len(m.table.claims)))
	if len(keys) == 0 || !m.leading {
		return
	}
	m.changes = append(m.changes, change{keys: keys, at: time.Now(), from: owner})
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// possible leaves out the records that can never be written.
func (m *Mirror) possible(owner Owner, records []Record) []Record {
	impossible := func(r Record) bool { return r.Key == "" || strings.HasPrefix(r.Key, m.cfg.Prefix+"/") }
	if !slices.ContainsFunc(records, impossible) {
		return records
	}
	var kept []Record
	for _, r := range records {
		if !impossible(r) {
			kept = append(kept, r)
			continue
		}
		m.conflict(Conflict{Owner: owner.Name, Key: r.Key, Reason: fmt.Sprintf("key %q is empty or lies below %s, where the controller keeps its own notes", r.Key, m.cfg.Prefix)})
	}
	return kept
}

// conflict tells of a key that its owner cannot have.
func (m *Mirror) conflict(c Conflict) {
	m.cfg.Log.Warn("conflict", "key", c.Key, "owner", c.Owner, "reason", c.Reason)
	if m.cfg.OnConflict != nil {
		m.cfg.OnConflict(c)
	}
}

// Delete says that the owner wants nothing any longer.
func (m *Mirror) Delete(owner string) { m.Set(Owner{Name: owner}, nil) }

// MarkComplete says that the table holds everything that is wanted, so that what is in
// etcd beyond it may go. Before it nothing is written. Calls after the first do nothing.
func (m *Mirror) MarkComplete() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.complete:
	default:
		close(m.complete)
	}
}

// Ready returns nil when this mirror does its part: the table is complete, and it either
// stands by, or leads and has committed everything once. Else the error says what it waits
// for, or what is wrong.
func (m *Mirror) Ready() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.complete:
		return m.phase
	default:
	}
	if errors.Is(m.phase, errNotStarted) {
		return errIncomplete
	}
	return errors.Join(errIncomplete, m.phase)
}

// Stats returns counters and gauges as they stand.
func (m *Mirror) Stats() Stats { return m.stats.snapshot() }

func (m *Mirror) setPhase(reason error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.phase = reason
}

// Run keeps alive what is in etcd until the table is complete, and then stands for election
// and commits while elected, until the context ends; it then
// resigns, leaves the keys and their leases in place, and returns nil. Losing the election
// or etcd pauses it. The only errors it returns are ones that waiting does not mend; see
// [ErrClaimed] and [ErrUnsupported]. It must be called once.
func (m *Mirror) Run(ctx context.Context) error {
	pause := backoff{least: 100 * time.Millisecond, most: min(5*time.Second, m.cfg.TTL/6)}
	care := newCaretaker(m)
	// Who does not know yet what is wanted would, if elected, keep back one who does.
	if err := care.until(ctx, m.complete); err != nil {
		return err
	}
	for {
		err := m.serve(ctx, pause.reset)
		m.stats.pause()
		if ctx.Err() != nil {
			m.setPhase(errStopped)
			return nil //nolint:nilerr // the error says no more than that it was told to stop
		}
		if hopeless(err) {
			return err
		}
		m.setPhase(err)
		delay := pause.next()
		m.cfg.Log.Warn("paused", "reason", err, "retryIn", delay.Round(time.Millisecond))
		care.once(ctx, delay)
	}
}

// request bounds one request to etcd.
func (m *Mirror) request(ctx context.Context) (context.Context, context.CancelFunc) {
	cause := fmt.Errorf("no answer from etcd within %v", m.cfg.RequestTimeout)
	return context.WithTimeoutCause(ctx, m.cfg.RequestTimeout, cause)
}
