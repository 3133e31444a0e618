package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/registry/mirror"
)

// leaseOf returns the lease of a key.
func leaseOf(t *testing.T, client *clientv3.Client, key string) clientv3.LeaseID {
	t.Helper()
	resp, err := client.Get(t.Context(), key)
	if err != nil || len(resp.Kvs) != 1 {
		t.Fatalf("reading %q: %v, error %v", key, resp, err)
	}
	return clientv3.LeaseID(resp.Kvs[0].Lease)
}

// Promise 7: keys return when their lease is revoked, and not only at the next renewal or
// read-back, which are both an hour away here.
func TestRevokedLeaseIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, client, config(func(c *mirror.Config) { c.TTL, c.Resync = 3*time.Hour, time.Hour }))
	want(m, many("/s/", 200))
	holds(t, client, "/s/", many("/s/", 200))
	if _, err := client.Revoke(t.Context(), leaseOf(t, client, "/s/10.0.0.0:8080")); err != nil {
		t.Fatal(err)
	}
	holds(t, client, "/s/", many("/s/", 200))
	if s := m.Stats(); s.LeasesLost == 0 {
		t.Errorf("LeasesLost = 0, want the loss counted")
	}
}

// The same without the help of the bookkeeping key: the renewal notices.
func TestRenewalNoticesLostLease(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, deaf(t, client), config(func(c *mirror.Config) { c.Resync = time.Hour }))
	want(m, many("/s/", 20))
	holds(t, client, "/s/", many("/s/", 20))
	if _, err := client.Revoke(t.Context(), leaseOf(t, client, "/s/10.0.0.0:8080")); err != nil {
		t.Fatal(err)
	}
	holds(t, client, "/s/", many("/s/", 20))
}

// deaf returns a client like the given one on which watches never say anything.
func deaf(t *testing.T, client *clientv3.Client) *clientv3.Client {
	t.Helper()
	other := connect(t, client.Endpoints())
	other.Watcher = deafWatcher{other.Watcher}
	return other
}

type deafWatcher struct{ clientv3.Watcher }

func (deafWatcher) Watch(ctx context.Context, _ string, _ ...clientv3.OpOption) clientv3.WatchChan {
	ch := make(chan clientv3.WatchResponse)
	context.AfterFunc(ctx, func() { close(ch) })
	return ch
}

// Promise 7: what somebody deletes or edits is repaired at the next read-back, and counted.
func TestReadBackRepairsTampering(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, client, config())
	want(m, many("/s/", 10))
	holds(t, client, "/s/", many("/s/", 10))
	lease := leaseOf(t, client, "/s/10.0.0.1:8080")
	_, err := client.Txn(t.Context()).Then(
		clientv3.OpDelete("/s/10.0.0.1:8080"),
		clientv3.OpPut("/s/10.0.0.2:8080", "edited", clientv3.WithLease(lease)),
		clientv3.OpPut("/s/planted on our lease", "x", clientv3.WithLease(lease)),
	).Commit()
	if err != nil {
		t.Fatal(err)
	}
	holds(t, client, "/s/", many("/s/", 10))
	eventually(t, func() error {
		if s := m.Stats(); s.Drift != 3 || s.Owned != 10 {
			return fmt.Errorf("drift %d, owned %d, want 3 and 10", s.Drift, s.Owned)
		}
		return nil
	})
}

// A key of ours that somebody writes without our lease is theirs from then on.
func TestStolenKeyIsForeign(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	conflicts := make(chan mirror.Conflict, 1)
	m := run(t, client, config(func(c *mirror.Config) { c.OnConflict = func(c mirror.Conflict) { conflicts <- c } }))
	want(m, many("/s/", 2))
	holds(t, client, "/s/", many("/s/", 2))
	if _, err := client.Put(t.Context(), "/s/10.0.0.1:8080", "stolen"); err != nil {
		t.Fatal(err)
	}
	if c := <-conflicts; c.Key != "/s/10.0.0.1:8080" {
		t.Errorf("conflict at %q, want the stolen key", c.Key)
	}
	entries := many("/s/", 2)
	entries["/s/10.0.0.1:8080"] = "stolen"
	holds(t, client, "/s/", entries)
}

// Promise 7: an etcd that comes back empty is filled again.
func TestEmptiedEtcdIsFilledAgain(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true})
	client := connect(t, cluster.Endpoints())
	m := run(t, client, config())
	want(m, many("/s/", 150))
	holds(t, client, "/s/", many("/s/", 150))
	if err := cluster.Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds(t, client, "/s/", many("/s/", 150))
	m.Delete("owner of /s/10.0.0.1:8080")
	rest := many("/s/", 150)
	delete(rest, "/s/10.0.0.1:8080")
	holds(t, client, "/s/", rest)
}

// Promise 7: an etcd that dies and comes back is followed again, and nothing that did not
// change is written.
func TestRestartedEtcdIsFollowedAgain(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true})
	client := connect(t, cluster.Endpoints())
	m := run(t, client, config(func(c *mirror.Config) { c.TTL = 60 * time.Second }))
	want(m, many("/s/", 5))
	holds(t, client, "/s/", many("/s/", 5))
	events := watchFrom(t, client, "/s/")
	if err := cluster.Member(0).Kill(); err != nil {
		t.Fatal(err)
	}
	m.Set(mirror.Owner{Name: "during the outage"}, []mirror.Record{{Key: "/s/new", Value: "1"}})
	eventually(t, func() error {
		if m.Ready() == nil {
			return fmt.Errorf("still ready while etcd is away")
		}
		return nil
	})
	if err := cluster.Member(0).Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries := many("/s/", 5)
	entries["/s/new"] = "1"
	holds(t, client, "/s/", entries)
	ready(t, m)
	if got := events.events(); len(got) != 1 {
		t.Errorf("events %q, want just the put of /s/new", got)
	}
}

// An etcd that is away at the start is waited for, and the reason can be asked.
func TestAbsentEtcdIsWaitedFor(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true})
	client := connect(t, cluster.Endpoints())
	if err := cluster.Member(0).Kill(); err != nil {
		t.Fatal(err)
	}
	m := run(t, client, config())
	want(m, many("/s/", 1))
	eventually(t, func() error {
		if err := m.Ready(); err == nil || err.Error() == "not started" {
			return errors.New("the reason is not told yet")
		}
		return nil
	})
	if err := cluster.Member(0).Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds(t, client, "/s/", many("/s/", 1))
}

// A longer TTL holds for leases that are granted from then on; those of the predecessor are
// renewed at the pace that they need.
func TestLongerTTLKeepsOldLeases(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	first := run(t, client, config())
	want(first, many("/s/", 3))
	holds(t, client, "/s/", many("/s/", 3))
	first.stop()
	events := watchFrom(t, client, "/s/")
	second := run(t, client, config(func(c *mirror.Config) { c.TTL = time.Hour }))
	want(second, many("/s/", 3))
	eventually(t, func() error { // three thirds of the old TTL
		if n := second.Stats().Renewals; n < 4 {
			return fmt.Errorf("%d renewals", n)
		}
		return nil
	})
	events.silent()
}
