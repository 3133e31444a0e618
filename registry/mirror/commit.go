package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// dispatch starts transactions while there is something to commit and room for one more
// under way. The first change goes out at once; what comes while transactions are under
// way shares the next one. While it pauses because the server is full, removals go on.
func (t *term) dispatch(ctx context.Context) {
	if t.blunt {
		if !t.renewing && t.paused == nil {
			t.renewFence(ctx)
		}
		return
	}
	for (t.paused == nil || t.full) && t.running < t.m.cfg.MaxInFlight {
		b := t.build()
		if len(b.ops) == 0 {
			return
		}
		t.running++
		f := t.fence
		go func() { t.outcomes <- t.commit(ctx, f, b) }()
	}
}

// commit makes sure that the leases of the batch exist and executes it.
func (t *term) commit(ctx context.Context, f fence, b *batch) outcome {
	ctx, cancel := t.m.request(ctx)
	defer cancel()
	for _, s := range b.slots {
		if err := t.leases.ensure(ctx, s); err != nil {
			return outcome{batch: b, err: err, unsent: true}
		}
	}
	return execute(ctx, t.m.client, f, t.m.lay, t.m.ids, b)
}

// build takes groups from the queue until a transaction is full.
func (t *term) build() *batch {
	b := &batch{losses: t.losses}
	for len(b.ops) < t.limit() {
		keys := t.queue.pop()
		if keys == nil {
			break
		}
		ops := t.planGroup(keys)
		if len(ops) > 0 && !t.fits(b, ops) {
			t.takePart(b, keys, ops)
			break
		}
		for _, o := range ops {
			t.take(b, o)
		}
	}
	return b
}

// planGroup says what is left to do for a group: nothing, if one of its keys is under
// way; the group then waits for it.
func (t *term) planGroup(keys []string) []op {
	urgency := nothing
	var ops []op
	for _, key := range keys {
		o := t.plan(key)
		urgency = min(urgency, o.verb)
		if o.verb != nothing {
			ops = append(ops, o)
		} else {
			delete(t.since, key)
		}
	}
	for _, key := range keys {
		if _, busy := t.inFlight[key]; busy {
			t.deferred = append(t.deferred, deferredGroup{keys: keys, verb: min(urgency, refresh)})
			return nil
		}
	}
	if t.full {
		return t.whileFull(ops)
	}
	return ops
}

func (t *term) fits(b *batch, ops []op) bool {
	bytes := b.bytes
	for _, o := range ops {
		bytes += o.size()
	}
	if t.full && len(b.ops) > 0 && (b.ops[0].verb == remove) != (ops[0].verb == remove) {
		return false // a removal must not be refused because of what it travels with
	}
	return len(b.ops)+len(ops) <= t.limit() && bytes <= t.maxBytes
}

// takePart puts a group that does not fit back to be the first of the next batch. A group
// that no batch holds whole is taken in parts.
func (t *term) takePart(b *batch, keys []string, ops []op) {
	urgency := nothing
	for _, o := range ops {
		urgency = min(urgency, o.verb)
	}
	if len(b.ops) > 0 {
		t.queue.unpop(keys, urgency)
		return
	}
	t.take(b, ops[0]) // alone it may be too large: the server decides
	for len(ops) > len(b.ops) && t.fits(b, ops[len(b.ops):len(b.ops)+1]) {
		t.take(b, ops[len(b.ops)])
	}
	var rest []string
	for _, o := range ops[len(b.ops):] {
		rest = append(rest, o.key)
	}
	if len(rest) > 0 {
		t.queue.unpop(rest, urgency)
	}
}

// limit is how many operations the next transaction may hold.
func (t *term) limit() int { return min(t.maxOps, t.narrow) }

// take adds an operation to the batch and marks its key as under way.
func (t *term) take(b *batch, o op) {
	if o.verb == add && o.slot == unassigned {
		o.slot = t.firstWithRoom()
	}
	if o.puts() {
		t.adding[o.slot]++
		b.useSlot(o.slot)
	}
	o.cause = t.since[o.key]
	delete(t.since, o.key)
	t.inFlight[o.key] = struct{}{}
	b.ops = append(b.ops, o)
	b.bytes += o.size()
}

