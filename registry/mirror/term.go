package mirror

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// term is one period of leadership. Its fields belong to the goroutine of run, but for
// those that say otherwise.
type term struct {
	m      *Mirror
	fence  fence
	leases *leases // safe for concurrent use
	known  *known
	queue  *queue
	since  map[string]change // when, and for whom, a dirty key was last changed

	inFlight map[string]struct{}  // keys of the transactions under way
	running  int                  // how many transactions are under way
	deferred []deferredGroup      // groups that wait for a key in flight or, on a full server, for the next try
	adding   map[slot]int         // keys under way to a slot that does not hold them yet
	losses   int                  // how often a lease was found to be gone
	rejected map[string]rejection // keys that the server does not take as they are
	reported map[string]string    // key → the owner that was told of a conflict

	maxOps   int // what the server takes
	narrow   int // what is tried, while a key is searched for that may not be written
	maxBytes int
	full     bool // the server takes no more data: removals only
	pause    backoff
	paused   <-chan time.Time // fires when commits may go on after a failure
	failure  error            // of the last transaction, nil if there was none
	compared bool             // the table and etcd were compared in this term
	settled  bool             // everything was committed once in this term

	blunt    bool // the fence must be renewed before anything else is sent
	renewing bool // that is under way
	renewed  chan renewedFence

	outcomes  chan outcome
	readBacks chan readBack
	reading   bool

	tasks sync.WaitGroup // goroutines that run waits for at its end

	mu      sync.Mutex
	lost    map[slot]struct{} // guarded by mu: slots whose lease is gone, not yet dealt with
	deposed bool              // guarded by mu: the election key is gone
	wake    chan struct{}     // holds one token when there is something to look at under mu
}

// rejection is an operation that the server refused for good.
type rejection struct {
	op
	again bool // tried again at the next read-back
}

// deferredGroup is keys that leave together, and how urgently, once they may.
type deferredGroup struct {
	keys []string
	verb verb
}

// defaultMaxBytes leaves room below the 1.5 MiB that etcd takes in one request by default.
const defaultMaxBytes = 1 << 20

func newTerm(m *Mirror, f fence) *term {
	return &term{
		m:         m,
		fence:     f,
		leases:    newLeases(m.client, m.ids, m.lay, f, m.cfg.TTL),
		known:     newKnown(),
		queue:     newQueue(),
		since:     map[string]change{},
		inFlight:  map[string]struct{}{},
		adding:    map[slot]int{},
		rejected:  map[string]rejection{},
		reported:  map[string]string{},
		maxOps:    m.cfg.MaxOps,
		narrow:    m.cfg.MaxOps,
		maxBytes:  defaultMaxBytes,
		pause:     backoff{least: 50 * time.Millisecond, most: 2 * time.Second},
		outcomes:  make(chan outcome, m.cfg.MaxInFlight),
		readBacks: make(chan readBack, 1),
		renewed:   make(chan renewedFence, 1),
		lost:      map[slot]struct{}{},
		wake:      make(chan struct{}, 1),
	}
}

// background renews the leases and watches their keys until the context ends; the
// function that it returns waits for both to stop.
func (t *term) background(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	r := &renewer{
		rpc:   t.leases.rpc,
		ids:   t.m.ids,
		ttl:   t.m.cfg.TTL,
		slots: t.leases.slots,
		lost:  t.noteLost,
		stats: &t.m.stats,
	}
	wg.Go(func() {
		r.run(ctx, func(err error) { t.m.cfg.Log.Warn("leases not renewed in a third of their TTL", "error", err) })
	})
	wg.Go(func() { t.watch(ctx) })
	return wg.Wait
}

// noteLost may be called from any goroutine.
func (t *term) noteLost(s slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost[s] = struct{}{}
	t.nudge()
}

// noteDeposed may be called from any goroutine.
func (t *term) noteDeposed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deposed = true
	t.nudge()
}

func (t *term) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// takeNotes returns the slots that were noted as lost, and whether the term is over.
func (t *term) takeNotes() ([]slot, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slots := make([]slot, 0, len(t.lost))
	for s := range t.lost {
		slots = append(slots, s)
	}
	clear(t.lost)
	slices.Sort(slots)
	return slots, t.deposed
}

