package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// leases holds the data leases of one term. It is safe for concurrent use.
type leases struct {
	client *clientv3.Client
	rpc    pb.LeaseClient
	ids    block
	lay    layout
	fence  fence
	ttl    time.Duration

	granting sync.Mutex // one grant at a time, without holding mu during I/O
	mu       sync.Mutex
	held     map[slot]bool // true once the lease is known to exist and to be ours
}

func newLeases(client *clientv3.Client, ids block, lay layout, f fence, ttl time.Duration) *leases {
	return &leases{
		client: client,
		rpc:    clientv3.RetryLeaseClient(client),
		ids:    ids,
		lay:    lay,
		fence:  f,
		ttl:    ttl,
		held:   map[slot]bool{},
	}
}

// adopt takes over leases that are known to exist.
func (l *leases) adopt(slots ...slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range slots {
		l.held[s] = true
	}
}

// doubt says that a lease may be gone: the next ensure grants it again.
func (l *leases) doubt(s slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.held[s]; ok {
		l.held[s] = false
	}
}

// retire stops renewing a lease that carries no keys; it runs out by itself.
func (l *leases) retire(s slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, s)
}

// holds reports whether the slot is in use, its lease certain or in doubt.
func (l *leases) holds(s slot) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.held[s]
	return ok
}

// slots lists the slots in use, in order.
func (l *leases) slots() []slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.held))
}

// ensure makes sure that the slot's lease exists and carries its bookkeeping key.
func (l *leases) ensure(ctx context.Context, s slot) error {
	l.granting.Lock()
	defer l.granting.Unlock()
	l.mu.Lock()
	certain := l.held[s]
	l.mu.Unlock()
	if certain {
		return nil
	}
	if err := l.grant(ctx, l.ids.lease(s)); err != nil {
		return err
	}
	l.adopt(s)
	return nil
}

func (l *leases) grant(ctx context.Context, id clientv3.LeaseID) error {
	_, err := l.rpc.LeaseGrant(ctx, &pb.LeaseGrantRequest{ID: int64(id), TTL: seconds(l.ttl)})
	if err = rpctypes.Error(err); errors.Is(err, rpctypes.ErrLeaseExist) {
		// It may be about to run out: a predecessor left it, or it was retired.
		_, err = l.client.KeepAliveOnce(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("granting lease %x: %w", int64(id), err)
	}
	key := l.lay.leaseKey(id)
	_, err = l.client.Txn(ctx).
		If(l.fence.holds(), clientv3.Compare(clientv3.LeaseValue(key), "!=", id)).
		Then(clientv3.OpPut(key, "", clientv3.WithLease(id))).
		Commit()
	if err != nil {
		return fmt.Errorf("putting %q: %w", key, err)
	}
	return nil
}

// findLeases reads which slots a predecessor left leases in.
func findLeases(ctx context.Context, kv clientv3.KV, lay layout, ids block) ([]slot, error) {
	resp, err := kv.Get(ctx, lay.leases, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", lay.leases, err)
	}
	var slots []slot
	for _, kv := range resp.Kvs {
		id, ok := lay.leaseOf(string(kv.Key))
		if s := ids.slot(id); ok && s != foreign {
			slots = append(slots, s)
		}
	}
	return slots, nil
}

// seconds rounds up to what etcd counts leases in.
func seconds(d time.Duration) int64 {
	return int64(math.Ceil(d.Seconds()))
}
