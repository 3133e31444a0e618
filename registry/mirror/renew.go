package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// renewer keeps leases alive. All of them share one stream, since each new stream costs a
// token where authentication is on. Every lease is renewed in each third of its TTL, and
// every renewal must be answered: silence means that the stream is stuck to a member that
// is dead, or that the token has run out, and the stream is replaced at once.
type renewer struct {
	rpc    pb.LeaseClient
	ids    block
	ttl    time.Duration // of the leases, until the server says that one is shorter
	slots  func() []slot
	lost   func(slot) // called for each lease that the server says is gone
	stats  *stats
	stream pb.Lease_LeaseKeepAliveClient
	cancel context.CancelFunc
}

// run renews until the context ends, at once and then in each third of the TTL. Leases
// are left as they are: they belong to the next leader.
func (r *renewer) run(ctx context.Context, failed func(error)) {
	defer r.reset()
	for {
		begun := time.Now()
		if err := r.round(ctx, begun.Add(r.ttl/3)); err != nil && ctx.Err() == nil {
			failed(err)
		}
		due := begun.Add(r.ttl / 3)
		if !sleep(ctx, time.Until(due)) {
			return
		}
	}
}

// round renews every lease once, on as many streams as it takes until due.
func (r *renewer) round(ctx context.Context, due time.Time) error {
	waiting := r.slots()
	pause := r.ttl / 200
	for refused := 0; ; {
		err := r.attempt(ctx, &waiting)
		if err == nil || ctx.Err() != nil {
			return err
		}
		r.reset()
		r.stats.renewalFailures.Add(1)
		// Leases that the server refuses to renew must not starve the others: each goes to
		// the end of the line, and nobody waits until all have had their turn.
		if errors.Is(err, rpctypes.ErrPermissionDenied) {
			waiting = append(waiting[1:len(waiting):len(waiting)], waiting[0])
			refused++
			if refused < len(waiting) {
				continue
			}
			refused = 0
		}
		if time.Now().Add(pause).After(due) {
			return err
		}
		sleep(ctx, pause)
		pause = min(2*pause, r.ttl/12)
	}
}

// attempt renews the waiting leases on the current stream and removes from the list those
// that were answered.
func (r *renewer) attempt(ctx context.Context, waiting *[]slot) error {
	if len(*waiting) == 0 {
		return nil
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	silence := time.AfterFunc(r.ttl/12, r.cancel)
	defer silence.Stop()
	for _, s := range *waiting {
		err := r.stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(r.ids.lease(s))})
		if err != nil && !errors.Is(err, io.EOF) { // the reason of an EOF comes from Recv
			return fmt.Errorf("renewing leases: %w", rpctypes.Error(err))
		}
	}
	for len(*waiting) > 0 {
		resp, err := r.stream.Recv()
		if err != nil {
			return fmt.Errorf("renewing leases: %w", rpctypes.Error(err))
		}
		silence.Reset(r.ttl / 12)
		r.answered(resp, waiting)
	}
	return nil
}

func (r *renewer) answered(resp *pb.LeaseKeepAliveResponse, waiting *[]slot) {
	s := r.ids.slot(resp.ID)
	*waiting = slices.DeleteFunc(*waiting, func(w slot) bool { return w == s })
	if resp.TTL <= 0 {
		r.lost(s)
		return
	}
	r.stats.renewals.Add(1)
	// A predecessor may have granted it for a shorter time.
	r.ttl = min(r.ttl, time.Duration(resp.TTL)*time.Second)
}

func (r *renewer) open(ctx context.Context) error {
	if r.stream != nil {
		return nil
	}
	ctx, r.cancel = context.WithCancel(ctx)
	silence := time.AfterFunc(r.ttl/12, r.cancel)
	defer silence.Stop()
	stream, err := r.rpc.LeaseKeepAlive(ctx)
	if err != nil {
		r.cancel()
		return fmt.Errorf("opening a stream to renew leases: %w", rpctypes.Error(err))
	}
	r.stream = stream
	return nil
}

func (r *renewer) reset() {
	if r.cancel != nil {
		r.cancel()
	}
	r.stream = nil
}

// sleep waits and reports whether the context still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
