package mirror_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/causeway-io/causeway/registry/mirror"
)

// Promise 3: a leader that resigns hands over at once and without an event, and what
// changes meanwhile is committed by the successor.
func TestHandover(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	long := config(func(c *mirror.Config) { c.TTL, c.ElectionTTL = 5*time.Minute, 2*time.Minute })
	entries := many("/s/", 100)
	mirrors := make([]running, 3)
	for i := range mirrors {
		mirrors[i] = run(t, client, long)
		want(mirrors[i], entries)
		if i == 0 {
			leads(t, mirrors[0])
		} else {
			ready(t, mirrors[i]) // a standby is ready
		}
	}
	holds(t, client, "/s/", entries)
	for i := range 2 {
		events := watchFrom(t, client, "/s/")
		mirrors[i].stop() // far from any TTL
		leads(t, mirrors[i+1])
		events.silent()
		key := fmt.Sprintf("/s/new %d", i)
		for _, m := range mirrors {
			m.Set(mirror.Owner{Name: key}, []mirror.Record{{Key: key, Value: "x"}})
		}
		entries[key] = "x"
		holds(t, client, "/s/", entries)
		if got := events.events(); len(got) != 1 {
			t.Errorf("events %q, want one put", got)
		}
	}
}

// Only one of many mirrors leads, and changes that all of them see are written once.
func TestOneWriter(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	mirrors := []running{run(t, client, config()), run(t, client, config()), run(t, client, config())}
	for _, m := range mirrors {
		m.MarkComplete()
	}
	for _, m := range mirrors {
		ready(t, m)
	}
	events := watchFrom(t, client, "/s/")
	for key, value := range many("/s/", 50) {
		for _, m := range mirrors {
			m.Set(mirror.Owner{Name: key}, []mirror.Record{{Key: key, Value: value}})
		}
	}
	holds(t, client, "/s/", many("/s/", 50))
	if got := events.events(); len(got) != 50 {
		t.Errorf("%d events, want 50", len(got))
	}
	leaders := 0
	for _, m := range mirrors {
		if m.Stats().Leading {
			leaders++
		}
	}
	if leaders != 1 {
		t.Errorf("%d leaders, want 1", leaders)
	}
}

// A leader whose election key is taken away stops, stands again and, alone as it is, leads
// again without writing anything.
func TestDeposedLeaderStandsAgain(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	m := run(t, client, config())
	want(m, many("/s/", 10))
	holds(t, client, "/s/", many("/s/", 10))
	leads(t, m)
	events := watchFrom(t, client, "/s/")
	deposeLeader(t, client)
	eventually(t, func() error {
		if terms := m.Stats().Terms; terms < 2 {
			return fmt.Errorf("%d terms", terms)
		}
		return m.Ready()
	})
	events.silent()
}
