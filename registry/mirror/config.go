package mirror

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// Defaults of a [Config].
const (
	DefaultPrefix         = "/causeway"
	DefaultTTL            = 30 * time.Second
	DefaultElectionTTL    = 10 * time.Second
	DefaultResync         = 30 * time.Second
	DefaultRequestTimeout = 3 * time.Second
	DefaultSettle         = 200 * time.Millisecond
	DefaultKeysPerLease   = 1000
	DefaultMaxOps         = 127
	DefaultMaxInFlight    = 2
)

// Config says who a [Mirror] is and how it works. Only ClusterID is required.
type Config struct {
	// ClusterID names the owner of the keys: every mirror with the same ID, and no other,
	// shares their leases. It may hold letters, digits, '.', '-' and '_', 63 bytes at most.
	ClusterID string
	// Identity tells apart two sources that claim one ClusterID, such as two Kubernetes
	// clusters: the first is remembered in etcd, and [Mirror.Run] refuses the second.
	// Empty means that nothing is claimed or checked.
	Identity string
	// Candidate is this process's name in the election, for people to read. Default
	// "causeway".
	Candidate string
	// Prefix is where the bookkeeping lies in etcd. Default [DefaultPrefix].
	Prefix string
	// TTL is how long keys outlive the last mirror that renewed them, counted by etcd in
	// whole seconds. Default [DefaultTTL].
	TTL time.Duration
	// ElectionTTL is how long a leader that died keeps the others waiting, counted by
	// etcd in whole seconds. Default [DefaultElectionTTL]; at most half of TTL, so that
	// the successor renews in time.
	ElectionTTL time.Duration
	// Resync is the mean time between two read-backs. Default [DefaultResync].
	Resync time.Duration
	// Settle is how long a new leader waits before it commits the difference that it found
	// between its table and etcd: what its predecessor committed last may not have reached
	// its own table yet. Changes that come meanwhile are committed at once. Default
	// [DefaultSettle].
	Settle time.Duration
	// RequestTimeout bounds every request to etcd. Default [DefaultRequestTimeout].
	RequestTimeout time.Duration
	// KeysPerLease is how many keys share a lease at most. Default [DefaultKeysPerLease].
	KeysPerLease int
	// MaxOps is how many keys one transaction changes at most; it is lowered by itself
	// when the server takes fewer. Default [DefaultMaxOps], what etcd takes unless told
	// otherwise.
	MaxOps int
	// MaxInFlight is how many transactions are under way at once. Default
	// [DefaultMaxInFlight].
	MaxInFlight int
	// Overwrite makes the mirror take over keys that somebody else wrote, instead of
	// leaving them alone and reporting them.
	Overwrite bool
	// Log receives the few things that an operator should know. Default: discarded.
	Log *slog.Logger
	// OnCommit, if set, is called after a transaction was applied. It must not block.
	OnCommit func(Commit)
	// OnConflict, if set, is called when a key that an owner wants cannot be written for
	// a reason that lies in etcd or in the record. It must not block.
	OnConflict func(Conflict)
}

// Commit is one key's change as applied in etcd.
type Commit struct {
	// Key is the key that was put or, if Removed, deleted.
	Key     string
	Removed bool
	// Waited is the time from the call of Set or Delete to the answer of etcd; zero if
	// the change came from elsewhere, such as a lost lease or a predecessor.
	Waited time.Duration
	// Since is [Owner.Since] of who caused the change, zero if that is not known.
	Since time.Time
}

// Conflict is a key that an owner wants and cannot have.
type Conflict struct {
	Owner string
	Key   string
	// Reason is a sentence for the owner.
	Reason string
}

var clusterID = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// withDefaults fills what is not set.
func (c Config) withDefaults() Config {
	setDefault(&c.Prefix, DefaultPrefix)
	setDefault(&c.TTL, DefaultTTL)
	setDefault(&c.ElectionTTL, DefaultElectionTTL)
	setDefault(&c.Resync, DefaultResync)
	setDefault(&c.Settle, DefaultSettle)
	setDefault(&c.RequestTimeout, DefaultRequestTimeout)
	setDefault(&c.KeysPerLease, DefaultKeysPerLease)
	setDefault(&c.MaxOps, DefaultMaxOps)
	setDefault(&c.MaxInFlight, DefaultMaxInFlight)
	setDefault(&c.Candidate, "causeway")
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	if *field == *new(T) {
		*field = value
	}
}

// Validate says everything that is wrong with the configuration, with the arithmetic
// behind it. Zero fields stand for their defaults.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(clusterID.MatchString(c.ClusterID), "cluster ID %q: want 1 to 63 letters, digits, '.', '-' or '_', starting and ending with a letter or digit", c.ClusterID)
	check(c.TTL >= 2*time.Second, "TTL %v: want at least 2s, the least that etcd grants", c.TTL)
	check(c.ElectionTTL >= 2*time.Second, "election TTL %v: want at least 2s, the least that etcd grants", c.ElectionTTL)
	check(2*c.ElectionTTL <= c.TTL, "election TTL %v: a successor waits that long, and must then renew keys that were last renewed up to a third of the TTL before: %v + %v must leave room in the TTL of %v; want an election TTL of at most %v",
		c.ElectionTTL, c.ElectionTTL, c.TTL/3, c.TTL, c.TTL/2)
	check(c.Resync > 0, "resync %v: want more than 0", c.Resync)
	check(c.Settle > 0, "settle time %v: want more than 0", c.Settle)
	check(c.RequestTimeout > 0, "request timeout %v: want more than 0", c.RequestTimeout)
	check(c.KeysPerLease > 0, "keys per lease %d: want at least 1", c.KeysPerLease)
	check(c.MaxOps > 0, "operations per transaction %d: want at least 1", c.MaxOps)
	check(c.MaxInFlight > 0, "transactions in flight %d: want at least 1", c.MaxInFlight)
	return errors.Join(errs...)
}

// minKeepalive is the shortest time between two probes of a connection that gRPC allows a
// client; it silently raises shorter ones.
const minKeepalive = 10 * time.Second

// CheckKeepalive says whether a client whose connections are probed after idle, and given up
// when a probe is not answered within timeout, gives up a dead member of etcd before leases
// of the given TTL run out. (Renewals notice silence by themselves, in a twelfth of the TTL;
// other requests may go to the dead member until then, and wait for their timeout.)
func CheckKeepalive(ttl, idle, timeout time.Duration) error {
	if idle <= 0 || timeout <= 0 {
		return fmt.Errorf("keepalive time %v and timeout %v of the connection to etcd: want both to be more than 0, or a dead member is never noticed", idle, timeout)
	}
	if least := max(idle, minKeepalive) + timeout; least > ttl {
		return fmt.Errorf("keepalive time %v and timeout %v of the connection to etcd: a dead member is given up after %v + %v = %v, as gRPC probes no more often than every %v, and keys live for the TTL of %v after they were last renewed; want a TTL of at least %v",
			idle, timeout, max(idle, minKeepalive), timeout, least, minKeepalive, ttl, least)
	}
	return nil
}
