package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-io/causeway/registry/mirror"
)

// fault is what happens to one transaction on its way.
type fault int

const (
	healthy   fault = iota
	lostAfter       // applied, and the answer is lost
	lostBefore
	late // the answer is lost, and the transaction arrives later
)

// flaky is a client whose write transactions meet faults. Reads and the election are not
// touched.
func flaky(t *testing.T, client *clientv3.Client, next func() fault) *clientv3.Client {
	t.Helper()
	other := connect(t, client.Endpoints())
	kv := &flakyKV{KV: other.KV, next: next}
	other.KV = kv
	t.Cleanup(kv.late.Wait)
	return other
}

type flakyKV struct {
	clientv3.KV
	next    func() fault
	applied func(revision int64) // if set, told of each transaction that was applied
	late    sync.WaitGroup
}

func (kv *flakyKV) Txn(ctx context.Context) clientv3.Txn {
	return &flakyTxn{Txn: kv.KV.Txn(ctx), kv: kv}
}

type flakyTxn struct {
	clientv3.Txn
	kv     *flakyKV
	fenced bool
}

func (txn *flakyTxn) If(cs ...clientv3.Cmp) clientv3.Txn {
	txn.fenced = len(cs) > 1 // what mirror commits is fenced and guarded
	txn.Txn = txn.Txn.If(cs...)
	return txn
}

func (txn *flakyTxn) Then(ops ...clientv3.Op) clientv3.Txn {
	txn.Txn = txn.Txn.Then(ops...)
	return txn
}

func (txn *flakyTxn) Else(ops ...clientv3.Op) clientv3.Txn {
	txn.Txn = txn.Txn.Else(ops...)
	return txn
}

var errLost = errors.New("the answer was lost")

func (txn *flakyTxn) Commit() (*clientv3.TxnResponse, error) {
	if !txn.fenced {
		return txn.Txn.Commit()
	}
	switch txn.kv.next() {
	case lostAfter:
		if _, err := txn.deliver(); err != nil {
			return nil, err
		}
		return nil, errLost
	case lostBefore:
		return nil, errLost
	case late:
		arrives := make(chan struct{})
		txn.kv.late.Go(func() {
			<-arrives
			_, _ = txn.deliver()
		})
		time.AfterFunc(20*time.Millisecond, func() { close(arrives) })
		return nil, errLost
	default:
		return txn.deliver()
	}
}

func (txn *flakyTxn) deliver() (*clientv3.TxnResponse, error) {
	resp, err := txn.Txn.Commit()
	if err == nil && resp.Succeeded && txn.kv.applied != nil {
		txn.kv.applied(resp.Header.Revision)
	}
	return resp, err
}

// An answer that is lost, before or after the server applied the transaction, neither loses
// nor repeats a change.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{"after applying": lostAfter, "before applying": lostBefore} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := oneEtcd(t)
			var n atomic.Int64
			every3rd := func() fault {
				if n.Add(1)%3 == 1 {
					return f
				}
				return healthy
			}
			m := run(t, flaky(t, client, every3rd), config(func(c *mirror.Config) { c.Resync = time.Hour }))
			events := watchFrom(t, client, "/s/")
			want(m, map[string]string{"/s/a": "0"})
			for i := range 30 {
				m.Set(mirror.Owner{Name: "owner of /s/a"}, []mirror.Record{{Key: "/s/a", Value: fmt.Sprint(i)}})
				holds(t, client, "/s/", map[string]string{"/s/a": fmt.Sprint(i)})
			}
			m.Delete("owner of /s/a")
			holds(t, client, "/s/", map[string]string{})
			ready(t, m)
			if got := len(events.events()); got != 31 {
				t.Errorf("%d events, want 31: no change is lost or repeated", got)
			}
		})
	}
}

// A change that nobody wants any longer is asked about when its answer was lost: it may
// have been applied.
func TestLostPutThatIsNoLongerWanted(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	lost := make(chan struct{})
	var once sync.Once
	next := func() fault {
		f := healthy
		once.Do(func() {
			f = lostAfter
			close(lost)
		})
		return f
	}
	m := run(t, flaky(t, client, next), config(func(c *mirror.Config) { c.Resync = time.Hour }))
	m.MarkComplete()
	leads(t, m)
	m.Set(mirror.Owner{Name: "a"}, []mirror.Record{{Key: "/s/a", Value: "1"}})
	<-lost
	m.Delete("a")
	holds(t, client, "/s/", map[string]string{})
	ready(t, m)
}

