package mirror_test

import (
	"fmt"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/registry/mirror"
)

// Leases that nothing lies on any longer are given up, all but the first.
func TestEmptyLeasesAreGivenUp(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, client, config(func(c *mirror.Config) { c.KeysPerLease = 10 }))
	want(m, many("/s/", 100))
	holds(t, client, "/s/", many("/s/", 100))
	onEachLease(t, client, 10)
	if n := m.Stats().Leases; n != 10 {
		t.Errorf("%d leases for 100 keys, 10 a lease", n)
	}
	for key := range many("/s/", 100) {
		m.Delete("owner of " + key)
	}
	holds(t, client, "/s/", map[string]string{})
	eventually(t, func() error {
		if n := m.Stats().Leases; n != 1 {
			return fmt.Errorf("%d leases in use, want 1", n)
		}
		return nil
	})
	want(m, many("/s/", 100))
	holds(t, client, "/s/", many("/s/", 100))
	eventually(t, func() error { // the leases live on past their TTL
		if n := m.Stats().Renewals; n < 60 {
			return fmt.Errorf("%d renewals", n)
		}
		return nil
	})
	holds(t, client, "/s/", many("/s/", 100))
}

// A server that takes fewer operations is met by smaller transactions and reads.
func TestServerWithFewerOperations(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true, MaxTxnOps: 10})
	client := connect(t, cluster.Endpoints())
	first := run(t, client, config())
	want(first, many("/s/", 300))
	holds(t, client, "/s/", many("/s/", 300))
	if n := first.Stats().Failures["too_many_operations"]; n == 0 || n > 8 {
		t.Errorf("%d transactions refused, want a few while the limit is found", n)
	}
	first.stop()
	events := watchFrom(t, client, "/s/")
	second := run(t, client, config())
	want(second, many("/s/", 300))
	leads(t, second)
	events.silent()
}

// A value that the server never takes is reported and holds up nothing else.
func TestValueTooLarge(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	conflicts := make(chan mirror.Conflict, 1)
	m := run(t, client, config(func(c *mirror.Config) { c.OnConflict = func(c mirror.Conflict) { conflicts <- c } }))
	entries := many("/s/", 10)
	want(m, entries)
	m.Set(mirror.Owner{Name: "huge"}, []mirror.Record{{Key: "/s/huge", Value: strings.Repeat("x", 3<<20)}})
	if c := <-conflicts; c.Owner != "huge" || !strings.Contains(c.Reason, "3145728 bytes") {
		t.Errorf("conflict %+v, want one of the owner \"huge\" with the size", c)
	}
	holds(t, client, "/s/", entries)
	ready(t, m)
	m.Set(mirror.Owner{Name: "huge"}, []mirror.Record{{Key: "/s/huge", Value: "small"}})
	entries["/s/huge"] = "small"
	holds(t, client, "/s/", entries)
}

// Values whose sum is too much for one request are spread over several.
func TestManyLargeValues(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	entries := map[string]string{}
	for i := range 20 {
		entries[fmt.Sprintf("/s/%02d", i)] = strings.Repeat("x", 400_000)
	}
	m := run(t, client, config())
	want(m, entries)
	holds(t, client, "/s/", entries)
	if s := m.Stats(); s.Failures["too_large"] != 0 {
		t.Errorf("%d requests were too large, want them split before", s.Failures["too_large"])
	}
}

// A full server keeps what it has; removals still go, and the rest follows once there is
// room again.
func TestFullServer(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true})
	client := connect(t, cluster.Endpoints())
	m := run(t, client, config())
	want(m, many("/s/", 10))
	holds(t, client, "/s/", many("/s/", 10))

	alarm(t, client)
	events := watchFrom(t, client, "/s/")
	m.Set(mirror.Owner{Name: "late"}, []mirror.Record{{Key: "/s/late", Value: "x"}})
	eventually(t, func() error {
		if m.Stats().Failures["no_space"] == 0 {
			return fmt.Errorf("no refusal yet")
		}
		return nil
	})
	m.Delete("owner of /s/10.0.0.1:8080")
	rest := many("/s/", 10)
	delete(rest, "/s/10.0.0.1:8080")
	holds(t, client, "/s/", rest)
	disarm(t, client)
	rest["/s/late"] = "x"
	holds(t, client, "/s/", rest)
	if got := events.events(); len(got) != 2 {
		t.Errorf("events %q, want one removal and one addition", got)
	}
}

// alarm makes the server refuse whatever takes space, as it does when its quota is used up.
func alarm(t *testing.T, client *clientv3.Client) {
	t.Helper()
	status, err := client.Status(t.Context(), client.Endpoints()[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = pb.NewMaintenanceClient(client.ActiveConnection()).Alarm(t.Context(), &pb.AlarmRequest{
		Action: pb.AlarmRequest_ACTIVATE, Alarm: pb.AlarmType_NOSPACE, MemberID: status.Header.MemberId,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func disarm(t *testing.T, client *clientv3.Client) {
	t.Helper()
	if _, err := client.AlarmDisarm(t.Context(), &clientv3.AlarmMember{}); err != nil {
		t.Fatal(err)
	}
}
