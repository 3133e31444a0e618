package mirror_test

import (
	compare "cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"pgregory.net/rapid"

	"github.com/causeway-io/causeway/registry/mirror"
)

// TestModel plays random sequences of Pod events, tampering and faults against two engines
// that share a real etcd, and compares what comes of it with a small model.
//
//   - After quiet, etcd equals the model.
//   - At no time does a change reach a foreign key.
//   - A restart without changes writes nothing.
//   - No transaction of a term is accepted after another term has begun.
//
// In half of the plays nobody else touches the keys, and nothing is read back: what is left
// must do without the help of read-back.
func TestModel(t *testing.T) {
	t.Parallel()
	client := oneEtcd(t)
	var n atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt, client, fmt.Sprintf("w%d", n.Add(1)))
		defer w.close()
		rt.Repeat(map[string]func(*rapid.T){
			"":                   func(*rapid.T) {},
			"pod ready":          w.podReady,
			"pod unready":        w.podUnready,
			"pod flickers":       w.podFlickers,
			"pod edited":         w.podEdited,
			"pod moves":          w.podMoves,
			"address reused":     w.addressReused,
			"key deleted":        w.keyDeleted,
			"key edited":         w.keyEdited,
			"lease revoked":      w.leaseRevoked,
			"foreign key comes":  w.foreignComes,
			"foreign key goes":   w.foreignGoes,
			"faults":             w.faults,
			"leader deposed":     w.leaderDeposed,
			"replica restarts":   w.replicaRestarts,
			"quiet":              w.quiet,
			"restart when quiet": w.restartWhenQuiet,
		})
		w.quiet(rt)
		w.checkHistory()
	})
}

// world is a model of both banks beside the real thing.
type world struct {
	t      *testing.T
	rt     *rapid.T
	client *clientv3.Client // of the test: no faults
	name   string           // cluster ID, and prefix of the keys
	begun  int64            // revision of etcd

	pods    map[string]pod    // the model: by name
	foreign map[string]string // keys that somebody else wrote
	alone   bool              // nobody else touches the keys, and nothing is read back
	clock   time.Time         // when the next Pod is born
	starts  int               // replicas started so far
	next    atomic.Pointer[func() fault]

	replicas []*replica

	mu      sync.Mutex
	applied map[int64]string // revision → the candidate whose transaction made it
}

type pod struct {
	born    time.Time
	address string
	value   string
	ready   bool
}

type replica struct {
	running
	client *clientv3.Client
	late   *flakyKV
}

func newWorld(t *testing.T, rt *rapid.T, client *clientv3.Client, name string) *world {
	t.Helper()
	resp, err := client.Get(t.Context(), "/")
	if err != nil {
		rt.Fatal(err)
	}
	w := &world{
		t: t, rt: rt, client: client, name: name, begun: resp.Header.Revision,
		pods: map[string]pod{}, foreign: map[string]string{}, clock: time.Unix(0, 0),
		replicas: make([]*replica, 2), applied: map[int64]string{}, alone: rapid.Bool().Draw(rt, "alone"),
	}
	w.noFaults()
	for i := range w.replicas {
		w.replicas[i] = w.start(i)
	}
	return w
}

func (w *world) prefix() string { return "/" + w.name + "/" }

func (w *world) noFaults() { w.next.Store(new(func() fault { return healthy })) }

// start runs a replica whose table holds what the model says.
func (w *world) start(i int) *replica {
	client, err := clientv3.New(clientv3.Config{Endpoints: w.client.Endpoints()})
	if err != nil {
		w.rt.Fatal(err)
	}
	w.starts++
	candidate := fmt.Sprintf("replica %d, start %d", i, w.starts)
	kv := &flakyKV{KV: client.KV, next: func() fault { return (*w.next.Load())() }, applied: func(revision int64) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.applied[revision] = candidate
	}}
	client.KV = kv
	cfg := config(func(c *mirror.Config) {
		c.ClusterID, c.Candidate, c.KeysPerLease, c.MaxOps = w.name, candidate, 4, 5
		c.TTL, c.ElectionTTL, c.Resync = 60*time.Second, 30*time.Second, 100*time.Millisecond
		if w.alone {
			c.Resync = time.Hour
		}
	})
	m, err := mirror.New(client, cfg)
	if err != nil {
		w.rt.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	r := &replica{client: client, late: kv, running: running{Mirror: m, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
		kv.late.Wait()
		_ = client.Close()
	})}}
	for name := range w.pods {
		w.tell(r, name)
	}
	m.MarkComplete()
	return r
}