// firstWithRoom returns the first slot with room for one more key, so that there are never
// more leases than the keys need.
func (t *term) firstWithRoom() slot {
	for s := slot(0); ; s++ {
		if t.known.perSlot[s]+t.adding[s] < t.m.cfg.KeysPerLease {
			return s
		}
	}
}

// whileFull splits a group while the server takes no more data: what must go, goes now; the
// rest waits until the server is tried again.
func (t *term) whileFull(ops []op) []op {
	var removals []op
	for _, o := range ops {
		if o.verb == remove {
			removals = append(removals, o)
		}
	}
	if len(removals) == 0 && t.paused == nil {
		return ops
	}
	for _, o := range ops {
		if o.verb != remove {
			t.deferred = append(t.deferred, deferredGroup{keys: []string{o.key}, verb: o.verb})
		}
	}
	return removals
}

// settle takes in what became of a batch. The error, if any, ends the term.
func (t *term) settle(ctx context.Context, out outcome) error {
	t.release(out.batch)
	defer t.requeueDeferred()
	switch {
	case out.deposed:
		return errDeposed
	case out.err != nil:
		t.fail(out)
		return nil
	}
	if !t.full || len(out.slots) > 0 { // a full server takes removals all the while
		t.pause.reset()
		t.full, t.failure = false, nil
	}
	t.narrow = min(2*t.narrow, t.m.cfg.MaxOps)
	if out.applied {
		t.applied(out)
	} else {
		t.surprised(ctx, out)
	}
	if out.losses != t.losses {
		for _, o := range out.ops {
			t.doubt(o.key)
		}
	}
	return nil
}

func (t *term) release(b *batch) {
	t.running--
	for _, o := range b.ops {
		delete(t.inFlight, o.key)
		if o.puts() {
			t.adding[o.slot]--
		}
	}
}

func (t *term) requeueDeferred() {
	groups := t.deferred
	t.deferred = nil
	for _, g := range groups {
		t.queue.push(g.keys, g.verb)
	}
}

// applied notes the new state of the keys and tells who asked.
func (t *term) applied(out outcome) {
	t.m.stats.transactions.Add(1)
	for _, o := range out.ops {
		switch {
		case o.verify:
			delete(t.known.unsure, o.key)
		case o.verb == remove:
			t.m.stats.deletes.Add(1)
			t.known.forget(o.key)
			t.retireIfEmpty(o.slot)
		default:
			t.m.stats.puts.Add(1)
			t.known.learn(o.key, entry{value: o.value, rev: out.rev, slot: o.slot})
			delete(t.reported, o.key)
		}
		t.announce(o)
		// While the key was under way its owner may have gone back to what was known then,
		// which looked like nothing to do.
		t.enqueue([]string{o.key})
	}
}

// announce reports a committed change.
func (t *term) announce(o op) {
	if t.m.cfg.OnCommit == nil || o.verify {
		return
	}
	done := Commit{Key: o.key, Removed: o.verb == remove, Since: o.cause.from.Since}
	if !o.cause.at.IsZero() {
		done.Waited = time.Since(o.cause.at)
	}
	t.m.cfg.OnCommit(done)
}

// surprised takes in the truth about keys that were not as last seen; nothing was applied.
func (t *term) surprised(ctx context.Context, out outcome) {
	t.m.stats.surprises.Add(1)
	for i, o := range out.ops {
		_, unsure := t.known.unsure[o.key]
		if e := out.truth[i]; e.rev == 0 {
			t.known.forget(o.key)
		} else {
			t.known.learn(o.key, e)
			t.hold(ctx, e.slot)
		}
		if unsure && t.plan(o.key).verb != nothing {
			t.m.stats.drift.Add(1)
		}
		t.requeue(o)
	}
}

// requeue queues the key of an operation that was not applied.
func (t *term) requeue(o op) {
	if _, newer := t.since[o.key]; !newer && !o.cause.at.IsZero() {
		t.since[o.key] = o.cause
	}
	t.enqueue([]string{o.key})
}

