package mirror_test

import (
	"fmt"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/registry/mirror"
)

// Promise 7: neither the death of etcd's leader nor compactions lose or repeat a change,
// while changes go on.
func TestLeaderOfEtcdDies(t *testing.T) {
	t.Parallel()
	cluster := etcdserver.StartTest(t, etcdserver.Options{Members: 3, UnsafeNoFsync: true})
	client := connect(t, cluster.Endpoints())
	m := run(t, client, config(func(c *mirror.Config) { c.TTL, c.ElectionTTL = 60*patience, 20*patience }))
	want(m, many("/s/", 100))
	holds(t, client, "/s/", many("/s/", 100))
	for round := range 3 {
		events := watchFrom(t, client, "/s/")
		leader := leaderOf(t, client, cluster)
		if err := cluster.Member(leader).Kill(); err != nil {
			t.Fatal(err)
		}
		entries := many("/s/", 100)
		for key := range entries {
			entries[key] = fmt.Sprint("round ", round)
			m.Set(mirror.Owner{Name: "owner of " + key}, []mirror.Record{{Key: key, Value: entries[key]}})
		}
		holds(t, client, "/s/", entries)
		if got := len(events.events()); got != 100 {
			t.Errorf("round %d: %d events, want 100", round, got)
		}
		compact(t, client)
		if err := cluster.Member(leader).Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s := m.Stats(); s.LeasesLost != 0 {
		t.Errorf("%d leases lost, want none", s.LeasesLost)
	}
}

func leaderOf(t *testing.T, client *clientv3.Client, cluster *etcdserver.Cluster) int {
	t.Helper()
	for i := range cluster.Len() {
		status, err := client.Status(t.Context(), cluster.Member(i).Endpoint())
		if err != nil {
			t.Fatal(err)
		}
		if status.Leader == status.Header.MemberId {
			return i
		}
	}
	t.Fatal("etcd has no leader")
	return -1
}

func compact(t *testing.T, client *clientv3.Client) {
	t.Helper()
	resp, err := client.Get(t.Context(), "/")
	if err == nil {
		_, err = client.Compact(t.Context(), resp.Header.Revision)
	}
	if err != nil {
		t.Fatalf("compacting: %v", err)
	}
}