// A transaction that arrives after its term is over changes nothing: promise 5, with the
// delay that a stopped process or a slow network causes.
func TestLateTransactionsOfADeposedLeader(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	var held heldTxns
	old := run(t, held.client(t, client), config())
	want(old, map[string]string{"/s/a": "old"})
	holds(t, client, "/s/", map[string]string{"/s/a": "old"})

	held.hold.Store(true)
	old.Set(mirror.Owner{Name: "owner of /s/a"}, []mirror.Record{{Key: "/s/a", Value: "late"}})
	old.Set(mirror.Owner{Name: "b"}, []mirror.Record{{Key: "/s/b", Value: "late"}})
	eventually(t, func() error {
		if held.waiting.Load() == 0 {
			return errors.New("no transaction on its way yet")
		}
		return nil
	})
	deposeLeader(t, client)
	successor := run(t, client, config(func(c *mirror.Config) { c.Candidate = "successor" }))
	want(successor, map[string]string{"/s/a": "new"})
	holds(t, client, "/s/", map[string]string{"/s/a": "new"})

	events := watchFrom(t, client, "/s/")
	held.hold.Store(false)
	close(held.release)
	eventually(t, func() error {
		if arrived, sent := held.arrived.Load(), held.waiting.Load(); arrived < sent {
			return fmt.Errorf("%d of %d transactions have arrived", arrived, sent)
		}
		return nil
	})
	events.silent()
	if held.applied.Load() != 0 {
		t.Errorf("%d transactions of the deposed leader were applied", held.applied.Load())
	}
}

// deposeLeader takes the election key away from whoever has it.
func deposeLeader(t *testing.T, client *clientv3.Client) {
	t.Helper()
	if _, err := client.Delete(t.Context(), "/causeway/test/leader/", clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
}

// heldTxns keeps transactions on their way until they are released, whatever their context
// says meanwhile.
type heldTxns struct {
	hold    atomic.Bool
	waiting atomic.Int64
	arrived atomic.Int64
	applied atomic.Int64
	release chan struct{}
}

func (h *heldTxns) client(t *testing.T, client *clientv3.Client) *clientv3.Client {
	t.Helper()
	h.release = make(chan struct{})
	other := connect(t, client.Endpoints())
	other.KV = heldKV{KV: other.KV, held: h}
	return other
}

type heldKV struct {
	clientv3.KV
	held *heldTxns
}

func (kv heldKV) Txn(ctx context.Context) clientv3.Txn {
	if !kv.held.hold.Load() {
		return kv.KV.Txn(ctx)
	}
	return &heldTxn{Txn: kv.KV.Txn(context.WithoutCancel(ctx)), ctx: ctx, held: kv.held}
}

type heldTxn struct {
	clientv3.Txn
	ctx  context.Context //nolint:containedctx // clientv3.Txn takes its context when it is made
	held *heldTxns
}

func (txn *heldTxn) If(cs ...clientv3.Cmp) clientv3.Txn {
	txn.Txn = txn.Txn.If(cs...)
	return txn
}

func (txn *heldTxn) Then(ops ...clientv3.Op) clientv3.Txn {
	txn.Txn = txn.Txn.Then(ops...)
	return txn
}

func (txn *heldTxn) Else(ops ...clientv3.Op) clientv3.Txn {
	txn.Txn = txn.Txn.Else(ops...)
	return txn
}

func (txn *heldTxn) Commit() (*clientv3.TxnResponse, error) {
	txn.held.waiting.Add(1)
	go func() {
		defer txn.held.arrived.Add(1)
		<-txn.held.release
		if resp, err := txn.Txn.Commit(); err == nil && resp.Succeeded {
			txn.held.applied.Add(1)
		}
	}()
	<-txn.ctx.Done()
	return nil, txn.ctx.Err()
}

// A transaction that arrives after its keys have been asked about changes nothing, although
// the term lasts and the guards hold again.
func TestLateTransactionOfTheSameTerm(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	var held heldTxns
	m := run(t, held.client(t, client), config(func(c *mirror.Config) { c.Resync, c.RequestTimeout = time.Hour, time.Second }))
	want(m, map[string]string{"/s/b": "1"})
	holds(t, client, "/s/", map[string]string{"/s/b": "1"})
	held.hold.Store(true)
	m.Set(mirror.Owner{Name: "a"}, []mirror.Record{{Key: "/s/a", Value: "late"}})
	eventually(t, func() error {
		if held.waiting.Load() == 0 {
			return errors.New("no transaction on its way yet")
		}
		return nil
	})
	held.hold.Store(false)
	m.Delete("a")
	clean(t, m, 1)
	events := watchFrom(t, client, "/s/")
	close(held.release)
	eventually(t, func() error {
		if arrived, sent := held.arrived.Load(), held.waiting.Load(); arrived < sent {
			return fmt.Errorf("%d of %d transactions have arrived", arrived, sent)
		}
		return nil
	})
	events.silent()
	if n := held.applied.Load(); n != 0 {
		t.Errorf("%d late transactions were applied", n)
	}
}
