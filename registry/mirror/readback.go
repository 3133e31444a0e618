package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// readsPerTxn is how many keys are read in one request.
const readsPerTxn = 100

// readBack is what etcd holds on our leases, and at the foreign keys that are in our way.
type readBack struct {
	// since and until are the revisions of etcd before and after the reading. What is known
	// of a key that changed between the two may be newer than what was read; anything else
	// may not, least of all what is known from a time that etcd has not reached: it was
	// restored to an earlier one.
	since, until int64
	// found holds revisions only: reads of keys alone return neither values nor leases.
	found map[string]entry
	err   error
}

// learn reads everything on the given slots into known, at the start of a term, and gives up
// the leases on which nothing lies.
func (t *term) learn(ctx context.Context, slots []slot) error {
	found, err := t.read(ctx, slots, nil)
	if err != nil {
		return err
	}
	for key, e := range found {
		t.known.learn(key, e)
	}
	t.retireEmpty(slots)
	return nil
}

// startReadBack reads in the background what etcd holds, for compare.
func (t *term) startReadBack(ctx context.Context) {
	if t.reading {
		return
	}
	t.reading = true
	slots := t.leases.slots()
	var others []string
	for key, e := range t.known.entries {
		if e.slot == foreign {
			others = append(others, key)
		}
	}
	go func() {
		back := readBack{}
		back.since, back.err = t.revision(ctx)
		if back.err == nil {
			back.found, back.err = t.read(ctx, slots, others, clientv3.WithKeysOnly())
		}
		if back.err == nil {
			back.until, back.err = t.revision(ctx)
		}
		t.readBacks <- back
	}()
}

// compare queues every key that read-back found to be other than known. Nothing is
// concluded from the reading itself, which is not one snapshot: the keys are asked about
// in guarded transactions. Keys that were refused are tried again, and empty leases given up.
func (t *term) compare(back readBack) {
	t.reading = false
	if back.err != nil {
		t.m.cfg.Log.Warn("reading back failed", "error", back.err)
		return
	}
	t.m.stats.lastReadBack.Store(time.Now().UnixNano())
	var suspects []string
	for key, e := range t.known.entries {
		current := e.rev > back.since && e.rev <= back.until
		if back.found[key].rev != e.rev && !current {
			suspects = append(suspects, key)
		}
	}
	for key := range back.found {
		if _, ok := t.known.entries[key]; !ok {
			suspects = append(suspects, key)
		}
	}
	if len(suspects) == 0 && len(t.known.unsure) == 0 {
		t.retireEmpty(t.leases.slots())
	}
	suspects = append(suspects, t.pardon()...)
	slices.Sort(suspects)
	for _, key := range suspects {
		if _, busy := t.inFlight[key]; !busy {
			t.suspect(key)
		}
	}
}

// pardon gives the keys that may be tried again after a refusal, and forgets the refusals.
func (t *term) pardon() []string {
	var keys []string
	for key, rejection := range t.rejected {
		if rejection.again {
			delete(t.rejected, key)
			keys = append(keys, key)
		}
	}
	return keys
}

func (t *term) retireEmpty(slots []slot) {
	for _, s := range slots {
		t.retireIfEmpty(s)
	}
}

// suspect asks about a key. A foreign one that changed may be gone: believe that, and let
// the guard find out.
func (t *term) suspect(key string) {
	if t.known.entries[key].slot == foreign {
		t.known.forget(key)
		delete(t.reported, key)
	}
	t.known.unsure[key] = struct{}{}
	t.enqueue([]string{key})
}

// revision returns the current revision of etcd.
func (t *term) revision(ctx context.Context) (int64, error) {
	ctx, cancel := t.m.request(ctx)
	defer cancel()
	resp, err := t.m.client.Get(ctx, t.fence.key, clientv3.WithKeysOnly())
	if err != nil {
		return 0, fmt.Errorf("reading %q: %w", t.fence.key, withCause(ctx, err))
	}
	return resp.Header.Revision, nil
}

// read returns what etcd holds at the keys on our leases in the given slots, and at others.
func (t *term) read(ctx context.Context, slots []slot, others []string, opts ...clientv3.OpOption) (map[string]entry, error) {
	keys := slices.Clone(others)
	for _, s := range slots {
		on, err := t.attached(ctx, s)
		if err != nil {
			return nil, err
		}
		keys = append(keys, on...)
	}
	found := map[string]entry{}
	for chunk := range slices.Chunk(keys, min(readsPerTxn, t.m.cfg.MaxOps)) {
		entries, err := t.get(ctx, chunk, opts)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, entries)
	}
	return found, nil
}

// attached lists the consumers' keys on a slot's lease; none if the lease is gone.
func (t *term) attached(ctx context.Context, s slot) ([]string, error) {
	ctx, cancel := t.m.request(ctx)
	defer cancel()
	id := t.m.ids.lease(s)
	resp, err := t.m.client.TimeToLive(ctx, id, clientv3.WithAttachedKeys())
	if err != nil {
		return nil, fmt.Errorf("reading the keys on lease %x: %w", int64(id), withCause(ctx, err))
	}
	own := t.m.lay.leaseKey(id)
	var keys []string
	for _, key := range resp.Keys {
		if string(key) != own {
			keys = append(keys, string(key))
		}
	}
	return keys, nil
}

func (t *term) get(ctx context.Context, keys []string, opts []clientv3.OpOption) (map[string]entry, error) {
	ctx, cancel := t.m.request(ctx)
	defer cancel()
	ops := make([]clientv3.Op, len(keys))
	for i, key := range keys {
		ops[i] = clientv3.OpGet(key, opts...)
	}
	resp, err := t.m.client.Txn(ctx).Then(ops...).Commit()
	switch {
	case errors.Is(err, rpctypes.ErrTooManyOps) && len(keys) > 1:
		return t.getHalves(ctx, keys, opts)
	case err != nil:
		return nil, fmt.Errorf("reading %d keys: %w", len(keys), withCause(ctx, err))
	}
	found := make(map[string]entry, len(keys))
	for i, r := range resp.Responses {
		if e := entryOf(r.GetResponseRange(), t.m.ids); e.rev != 0 {
			found[keys[i]] = e
		}
	}
	return found, nil
}

// getHalves reads in two requests what the server does not take in one.
func (t *term) getHalves(ctx context.Context, keys []string, opts []clientv3.OpOption) (map[string]entry, error) {
	found, err := t.get(ctx, keys[:len(keys)/2], opts)
	if err != nil {
		return nil, err
	}
	rest, err := t.get(ctx, keys[len(keys)/2:], opts)
	maps.Copy(found, rest)
	return found, err
}

// nextResync spreads read-backs by a fifth around the mean.
func (t *term) nextResync() time.Duration {
	fifth := t.m.cfg.Resync / 5
	return t.m.cfg.Resync - fifth + rand.N(2*fifth+1)
}