func (w *world) close() {
	for _, r := range w.replicas {
		r.stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, prefix := range []string{w.prefix(), "/causeway/" + w.name + "/"} {
		if _, err := w.client.Delete(ctx, prefix, clientv3.WithPrefix()); err != nil {
			w.t.Errorf("cleaning up: %v", err)
		}
	}
}

// tell puts what the model says of a Pod into the table of a replica.
func (w *world) tell(r *replica, name string) {
	p, ok := w.pods[name]
	if !ok || !p.ready {
		r.Delete(name)
		return
	}
	r.Set(mirror.Owner{Name: name, Born: p.born}, []mirror.Record{{Key: w.prefix() + p.address, Value: p.value}})
}

func (w *world) change(name string, p pod) {
	w.pods[name] = p
	for _, r := range w.replicas {
		w.tell(r, name)
	}
}

// anyPod draws a Pod, old or new.
func (w *world) anyPod(rt *rapid.T) (string, pod) {
	name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}).Draw(rt, "pod")
	p, ok := w.pods[name]
	if !ok {
		p = w.newPod(rt)
	}
	return name, p
}

func (w *world) newPod(rt *rapid.T) pod {
	w.clock = w.clock.Add(time.Second)
	return pod{born: w.clock, address: w.anyAddress(rt), value: w.anyValue(rt)}
}

func (w *world) anyAddress(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}).Draw(rt, "address")
}

func (w *world) anyValue(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "value")
}

func (w *world) podReady(rt *rapid.T) {
	name, p := w.anyPod(rt)
	p.ready = true
	w.change(name, p)
}

func (w *world) podUnready(rt *rapid.T) {
	name, p := w.anyPod(rt)
	p.ready = false
	w.change(name, p)
}

// podFlickers makes a Pod ready and, when that is under way or done, unready again.
func (w *world) podFlickers(rt *rapid.T) {
	name, p := w.anyPod(rt)
	p.ready = true
	w.change(name, p)
	<-time.After(time.Duration(rapid.IntRange(0, 10).Draw(rt, "milliseconds")) * time.Millisecond)
	p.ready = false
	w.change(name, p)
}

func (w *world) podEdited(rt *rapid.T) {
	name, p := w.anyPod(rt)
	p.value = w.anyValue(rt)
	w.change(name, p)
}

func (w *world) podMoves(rt *rapid.T) {
	name, p := w.anyPod(rt)
	p.address = w.anyAddress(rt)
	w.change(name, p)
}

// addressReused replaces a Pod by a younger one of another name at the same address, in
// either order of the two events.
func (w *world) addressReused(rt *rapid.T) {
	oldName, old := w.anyPod(rt)
	name, _ := w.anyPod(rt)
	if name == oldName {
		return
	}
	young := w.newPod(rt)
	young.address, young.ready = old.address, true
	old.ready = false
	if rapid.Bool().Draw(rt, "young first") {
		w.change(name, young)
		w.change(oldName, old)
	} else {
		w.change(oldName, old)
		w.change(name, young)
	}
}

// model is what etcd must hold after quiet.
func (w *world) model() map[string]string {
	want := map[string]string{}
	winner := map[string]pod{}
	names := map[string]string{}
	for name, p := range w.pods {
		key := w.prefix() + p.address
		best, taken := winner[key]
		if p.ready && (!taken || p.born.After(best.born) || p.born.Equal(best.born) && name > names[key]) {
			winner[key], names[key], want[key] = p, name, p.value
		}
	}
	maps.Copy(want, w.foreign)
	return want
}