// run commits until the context ends or the term is over. Transactions that are under way
// at the end are waited for, so that the resignation comes after the last write.
func (t *term) run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	t.m.startChanges()
	defer t.m.stopChanges()
	settle := time.NewTimer(t.m.cfg.Settle)
	defer settle.Stop()
	resync := time.NewTimer(t.nextResync())
	defer resync.Stop()
	for {
		t.dispatch(work)
		t.publishGauges()
		select {
		case <-ctx.Done():
			t.drain(stop)
			return context.Cause(ctx)
		case <-settle.C:
			t.enqueueAll(t.m.wanted())
			t.compared = true
		case <-t.m.changed:
			t.noteChanges()
		case renewed := <-t.renewed:
			if err := t.takeFence(renewed); err != nil {
				t.drain(stop)
				return err
			}
		case <-t.wake:
			lost, deposed := t.takeNotes()
			if deposed {
				t.drain(stop)
				return errDeposed
			}
			t.regrant(work, lost)
		case out := <-t.outcomes:
			if err := t.settle(work, out); err != nil {
				t.drain(stop)
				return err
			}
		case <-t.paused:
			t.paused = nil
			t.requeueDeferred()
		case <-resync.C:
			resync.Reset(t.nextResync())
			t.startReadBack(work)
		case back := <-t.readBacks:
			t.compare(back)
		}
	}
}

// drain waits a moment for the transactions under way and then gives them up.
func (t *term) drain(stop context.CancelFunc) {
	giveUp := time.AfterFunc(resignTimeout/4, stop)
	defer giveUp.Stop()
	for ; t.running > 0; t.running-- {
		<-t.outcomes
	}
	stop()
	if t.reading {
		<-t.readBacks
	}
	if t.renewing {
		<-t.renewed
	}
	t.tasks.Wait()
}

// noteChanges queues what Set and Delete changed since the last look.
func (t *term) noteChanges() {
	for _, c := range t.m.takeChanges() {
		for _, key := range c.keys {
			t.since[key] = c
		}
		t.enqueue(c.keys)
	}
}

// enqueueAll queues every key that is wanted or known, each a group of its own, in order
// of their names, so that the keys of one service stay together.
func (t *term) enqueueAll(wanted []string) {
	keys := wanted
	for key := range t.known.entries {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	for i := range keys {
		t.enqueue(keys[i : i+1 : i+1])
	}
}

// enqueue queues keys that change together, as urgently as the most urgent of them.
func (t *term) enqueue(keys []string) {
	urgency := nothing
	for _, key := range keys {
		urgency = min(urgency, t.plan(key).verb)
	}
	if urgency != nothing {
		t.queue.push(keys, urgency)
		return
	}
	for _, key := range keys {
		delete(t.since, key)
	}
}

// plan says what must be done about a key as things stand. On the way it tells the owner of
// a key that cannot be had, and drops notes that have become void.
func (t *term) plan(key string) op {
	t.m.mu.Lock()
	value, wanted := t.m.table.want(key)
	t.m.mu.Unlock()
	o := diff(key, value, wanted, t.known)
	e := t.known.entries[key]
	if wanted && e.slot == foreign && e.rev != 0 {
		if t.m.cfg.Overwrite {
			o.verb, o.slot = add, unassigned
		} else {
			t.report(key, fmt.Sprintf("key %q in etcd belongs to somebody else; once they delete it, it is taken", key))
		}
	}
	if rejection, ok := t.rejected[key]; ok {
		if o.verb == rejection.verb && o.value == rejection.value {
			o.verb = nothing
		} else {
			delete(t.rejected, key)
		}
	}
	if !wanted {
		delete(t.reported, key)
		if e.slot == foreign {
			t.known.forget(key)
		}
	}
	return o
}

// report tells the owner of a key, once, that the key cannot be written.
func (t *term) report(key, reason string) {
	t.m.mu.Lock()
	owner := t.m.table.winner(key)
	t.m.mu.Unlock()
	if t.reported[key] == owner || owner == "" {
		return
	}
	t.reported[key] = owner
	t.m.conflict(Conflict{Owner: owner, Key: key, Reason: reason})
}
