package mirror

import (
	"sync/atomic"
	"time"
)

// Stats is a snapshot of what a mirror has done and where it stands.
type Stats struct {
	// Leading says that this mirror is elected and writes.
	Leading bool
	// Desired, Owned, Dirty and Conflicts count keys: wanted by an owner; on our leases;
	// waiting to be committed or under way; wanted but held by somebody else, or refused
	// by the server. The last three are 0 unless Leading.
	Desired, Owned, Dirty, Conflicts int64
	// Leases counts the data leases in use; 0 unless Leading.
	Leases int64
	// Transactions counts those applied, Puts and Deletes the operations in them.
	Transactions, Puts, Deletes int64
	// Surprises counts transactions of which nothing was applied because a key was not
	// as it was last seen.
	Surprises int64
	// Failures counts the transactions that failed, by kind.
	Failures map[string]int64
	// Renewals counts leases renewed, RenewalFailures renewals that went unanswered or
	// were refused, LeasesLost leases found to be gone.
	Renewals, RenewalFailures, LeasesLost int64
	// Terms counts elections won.
	Terms int64
	// Drift counts keys found by read-back to differ from what was committed.
	Drift int64
	// LastReadBack is when etcd was last read back in full; zero if never.
	LastReadBack time.Time
}

// stats is the live form of Stats.
type stats struct {
	leading                               atomic.Bool
	desired, owned, dirty, conflicts      atomic.Int64
	leases                                atomic.Int64
	transactions, puts, deletes           atomic.Int64
	surprises                             atomic.Int64
	failures                              [malformed + 1]atomic.Int64
	renewals, renewalFailures, leasesLost atomic.Int64
	terms, drift                          atomic.Int64
	lastReadBack                          atomic.Int64 // Unix nanoseconds
}

func (r refusal) String() string {
	return [...]string{"uncertain", "lease_not_found", "too_many_operations", "too_large", "no_space", "permission_denied", "malformed"}[r]
}

func (s *stats) snapshot() Stats {
	out := Stats{
		Leading:         s.leading.Load(),
		Desired:         s.desired.Load(),
		Owned:           s.owned.Load(),
		Dirty:           s.dirty.Load(),
		Conflicts:       s.conflicts.Load(),
		Leases:          s.leases.Load(),
		Transactions:    s.transactions.Load(),
		Puts:            s.puts.Load(),
		Deletes:         s.deletes.Load(),
		Surprises:       s.surprises.Load(),
		Failures:        map[string]int64{},
		Renewals:        s.renewals.Load(),
		RenewalFailures: s.renewalFailures.Load(),
		LeasesLost:      s.leasesLost.Load(),
		Terms:           s.terms.Load(),
		Drift:           s.drift.Load(),
	}
	for kind := range s.failures {
		out.Failures[refusal(kind).String()] = s.failures[kind].Load()
	}
	if at := s.lastReadBack.Load(); at != 0 {
		out.LastReadBack = time.Unix(0, at)
	}
	return out
}

// pause resets what only a leader has.
func (s *stats) pause() {
	s.leading.Store(false)
	for _, gauge := range []*atomic.Int64{&s.owned, &s.dirty, &s.conflicts, &s.leases} {
		gauge.Store(0)
	}
}
