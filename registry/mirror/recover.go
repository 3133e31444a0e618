package mirror

import (
	"context"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// watch notices at once when a lease is gone, by the end of its bookkeeping key, and when
// the election key is. It is only the fast way: renewals and read-back notice too.
func (t *term) watch(ctx context.Context) {
	pause := backoff{least: 100 * time.Millisecond, most: 5 * time.Second}
	for ctx.Err() == nil {
		events := t.m.client.Watch(clientv3.WithRequireLeader(ctx), t.m.lay.root, clientv3.WithPrefix(), clientv3.WithFilterPut())
		for resp := range events {
			if resp.Err() == nil {
				pause.reset()
			}
			for _, ev := range resp.Events {
				t.gone(string(ev.Kv.Key))
			}
		}
		sleep(ctx, pause.next())
	}
}

// gone is told of each bookkeeping key that was deleted.
func (t *term) gone(key string) {
	if key == t.fence.key {
		t.noteDeposed()
		return
	}
	id, ok := t.m.lay.leaseOf(key)
	if s := t.m.ids.slot(id); ok && t.leases.holds(s) {
		t.leases.doubt(s)
		t.noteLost(s)
	}
}

// regrant deals with the slots whose leases are gone: the keys that were on them are
// forgotten and queued. If a lease was there after all, the guards find the keys in place
// and nothing is written.
func (t *term) regrant(ctx context.Context, lost []slot) {
	for _, s := range lost {
		if !t.leases.holds(s) {
			continue
		}
		t.m.stats.leasesLost.Add(1)
		t.losses++
		t.leases.doubt(s)
		keys := t.keysOn(s)
		t.m.cfg.Log.Warn("lease lost, granting it again", "lease", int64(t.m.ids.lease(s)), "keys", len(keys))
		t.tasks.Go(func() { t.keep(ctx, s) })
		for i, key := range keys {
			t.known.forget(key)
			t.known.unsure[key] = struct{}{}
			t.enqueue(keys[i : i+1 : i+1])
		}
	}
}

func (t *term) keysOn(s slot) []string {
	var keys []string
	for key, e := range t.known.entries {
		if _, busy := t.inFlight[key]; e.slot == s && !busy {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// hold makes sure that a slot on which a key of ours was found is renewed from now on.
func (t *term) hold(ctx context.Context, s slot) {
	if s == foreign || t.leases.holds(s) {
		return
	}
	t.leases.adopt(s)
	t.leases.doubt(s)
	t.tasks.Go(func() { t.keep(ctx, s) })
}

// keep grants a lease that may be gone, unless a transaction does so first. When it fails,
// the next renewal finds the lease missing and tries again.
func (t *term) keep(ctx context.Context, s slot) {
	ctx, cancel := t.m.request(ctx)
	defer cancel()
	if err := t.leases.ensure(ctx, s); err != nil {
		t.m.cfg.Log.Warn("lease not granted yet", "error", withCause(ctx, err))
	}
}
