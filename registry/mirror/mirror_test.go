package mirror_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-io/causeway/registry/mirror"
)

// Promise 1: keys appear, change in place and go as their owners say.
func TestKeysFollowTheTable(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, client, config())
	want(m, map[string]string{"/s/a": "1", "/s/b": "2"})
	holds(t, client, "/s/", map[string]string{"/s/a": "1", "/s/b": "2"})

	events := watchFrom(t, client, "/s/")
	m.Set(mirror.Owner{Name: "owner of /s/a"}, []mirror.Record{{Key: "/s/a", Value: "new"}})
	holds(t, client, "/s/", map[string]string{"/s/a": "new", "/s/b": "2"})
	m.Set(mirror.Owner{Name: "owner of /s/a"}, []mirror.Record{{Key: "/s/a", Value: "new"}})
	m.Delete("owner of /s/b")
	m.Delete("nobody")
	holds(t, client, "/s/", map[string]string{"/s/a": "new"})
	if diff := cmp.Diff([]string{"PUT /s/a new", "DELETE /s/b"}, events.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Every key lies on a lease in the block of its cluster ID.
func TestKeysLieOnLeases(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	want(run(t, client, config()), many("/s/", 50))
	holds(t, client, "/s/", many("/s/", 50))
	resp, err := client.Get(t.Context(), "/s/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range resp.Kvs {
		ttl, err := client.TimeToLive(t.Context(), clientv3.LeaseID(kv.Lease))
		if err != nil || ttl.GrantedTTL != 6 {
			t.Fatalf("key %q lies on lease %x with TTL %+v, error %v; want a TTL of 6", kv.Key, kv.Lease, ttl, err)
		}
	}
}

// An instance that moves is never seen twice or not at all: both keys change in one
// revision.
func TestMoveIsOneTransaction(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, client, config())
	want(m, map[string]string{"/s/old": "1"})
	holds(t, client, "/s/", map[string]string{"/s/old": "1"})
	m.Set(mirror.Owner{Name: "owner of /s/old"}, []mirror.Record{{Key: "/s/new", Value: "1"}})
	holds(t, client, "/s/", map[string]string{"/s/new": "1"})
	put, err := client.Get(t.Context(), "/s/new")
	if err != nil {
		t.Fatal(err)
	}
	before, err := client.Get(t.Context(), "/s/", clientv3.WithPrefix(), clientv3.WithRev(put.Kvs[0].ModRevision-1))
	if err != nil {
		t.Fatal(err)
	}
	if len(before.Kvs) != 1 || string(before.Kvs[0].Key) != "/s/old" {
		t.Errorf("one revision before the new key: %v, want just /s/old", before.Kvs)
	}
}

// Promise 4: before the table is complete nothing is written and nothing is deleted, and
// what an earlier process left is kept alive.
func TestNothingHappensBeforeComplete(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	first := run(t, client, config())
	want(first, many("/s/", 3))
	holds(t, client, "/s/", many("/s/", 3))
	first.stop()

	events := watchFrom(t, client, "/s/")
	second := run(t, client, config())
	second.Set(mirror.Owner{Name: "new"}, []mirror.Record{{Key: "/s/new", Value: "x"}})
	eventually(t, func() error { // longer than the TTL of the leases
		if second.Stats().Renewals < 5 {
			return second.Ready()
		}
		return nil
	})
	if second.Ready() == nil {
		t.Error("ready before the table is complete")
	}
	events.silent()
	second.MarkComplete()
	holds(t, client, "/s/", map[string]string{"/s/new": "x"})
}

// Promise 3: a restart writes nothing.
func TestRestartWritesNothing(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	first := run(t, client, config())
	want(first, many("/s/", 300))
	holds(t, client, "/s/", many("/s/", 300))
	first.stop()
	events := watchFrom(t, client, "/s/")
	second := run(t, client, config())
	want(second, many("/s/", 300))
	leads(t, second)
	events.silent()
	if s := second.Stats(); s.Transactions != 0 || s.Owned != 300 {
		t.Errorf("the restarted mirror made %d transactions and owns %d keys, want 0 and 300", s.Transactions, s.Owned)
	}
}

// What changed while nobody looked is put right by a restart, and nothing else.
func TestRestartCommitsTheDifference(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	first := run(t, client, config())
	want(first, map[string]string{"/s/a": "1", "/s/b": "1", "/s/c": "1"})
	holds(t, client, "/s/", map[string]string{"/s/a": "1", "/s/b": "1", "/s/c": "1"})
	first.stop()
	events := watchFrom(t, client, "/s/")
	want(run(t, client, config()), map[string]string{"/s/b": "2", "/s/c": "1", "/s/d": "1"})
	holds(t, client, "/s/", map[string]string{"/s/b": "2", "/s/c": "1", "/s/d": "1"})
	if diff := cmp.Diff([]string{"DELETE /s/a", "PUT /s/d 1", "PUT /s/b 2"}, events.events()); diff != "" {
		t.Errorf("events (-want +got): removals, additions, refreshes\n%s", diff)
	}
}

