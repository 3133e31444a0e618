package mirror

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// fence identifies a term, by the election key with the revision that created it, and what
// the term has sent since it last renewed the fence, by the revision that changed it last.
type fence struct {
	key   string
	rev   int64 // CreateRevision
	mod   int64 // ModRevision
	lease clientv3.LeaseID
}

// holds is true as long as the term lasts.
func (f fence) holds() clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(f.key), "=", f.rev)
}

// sharp is true as long as the term lasts and the fence has not been renewed.
func (f fence) sharp() clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(f.key), "=", f.mod)
}

// renewedFence is what became of an attempt to renew the fence.
type renewedFence struct {
	mod     int64
	deposed bool
	err     error
}

// renewFence writes the election key anew. A transaction whose answer was lost may still be
// on its way, and its guards may come to hold again, as when its key is absent once more;
// after this it is refused whenever it arrives.
func (t *term) renewFence(ctx context.Context) {
	t.renewing = true
	f := t.fence
	go func() {
		ctx, cancel := t.m.request(ctx)
		defer cancel()
		resp, err := t.m.client.Txn(ctx).
			If(f.holds()).
			Then(clientv3.OpPut(f.key, t.m.cfg.Candidate, clientv3.WithLease(f.lease))).
			Commit()
		if err != nil {
			t.renewed <- renewedFence{err: fmt.Errorf("renewing the fence: %w", withCause(ctx, err))}
			return
		}
		t.renewed <- renewedFence{mod: resp.Header.Revision, deposed: !resp.Succeeded}
	}()
}

// takeFence takes in what became of renewFence. The error, if any, ends the term.
func (t *term) takeFence(r renewedFence) error {
	t.renewing = false
	switch {
	case r.deposed:
		return errDeposed
	case errors.Is(r.err, rpctypes.ErrNoSpace):
		t.full, t.blunt = true, false // removals must go on; read-back finds what arrives late
		t.hesitate(r.err)
	case r.err != nil:
		t.hesitate(r.err)
	default:
		t.blunt, t.fence.mod = false, r.mod
	}
	return nil
}
