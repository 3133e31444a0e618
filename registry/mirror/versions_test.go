package mirror_test

import (
	"testing"

	"github.com/causeway-io/causeway/hack/assets"
	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/registry/mirror"
)

// The newest servers of the older lines are served like that of the current one, which all
// other tests use.
func TestOlderServers(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"3.5", "3.6"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			binary, err := assets.Etcd(t.Context(), line)
			if err != nil {
				t.Fatal(err)
			}
			client := connect(t, etcdserver.StartTest(t, etcdserver.Options{Binary: binary, UnsafeNoFsync: true}).Endpoints())
			first := run(t, client, config(func(c *mirror.Config) { c.Identity = "uid" }))
			want(first, many("/s/", 300))
			holds(t, client, "/s/", many("/s/", 300))
			if _, err := client.Revoke(t.Context(), leaseOf(t, client, "/s/10.0.0.0:8080")); err != nil {
				t.Fatal(err)
			}
			holds(t, client, "/s/", many("/s/", 300))
			first.Set(mirror.Owner{Name: "owner of /s/10.0.0.0:8080"}, []mirror.Record{{Key: "/s/moved", Value: "x"}})
			entries := many("/s/", 300)
			delete(entries, "/s/10.0.0.0:8080")
			entries["/s/moved"] = "x"
			holds(t, client, "/s/", entries)
			ready(t, first)
			first.stop()

			events := watchFrom(t, client, "/s/")
			second := run(t, client, config(func(c *mirror.Config) { c.Identity = "uid" }))
			m := second
			for key, value := range entries {
				m.Set(mirror.Owner{Name: key}, []mirror.Record{{Key: key, Value: value}})
			}
			m.MarkComplete()
			leads(t, m)
			events.silent()
		})
	}
}