// An address that a new owner already has outlives the old owner.
func TestKeyOfTwoOwnersStays(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, client, config())
	born := time.Now()
	m.Set(mirror.Owner{Name: "old", Born: born}, []mirror.Record{{Key: "/s/a", Value: "old"}})
	m.MarkComplete()
	holds(t, client, "/s/", map[string]string{"/s/a": "old"})
	events := watchFrom(t, client, "/s/")
	m.Set(mirror.Owner{Name: "new", Born: born.Add(time.Second)}, []mirror.Record{{Key: "/s/a", Value: "new"}})
	holds(t, client, "/s/", map[string]string{"/s/a": "new"})
	m.Set(mirror.Owner{Name: "old", Born: born}, []mirror.Record{{Key: "/s/a", Value: "old again"}})
	m.Delete("old")
	m.Set(mirror.Owner{Name: "mark"}, []mirror.Record{{Key: "/s/mark", Value: ""}})
	holds(t, client, "/s/", map[string]string{"/s/a": "new", "/s/mark": ""})
	if diff := cmp.Diff([]string{"PUT /s/a new", "PUT /s/mark "}, events.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Promise 6: a key that somebody else wrote is neither changed nor deleted, its would-be
// owner is told once, and the key is taken as soon as it is free.
func TestForeignKeyIsLeftAlone(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	if _, err := client.Put(t.Context(), "/s/a", "theirs"); err != nil {
		t.Fatal(err)
	}
	events := watchFrom(t, client, "/s/a")
	conflicts := make(chan mirror.Conflict, 10)
	m := run(t, client, config(func(c *mirror.Config) { c.OnConflict = func(c mirror.Conflict) { conflicts <- c } }))
	want(m, map[string]string{"/s/a": "ours", "/s/b": "ours"})
	holds(t, client, "/s/", map[string]string{"/s/a": "theirs", "/s/b": "ours"})
	if c := <-conflicts; c.Key != "/s/a" || c.Owner != "owner of /s/a" {
		t.Errorf("conflict %+v, want /s/a of its owner", c)
	}
	m.Delete("owner of /s/a")
	m.Set(mirror.Owner{Name: "owner of /s/a"}, []mirror.Record{{Key: "/s/a", Value: "ours"}})
	events.silent()
	if _, err := client.Delete(t.Context(), "/s/a"); err != nil {
		t.Fatal(err)
	}
	holds(t, client, "/s/", map[string]string{"/s/a": "ours", "/s/b": "ours"})
}

func TestOverwriteTakesForeignKeys(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	if _, err := client.Put(t.Context(), "/s/a", "theirs"); err != nil {
		t.Fatal(err)
	}
	m := run(t, client, config(func(c *mirror.Config) { c.Overwrite = true }))
	want(m, map[string]string{"/s/a": "ours"})
	holds(t, client, "/s/", map[string]string{"/s/a": "ours"})
	m.Delete("owner of /s/a")
	holds(t, client, "/s/", map[string]string{})
}

// A cluster ID is held by one cluster only.
func TestSecondIdentityIsRefused(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	first := run(t, client, config(func(c *mirror.Config) { c.Identity = "uid-1" }))
	want(first, nil)
	ready(t, first)
	second, err := mirror.New(client, config(func(c *mirror.Config) { c.Identity = "uid-2" }))
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); !isClaimed(err, "uid-1") {
		t.Errorf("Run with another identity: %v, want ErrClaimed that names the holder", err)
	}
}

func isClaimed(err error, holder string) bool {
	return errors.Is(err, mirror.ErrClaimed) && strings.Contains(err.Error(), holder)
}

// An owner that changes its mind twice while the first change is under way gets what it
// wanted last.
func TestChangeAndBackWhileUnderWay(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, client, config(func(c *mirror.Config) { c.Resync = time.Hour }))
	want(m, nil)
	leads(t, m)
	owner := mirror.Owner{Name: "a"}
	for range 200 {
		m.Set(owner, []mirror.Record{{Key: "/s/a", Value: "1"}})
		m.Set(owner, []mirror.Record{{Key: "/s/a", Value: "2"}})
		m.Set(owner, []mirror.Record{{Key: "/s/a", Value: "1"}})
		holds(t, client, "/s/", map[string]string{"/s/a": "1"})
		m.Set(owner, []mirror.Record{{Key: "/s/a", Value: "2"}})
		holds(t, client, "/s/", map[string]string{"/s/a": "2"})
	}
}