// fail takes in an error: the keys stay dirty, and are unsure unless the server said that
// it refused.
func (t *term) fail(out outcome) {
	kind := refused(out.err)
	if kind == uncertain && overSendLimit(out.batch, out.err) {
		kind = tooLarge
	}
	t.m.stats.failures[kind].Add(1)
	t.m.cfg.Log.Warn("commit failed", "kind", kind.String(), "operations", len(out.ops), "error", out.err)
	switch kind {
	case tooMany:
		t.maxOps = max(1, min(t.maxOps, len(out.ops))/2)
		if len(out.ops) == 1 {
			t.hesitate(out.err)
		}
	case tooLarge:
		t.shrink(out)
	case notAllowed, malformed:
		t.isolate(out)
	case noLease:
		for _, s := range out.slots {
			t.leases.doubt(s)
			t.noteLost(s)
		}
	case noSpace:
		t.full = true
		t.hesitate(out.err)
	case uncertain:
		for _, o := range out.ops {
			if !out.unsent {
				t.known.unsure[o.key] = struct{}{}
				t.blunt = true
			}
		}
		t.hesitate(out.err)
	}
	for _, o := range out.ops {
		t.requeue(o)
	}
}

// shrink answers a request that was too large: halve the next one, or, if it held a single
// key, give up on that value and tell its owner.
func (t *term) shrink(out outcome) {
	if len(out.ops) > 1 {
		t.maxBytes = out.bytes / 2
		return
	}
	o := out.ops[0]
	t.rejected[o.key] = rejection{op: o}
	t.report(o.key, fmt.Sprintf("etcd refuses the value of key %q: its %d bytes are more than the server takes in one request; shorten what it is made of", o.key, len(o.value)))
}

// isolate answers a transaction that the server does not accept because of what it holds: a
// key that the user of etcd may not write, or one that is no key. A single one must not hold
// up the others, so it is searched for in smaller and smaller transactions; once found, it
// is left alone until the next read-back. A lease that may not be granted holds up all.
func (t *term) isolate(out outcome) {
	switch {
	case out.unsent:
		t.hesitate(out.err)
	case len(out.ops) > 1:
		t.narrow = len(out.ops) / 2
	default:
		o := out.ops[0]
		t.rejected[o.key] = rejection{op: o, again: true}
		t.report(o.key, fmt.Sprintf("etcd does not let the controller write key %q (%v): mend the role of its user, or the key", o.key, errors.Unwrap(out.err)))
	}
}

// hesitate lets some time pass before the next transaction. Until one succeeds, the mirror
// is not ready.
func (t *term) hesitate(reason error) {
	t.failure = reason
	t.paused = time.After(t.pause.next())
}

// doubt makes sure that the truth about a key is asked for.
func (t *term) doubt(key string) {
	t.known.unsure[key] = struct{}{}
	t.queue.push([]string{key}, refresh)
}

// retireIfEmpty lets the lease of a slot without keys run out. The first one is kept, so
// that a single instance which comes and goes does not wait for a lease each time.
func (t *term) retireIfEmpty(s slot) {
	if s > 0 && t.known.perSlot[s]+t.adding[s] == 0 {
		t.leases.retire(s)
	}
}

// waiting counts the keys in deferred groups that are not under way.
func (t *term) waiting() int {
	n := 0
	for _, g := range t.deferred {
		for _, key := range g.keys {
			if _, busy := t.inFlight[key]; !busy {
				n++
			}
		}
	}
	return n
}

// publishGauges renews the gauges, and the phase when everything was committed once.
func (t *term) publishGauges() {
	st := &t.m.stats
	st.owned.Store(int64(t.known.owned()))
	st.conflicts.Store(int64(t.known.foreign + len(t.rejected)))
	st.dirty.Store(int64(t.queue.len() + len(t.inFlight) + t.waiting()))
	st.leases.Store(int64(len(t.leases.slots())))
	switch {
	case t.queue.len()+len(t.inFlight)+t.waiting() == 0 && t.compared:
		t.settled, t.failure = true, nil
		t.m.setPhase(nil)
	case t.failure != nil:
		t.m.setPhase(t.failure)
	case !t.settled:
		t.m.setPhase(errFirstCommit)
	}
}
