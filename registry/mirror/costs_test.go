package mirror_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-io/causeway/registry/mirror"
)

const maxOps = mirror.DefaultMaxOps

// leastTransactions is how many transactions n changes need at least, if the first ones
// leave at once, as many as may be under way, and only the rest shares full ones.
func leastTransactions(n int) int64 {
	return int64((n+maxOps-1)/maxOps) + mirror.DefaultMaxInFlight
}

// Promise 8, counted: keys and their leases cost the least possible number of leases,
// transactions and operations.
func TestCostOfKeys(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1000, 10000} {
		t.Run(fmt.Sprint(n, " keys"), func(t *testing.T) {
			t.Parallel()
			client := oneEtcd(t)
			m := run(t, client, config(func(c *mirror.Config) { c.TTL, c.Resync = 30*time.Second, time.Hour }))
			want(m, many("/s/", n))
			clean(t, m, n)
			s := m.Stats()
			if leases := int64(n / 1000); s.Leases != leases || s.Puts != int64(n) || s.Transactions > leastTransactions(n) {
				t.Errorf("%d leases, %d puts, %d transactions; the least are %d, %d, %d", s.Leases, s.Puts, s.Transactions, leases, n, leastTransactions(n))
			}
			if s.Surprises != 0 || s.LeasesLost != 0 {
				t.Errorf("%d surprises and %d lost leases, want none", s.Surprises, s.LeasesLost)
			}
			onEachLease(t, client, 1000)
		})
	}
}

// 1,000 Pods that turn ready, restart once each, and go. While they change, transactions
// are held up, so that the count does not depend on the speed of this machine.
func TestCostOfChurn(t *testing.T) {
	t.Parallel()
	const n = 1000
	var gate sync.RWMutex
	client := flaky(t, oneEtcd(t), func() fault {
		gate.RLock()
		f := healthy
		gate.RUnlock()
		return f
	})
	m := run(t, client, config(func(c *mirror.Config) { c.TTL, c.Resync = 30*time.Second, time.Hour }))
	want(m, nil)
	leads(t, m)
	ready := func(key, value string) {
		m.Set(mirror.Owner{Name: "owner of " + key}, []mirror.Record{{Key: key, Value: value}})
	}
	gone := func(key, _ string) { m.Delete("owner of " + key) }
	for i, change := range []func(key, value string){ready, gone, ready, gone} {
		before := m.Stats()
		gate.Lock()
		for key, value := range many("/s/", n) {
			change(key, value)
		}
		gate.Unlock()
		left := n
		if i%2 == 1 {
			left = 0
		}
		clean(t, m, left)
		after := m.Stats()
		ops := after.Puts + after.Deletes - before.Puts - before.Deletes
		if transactions := after.Transactions - before.Transactions; ops != n || transactions > leastTransactions(n) {
			t.Errorf("round %d: %d operations in %d transactions, the least are %d in %d", i, ops, transactions, n, leastTransactions(n))
		}
	}
}

// Every lease is renewed once in a third of its TTL and no more often.
func TestCostOfRenewals(t *testing.T) {
	t.Parallel()
	const leases, rounds = 10, 4
	cfg := config(func(c *mirror.Config) { c.KeysPerLease, c.Resync = 10, time.Hour })
	m := run(t, oneEtcd(t), cfg)
	want(m, many("/s/", 10*leases))
	clean(t, m, 10*leases)
	begun, before := time.Now(), m.Stats().Renewals
	eventually(t, func() error {
		if n := m.Stats().Renewals - before; n < rounds*leases {
			return fmt.Errorf("%d renewals", n)
		}
		return nil
	})
	if elapsed, least := time.Since(begun), (rounds-1)*cfg.TTL/3; elapsed < least*97/100 {
		t.Errorf("%d renewals of %d leases in %v, want no more than %d in %v", rounds*leases, leases, elapsed, (rounds-1)*leases, least)
	}
}

// clean waits until m has nothing left to do and owns n keys.
func clean(t *testing.T, m running, n int) {
	t.Helper()
	eventually(t, func() error {
		if s := m.Stats(); s.Owned != int64(n) || s.Dirty != 0 || m.Ready() != nil {
			return fmt.Errorf("owned %d, dirty %d, ready %w", s.Owned, s.Dirty, m.Ready())
		}
		return nil
	})
}

// onEachLease fails the test if a lease carries more than most of the keys below /s/.
func onEachLease(t *testing.T, client *clientv3.Client, most int) {
	t.Helper()
	resp, err := client.Get(t.Context(), "/s/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	keys := map[int64]int{}
	for _, kv := range resp.Kvs {
		keys[kv.Lease]++
		if keys[kv.Lease] > most {
			t.Fatalf("lease %x carries more than %d keys", kv.Lease, most)
		}
	}
}
