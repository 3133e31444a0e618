package mirror_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/registry/mirror"
)

// renewed waits until m has renewed leases n more times.
func renewed(t *testing.T, m running, n int64) {
	t.Helper()
	before := m.Stats().Renewals
	eventually(t, func() error {
		if done := m.Stats().Renewals - before; done < n {
			return fmt.Errorf("%d of %d renewals", done, n)
		}
		return nil
	})
}

// Promise 4: on a full server nobody can be elected, and what is there lives on all the
// same, longer than its TTL.
func TestRestartWhileServerIsFull(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	first := run(t, client, config())
	want(first, many("/s/", 3))
	holds(t, client, "/s/", many("/s/", 3))
	alarm(t, client)
	first.stop()
	events := watchFrom(t, client, "/s/")
	second := run(t, client, config())
	want(second, many("/s/", 2))
	begun := time.Now()
	for time.Since(begun) < 2*config().TTL {
		renewed(t, second, 1)
	}
	if n := len(dump(t, client, "/s/")); n != 3 {
		t.Fatalf("%d keys are left, want 3", n)
	}
	disarm(t, client)
	holds(t, client, "/s/", many("/s/", 2))
	if got := events.events(); len(got) != 1 {
		t.Errorf("events %q, want one removal", got)
	}
}

// Promise 2: while the server is full, removals do not wait for the additions that it
// refuses, which are tried again after longer and longer pauses.
func TestRemovalsOnFullServer(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, client, config(func(c *mirror.Config) { c.TTL, c.Resync = time.Hour, time.Hour }))
	want(m, many("/s/", 40))
	holds(t, client, "/s/", many("/s/", 40))
	alarm(t, client)
	m.Set(mirror.Owner{Name: "late"}, []mirror.Record{{Key: "/s/late", Value: "x"}})
	left := many("/s/", 40)
	for key := range many("/s/", 40) {
		before := m.Stats().Failures["no_space"]
		m.Delete("owner of " + key)
		delete(left, key)
		holds(t, client, "/s/", left)
		if refused := m.Stats().Failures["no_space"] - before; refused > 2 {
			t.Errorf("%d refusals before a removal went through", refused)
		}
	}
	disarm(t, client)
	holds(t, client, "/s/", map[string]string{"/s/late": "x"})
}

// Promise 7: an etcd that was restored to an earlier state is put right, although its
// revisions are lower than those that the mirror knows.
func TestRestoredEtcdIsPutRight(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true})
	client := connect(t, cluster.Endpoints())
	m := run(t, client, config(func(c *mirror.Config) { c.TTL, c.ElectionTTL = 10*time.Minute, 5*time.Minute }))
	want(m, many("/s/", 5))
	holds(t, client, "/s/", many("/s/", 5))
	leads(t, m)
	backup := filepath.Join(t.TempDir(), "backup")
	offline(t, cluster, func(data string) error { return os.CopyFS(backup, os.DirFS(data)) })

	entries := many("/s/", 25)
	entries["/s/10.0.0.1:8080"] = "changed"
	for key, value := range entries {
		m.Set(mirror.Owner{Name: "owner of " + key}, []mirror.Record{{Key: key, Value: value}})
	}
	holds(t, client, "/s/", entries)
	offline(t, cluster, func(data string) error {
		return errors.Join(os.RemoveAll(data), os.CopyFS(data, os.DirFS(backup)))
	})
	holds(t, client, "/s/", entries)
}

// offline does something to the data of a member that is down meanwhile.
func offline(t *testing.T, cluster *etcdserver.Cluster, do func(data string) error) {
	t.Helper()
	member := cluster.Member(0)
	if err := errors.Join(member.Kill(), do(member.DataDir()), member.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// Leases that the server refuses to renew, here because the role no longer covers keys on
// them, do not starve the others.
func TestRefusedLeasesStarveNoOthers(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true})
	withUsers(t, connect(t, cluster.Endpoints()), "/causeway/", "/a/", "/s/")
	root := connect(t, cluster.Endpoints(), as("root", "root"))
	m := run(t, connect(t, cluster.Endpoints(), as("causeway", "secret")), config(func(c *mirror.Config) { c.KeysPerLease = 1 }))
	want(m, many("/a/", 12))
	want(m, many("/s/", 3))
	holds(t, root, "/a/", many("/a/", 12))
	holds(t, root, "/s/", many("/s/", 3))
	if _, err := root.RoleRevokePermission(t.Context(), "causeway", "/a/", clientv3.GetPrefixRangeEnd("/a/")); err != nil {
		t.Fatal(err)
	}
	events := watchFrom(t, root, "/s/")
	begun := time.Now()
	for time.Since(begun) < 2*config().TTL {
		renewed(t, m, 1)
	}
	events.silent()
}

// Promise 4: who does not know yet what is wanted does not keep back one who does.
func TestIncompleteReplicaDoesNotStand(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	incomplete := run(t, client, config())
	eventually(t, func() error {
		if err := incomplete.Ready(); err == nil || err.Error() != "waiting for the table to be complete" {
			return fmt.Errorf("ready: %w", err)
		}
		return nil
	})
	want(run(t, client, config()), many("/s/", 3))
	holds(t, client, "/s/", many("/s/", 3))
	incomplete.MarkComplete()
	ready(t, incomplete)
	holds(t, client, "/s/", many("/s/", 3))
}

// A record that can never be written is reported and holds up no other.
func TestImpossibleRecords(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	conflicts := make(chan mirror.Conflict, 3)
	m := run(t, client, config(func(c *mirror.Config) { c.OnConflict = func(c mirror.Conflict) { conflicts <- c } }))
	m.Set(mirror.Owner{Name: "bad"}, []mirror.Record{{Key: ""}, {Key: "/causeway/test/leader/1"}, {Key: "/s/good", Value: "x"}})
	want(m, many("/s/", 3))
	entries := many("/s/", 3)
	entries["/s/good"] = "x"
	holds(t, client, "/s/", entries)
	ready(t, m)
	for _, key := range []string{"", "/causeway/test/leader/1"} {
		if c := <-conflicts; c.Key != key || c.Owner != "bad" {
			t.Errorf("conflict %+v, want one at %q", c, key)
		}
	}
}

// A successor gives up the leases that it finds empty.
func TestSuccessorGivesUpEmptyLeases(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	cfg := config(func(c *mirror.Config) { c.KeysPerLease, c.TTL = 10, time.Hour })
	first := run(t, client, cfg)
	want(first, many("/s/", 100))
	holds(t, client, "/s/", many("/s/", 100))
	for key := range many("/s/", 100) {
		first.Delete("owner of " + key)
	}
	holds(t, client, "/s/", map[string]string{})
	first.stop()
	second := run(t, client, cfg)
	want(second, many("/s/", 1))
	holds(t, client, "/s/", many("/s/", 1))
	eventually(t, func() error {
		if n := second.Stats().Leases; n != 1 {
			return fmt.Errorf("%d leases for one key", n)
		}
		return nil
	})
}