// aKey draws a key that is in etcd now and is ours, or "".
func (w *world) aKey(rt *rapid.T) (string, clientv3.LeaseID) {
	resp, err := w.client.Get(w.t.Context(), w.prefix(), clientv3.WithPrefix())
	if err != nil {
		rt.Fatal(err)
	}
	ours := resp.Kvs[:0]
	for _, kv := range resp.Kvs {
		if kv.Lease != 0 {
			ours = append(ours, kv)
		}
	}
	if len(ours) == 0 {
		return "", 0
	}
	kv := ours[rapid.IntRange(0, len(ours)-1).Draw(rt, "key")]
	return string(kv.Key), clientv3.LeaseID(kv.Lease)
}

func (w *world) keyDeleted(rt *rapid.T) {
	if key, lease := w.aKey(rt); key != "" && !w.alone {
		w.tamper(rt, key, lease, clientv3.OpDelete(key))
	}
}

func (w *world) keyEdited(rt *rapid.T) {
	if key, lease := w.aKey(rt); key != "" && !w.alone {
		w.tamper(rt, key, lease, clientv3.OpPut(key, "edited", clientv3.WithLease(lease)))
	}
}

// tamper changes a key if it is still ours.
func (w *world) tamper(rt *rapid.T, key string, lease clientv3.LeaseID, op clientv3.Op) {
	_, err := w.client.Txn(w.t.Context()).If(clientv3.Compare(clientv3.LeaseValue(key), "=", lease)).Then(op).Commit()
	if err != nil {
		rt.Fatal(err)
	}
}

func (w *world) leaseRevoked(rt *rapid.T) {
	if key, lease := w.aKey(rt); key != "" {
		_, _ = w.client.Revoke(w.t.Context(), lease)
	}
}

// foreignComes writes a key that nobody has, or takes one of ours.
func (w *world) foreignComes(rt *rapid.T) {
	if w.alone {
		return
	}
	key := w.prefix() + w.anyAddress(rt)
	if _, err := w.client.Put(w.t.Context(), key, "foreign"); err != nil {
		rt.Fatal(err)
	}
	w.foreign[key] = "foreign"
}

func (w *world) foreignGoes(rt *rapid.T) {
	for key := range w.foreign {
		if _, err := w.client.Delete(w.t.Context(), key); err != nil {
			rt.Fatal(err)
		}
		delete(w.foreign, key)
	}
}

// faults makes a few of the transactions to come meet a fault.
func (w *world) faults(rt *rapid.T) {
	kinds := []fault{healthy, lostAfter, lostBefore}
	if !w.alone {
		kinds = append(kinds, late) // what arrives late enough, only read-back finds
	}
	script := rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 6).Draw(rt, "faults")
	var at atomic.Int64
	w.next.Store(new(func() fault {
		if i := int(at.Add(1)) - 1; i < len(script) {
			return script[i]
		}
		return healthy
	}))
}

func (w *world) leaderDeposed(rt *rapid.T) {
	resp, err := w.client.Get(w.t.Context(), "/causeway/"+w.name+"/leader/", clientv3.WithFirstCreate()...)
	if err != nil {
		rt.Fatal(err)
	}
	for _, kv := range resp.Kvs {
		if _, err := w.client.Delete(w.t.Context(), string(kv.Key)); err != nil {
			rt.Fatal(err)
		}
	}
}

func (w *world) replicaRestarts(rt *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(rt, "replica")
	w.replicas[i].stop()
	w.replicas[i] = w.start(i)
}

// quiet waits until etcd equals the model, and checks that it stays so over a read-back.
func (w *world) quiet(rt *rapid.T) {
	w.noFaults()
	deadline := time.Now().Add(patience)
	for {
		diff := cmp.Diff(w.model(), w.holds(rt))
		if diff == "" && w.settled() {
			return
		}
		if time.Now().After(deadline) {
			rt.Fatalf("etcd is not as the model (-want +got):\n%s\nor not settled: %s", diff, w.states())
		}
		<-time.After(5 * time.Millisecond)
	}
}

