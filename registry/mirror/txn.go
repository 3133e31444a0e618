package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// opOverhead is what a guarded operation costs in a request besides its key, thrice, and
// its value: compare, operation and the read of the else-branch.
const opOverhead = 64

// batch is the operations of one transaction, on distinct keys.
type batch struct {
	ops   []op
	bytes int
	slots []slot // that the batch puts keys on
	// losses is how often the term had lost a lease when the batch was built. If it is more
	// often by the time that the outcome is known, the outcome may be older than the loss.
	losses int
}

// useSlot notes that the batch puts a key on a slot.
func (b *batch) useSlot(s slot) {
	if !slices.Contains(b.slots, s) {
		b.slots = append(b.slots, s)
	}
}

// size is what the operation adds to a request, about.
func (o op) size() int { return 3*len(o.key) + len(o.value) + opOverhead }

// outcome is what became of a batch.
type outcome struct {
	*batch
	// applied says that every operation was applied, at revision rev.
	applied bool
	rev     int64
	// deposed says that the election key is not the one of this term.
	deposed bool
	// truth holds, if a guard failed and nothing was applied, what etcd holds at each
	// operation's key; the zero entry is an absent key.
	truth []entry
	// err is set if the outcome is not known, or if the server refused; see refused.
	err error
	// unsent says that err came before the transaction was sent.
	unsent bool
}

// execute runs the batch as one transaction: the fence and a guard on every key; if one
// of them fails nothing is changed and the same round trip teaches what etcd holds.
func execute(ctx context.Context, kv clientv3.KV, f fence, lay layout, ids block, b *batch) outcome {
	compares := []clientv3.Cmp{f.sharp()}
	reads := []clientv3.Op{clientv3.OpGet(f.key, clientv3.WithKeysOnly())}
	var writes []clientv3.Op
	for _, o := range b.ops {
		compares = append(compares, clientv3.Compare(clientv3.ModRevision(o.key), "=", o.guard))
		reads = append(reads, clientv3.OpGet(o.key))
		writes = append(writes, o.write(lay, ids))
	}
	resp, err := kv.Txn(ctx).If(compares...).Then(writes...).Else(reads...).Commit()
	switch {
	case err != nil:
		return outcome{batch: b, err: fmt.Errorf("committing %d operations: %w", len(b.ops), err)}
	case resp.Succeeded:
		return outcome{batch: b, applied: true, rev: resp.Header.Revision}
	}
	out := outcome{batch: b, deposed: createRevision(resp.Responses[0]) != f.rev}
	for _, r := range resp.Responses[1:] {
		out.truth = append(out.truth, entryOf(r.GetResponseRange(), ids))
	}
	return out
}

func (o op) write(lay layout, ids block) clientv3.Op {
	switch {
	case o.verify:
		return clientv3.OpDelete(lay.barrier)
	case o.verb == remove:
		return clientv3.OpDelete(o.key)
	default:
		return clientv3.OpPut(o.key, o.value, clientv3.WithLease(ids.lease(o.slot)))
	}
}

func createRevision(r *pb.ResponseOp) int64 {
	if kvs := r.GetResponseRange().GetKvs(); len(kvs) == 1 {
		return kvs[0].CreateRevision
	}
	return 0
}

func entryOf(r *pb.RangeResponse, ids block) entry {
	if len(r.GetKvs()) == 0 {
		return entry{}
	}
	kv := r.Kvs[0]
	return entry{value: string(kv.Value), rev: kv.ModRevision, slot: ids.slot(kv.Lease)}
}

// refusal says what an error means for the batch that got it.
type refusal int

const (
	uncertain  refusal = iota // it may or may not have been applied
	noLease                   // refused: a lease of the batch is gone
	tooMany                   // refused: too many operations for this server
	tooLarge                  // refused: too many bytes for this server or client
	noSpace                   // refused: the server takes no more data
	notAllowed                // refused: the user may not do this
	malformed                 // refused: something in it is not valid
)

// refused classifies an error of execute. What it does not know is uncertain, which is
// always safe: the keys are asked about before anything else is done to them.
func refused(err error) refusal {
	switch {
	case errors.Is(err, rpctypes.ErrLeaseNotFound):
		return noLease
	case errors.Is(err, rpctypes.ErrTooManyOps):
		return tooMany
	case errors.Is(err, rpctypes.ErrRequestTooLarge):
		return tooLarge
	case errors.Is(err, rpctypes.ErrNoSpace):
		return noSpace
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return notAllowed
	}
	var fromServer rpctypes.EtcdError
	if errors.As(err, &fromServer) && fromServer.Code() == codes.InvalidArgument {
		return malformed
	}
	return uncertain
}

// sendLimit is below what clients send in one request by default, 2 MiB.
const sendLimit = 1 << 20

// overSendLimit tells the client's own refusal to send a batch from a server that is
// overloaded, which looks alike.
func overSendLimit(b *batch, err error) bool {
	s, ok := status.FromError(errors.Unwrap(err))
	return ok && s.Code() == codes.ResourceExhausted && b.bytes > sendLimit
}
