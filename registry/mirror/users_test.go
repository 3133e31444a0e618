package mirror_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/registry/mirror"
)

// withUsers turns authentication on and adds the user "causeway", who may read and write
// below the given prefixes and nowhere else.
func withUsers(t *testing.T, root *clientv3.Client, prefixes ...string) {
	t.Helper()
	steps := []func() error{
		func() error { _, err := root.RoleAdd(t.Context(), "causeway"); return err },
		func() error { _, err := root.UserAdd(t.Context(), "causeway", "secret"); return err },
		func() error { _, err := root.UserGrantRole(t.Context(), "causeway", "causeway"); return err },
		func() error { _, err := root.UserAdd(t.Context(), "root", "root"); return err },
		func() error { _, err := root.UserGrantRole(t.Context(), "root", "root"); return err },
	}
	for _, prefix := range prefixes {
		steps = append(steps, func() error {
			_, err := root.RoleGrantPermission(t.Context(), "causeway", prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		})
	}
	steps = append(steps, func() error { _, err := root.AuthEnable(t.Context()); return err })
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d of setting up users: %v", i, err)
		}
	}
}

func as(user, password string) func(*clientv3.Config) {
	return func(c *clientv3.Config) { c.Username, c.Password = user, password }
}

// A user whose role holds no more than the prefixes in use is enough, also when tokens run
// out: here they live for two seconds, and the mirror for many times that.
func TestLeastPrivilege(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true, AuthTokenTTL: 2 * time.Second})
	withUsers(t, connect(t, cluster.Endpoints()), "/causeway/", "/s/")
	root := connect(t, cluster.Endpoints(), as("root", "root"))
	m := run(t, connect(t, cluster.Endpoints(), as("causeway", "secret")), config())
	want(m, many("/s/", 200))
	holds(t, root, "/s/", many("/s/", 200))
	eventually(t, func() error {
		if s := m.Stats(); s.Renewals < 6 || s.LastReadBack.IsZero() {
			return fmt.Errorf("%d renewals, last read-back %v", s.Renewals, s.LastReadBack)
		}
		return nil
	})
	if _, err := root.Delete(t.Context(), "/s/10.0.0.1:8080"); err != nil {
		t.Fatal(err)
	}
	holds(t, root, "/s/", many("/s/", 200))
	m.Delete("owner of /s/10.0.0.1:8080")
	rest := many("/s/", 200)
	delete(rest, "/s/10.0.0.1:8080")
	holds(t, root, "/s/", rest)
	if s := m.Stats(); s.LeasesLost != 0 {
		t.Errorf("%d leases lost, want none", s.LeasesLost)
	}
	m.stop()

	events := watchFrom(t, root, "/s/")
	second := run(t, connect(t, cluster.Endpoints(), as("causeway", "secret")), config())
	want(second, rest)
	leads(t, second)
	events.silent()
}

// A key that the user may not write holds up no other.
func TestForbiddenKeyHoldsUpNothing(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true})
	withUsers(t, connect(t, cluster.Endpoints()), "/causeway/", "/s/")
	root := connect(t, cluster.Endpoints(), as("root", "root"))
	client := connect(t, cluster.Endpoints(), as("causeway", "secret"))
	if _, err := client.Put(t.Context(), "/other/key", ""); !errors.Is(err, rpctypes.ErrPermissionDenied) {
		t.Fatalf("putting outside of the role: %v", err)
	}
	entries := many("/s/", 50)
	entries["/other/key"] = "x"
	conflicts := make(chan mirror.Conflict, 10)
	m := run(t, client, config(func(c *mirror.Config) { c.OnConflict = func(c mirror.Conflict) { conflicts <- c } }))
	want(m, entries)
	delete(entries, "/other/key")
	holds(t, root, "/s/", entries)
	m.Delete("owner of /s/10.0.0.1:8080")
	delete(entries, "/s/10.0.0.1:8080")
	holds(t, root, "/s/", entries)
	if c := <-conflicts; c.Key != "/other/key" {
		t.Errorf("conflict at %q, want the forbidden key", c.Key)
	}
	if _, err := root.RoleGrantPermission(t.Context(), "causeway", "/other/", "/other0", clientv3.PermissionType(clientv3.PermReadWrite)); err != nil {
		t.Fatal(err)
	}
	holds(t, root, "/other/", map[string]string{"/other/key": "x"})
	ready(t, m)
}