// settled reports whether one replica leads, has nothing to do, and has read back since.
func (w *world) settled() bool {
	for _, r := range w.replicas {
		if s := r.Stats(); s.Leading && s.Dirty == 0 && r.Ready() == nil {
			return true
		}
	}
	return false
}

func (w *world) states() string {
	var out strings.Builder
	for _, r := range w.replicas {
		fmt.Fprintf(&out, "%+v, ready: %v\n", r.Stats(), r.Ready())
	}
	return out.String()
}

func (w *world) holds(rt *rapid.T) map[string]string {
	resp, err := w.client.Get(w.t.Context(), w.prefix(), clientv3.WithPrefix())
	if err != nil {
		rt.Fatal(err)
	}
	got := map[string]string{}
	for _, kv := range resp.Kvs {
		got[string(kv.Key)] = string(kv.Value)
	}
	return got
}

// restartWhenQuiet restarts both replicas and expects no event.
func (w *world) restartWhenQuiet(rt *rapid.T) {
	w.quiet(rt)
	events := watchFrom(w.t, w.client, w.prefix())
	for i, r := range w.replicas {
		r.stop()
		w.replicas[i] = w.start(i)
	}
	w.quiet(rt)
	if got := events.events(); len(got) > 0 {
		rt.Fatalf("a restart without changes made events:\n%s", strings.Join(got, "\n"))
	}
}

// checkHistory looks at everything that ever happened: no transaction of ours changed a
// foreign key, and none was accepted but from the term that was current.
func (w *world) checkHistory() {
	resp, err := w.client.Get(w.t.Context(), "/")
	if err != nil {
		w.rt.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	owner := map[string]string{} // key → who wrote it last
	var candidates election
	for events := range w.client.Watch(ctx, "/", clientv3.WithPrefix(), clientv3.WithRev(w.begun+1), clientv3.WithPrevKV()) {
		for _, ev := range events.Events {
			key := string(ev.Kv.Key)
			if strings.HasPrefix(key, "/causeway/"+w.name+"/leader/") {
				candidates.see(ev)
			}
			w.checkTerm(ev.Kv.ModRevision, candidates.leader())
			if strings.HasPrefix(key, w.prefix()) {
				w.checkEvent(owner, key, ev)
			}
		}
		if events.Header.Revision >= resp.Header.Revision {
			return
		}
	}
}

func (w *world) checkEvent(owner map[string]string, key string, ev *clientv3.Event) {
	if ev.Type == clientv3.EventTypePut && ev.Kv.Lease != 0 && owner[key] == "foreign" && ev.PrevKv != nil {
		w.rt.Errorf("revision %d: %q was foreign and was put by an engine", ev.Kv.ModRevision, key)
	}
	switch {
	case ev.Type == clientv3.EventTypeDelete:
		delete(owner, key)
	case ev.Kv.Lease == 0:
		owner[key] = "foreign"
	default:
		owner[key] = "ours"
	}
}

// checkTerm fails if the transaction that made a revision was not the leader's.
func (w *world) checkTerm(revision int64, leader string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if by, ok := w.applied[revision]; ok && by != leader {
		w.rt.Errorf("revision %d was made by %s, and the leader was %s", revision, by, leader)
	}
}

// election follows the candidates: the one whose key was created first leads.
type election []*mvccpb.KeyValue

func (e *election) see(ev *clientv3.Event) {
	*e = slices.DeleteFunc(*e, func(kv *mvccpb.KeyValue) bool { return string(kv.Key) == string(ev.Kv.Key) })
	if ev.Type == clientv3.EventTypePut {
		*e = append(*e, ev.Kv)
	}
}

func (e election) leader() string {
	if len(e) == 0 {
		return "nobody"
	}
	return string(slices.MinFunc(e, func(a, b *mvccpb.KeyValue) int { return compare.Compare(a.CreateRevision, b.CreateRevision) }).Value)
}
