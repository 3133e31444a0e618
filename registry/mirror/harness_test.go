package mirror_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/registry/mirror"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; it is far longer than anything takes.
const patience = 60 * time.Second

// connect returns a client of the cluster.
func connect(t *testing.T, endpoints []string, edit ...func(*clientv3.Config)) *clientv3.Client {
	t.Helper()
	cfg := clientv3.Config{
		Endpoints:            endpoints,
		DialTimeout:          5 * time.Second,
		DialKeepAliveTime:    5 * time.Second,
		DialKeepAliveTimeout: 3 * time.Second,
		Logger:               zap.NewNop(),
	}
	for _, e := range edit {
		e(&cfg)
	}
	client, err := clientv3.New(cfg)
	if err != nil {
		t.Fatalf("connecting to etcd: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// oneEtcd starts an etcd for one test and returns a client of it.
func oneEtcd(t *testing.T) *clientv3.Client {
	t.Helper()
	return connect(t, etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true}).Endpoints())
}

// config is what the tests run with: short times, to see everything happen.
func config(edit ...func(*mirror.Config)) mirror.Config {
	cfg := mirror.Config{ClusterID: "test", TTL: 6 * time.Second, ElectionTTL: 3 * time.Second, Resync: time.Second, RequestTimeout: 3 * time.Second}
	if os.Getenv("CAUSEWAY_TEST_LOG") != "" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	for _, e := range edit {
		e(&cfg)
	}
	return cfg
}

// running is a mirror under test.
type running struct {
	*mirror.Mirror
	stop func() // ends Run and waits for it
}

// run starts a mirror with an empty table; it ends with the test at the latest.
func run(t *testing.T, client *clientv3.Client, cfg mirror.Config) running {
	t.Helper()
	m, err := mirror.New(client, cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return running{Mirror: m, stop: stop}
}

// want makes the table of m hold exactly one key for each entry, each wanted by an owner
// of its own, and says that it is complete.
func want(m running, entries map[string]string) {
	for key, value := range entries {
		m.Set(mirror.Owner{Name: "owner of " + key}, []mirror.Record{{Key: key, Value: value}})
	}
	m.MarkComplete()
}

// eventually waits until ok returns nil.
func eventually(t *testing.T, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still not so after %v: %v", patience, err)
		}
		<-tick.C
	}
}

// holds waits until the keys below prefix are exactly these.
func holds(t *testing.T, client *clientv3.Client, prefix string, entries map[string]string) {
	t.Helper()
	eventually(t, func() error {
		got, err := read(t.Context(), client, prefix) // it fails while etcd has no leader
		if err != nil {
			return err
		}
		if diff := cmp.Diff(entries, got); diff != "" {
			return fmt.Errorf("keys below %q (-want +got):\n%s", prefix, diff)
		}
		return nil
	})
}

func ready(t *testing.T, m running) {
	t.Helper()
	eventually(t, m.Ready)
}

func leads(t *testing.T, m running) {
	t.Helper()
	eventually(t, func() error {
		if !m.Stats().Leading {
			return fmt.Errorf("not leading")
		}
		return m.Ready()
	})
}

func dump(t *testing.T, client *clientv3.Client, prefix string) map[string]string {
	t.Helper()
	got, err := read(t.Context(), client, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// read returns the keys below a prefix, and their values.
func read(ctx context.Context, client *clientv3.Client, prefix string) (map[string]string, error) {
	resp, err := client.Get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", prefix, err)
	}
	out := map[string]string{}
	for _, kv := range resp.Kvs {
		out[string(kv.Key)] = string(kv.Value)
	}
	return out, nil
}

// witness records every event below a prefix from now on.
type witness struct {
	t      *testing.T
	client *clientv3.Client
	prefix string
	from   int64
}

func watchFrom(t *testing.T, client *clientv3.Client, prefix string) witness {
	t.Helper()
	resp, err := client.Get(t.Context(), prefix)
	if err != nil {
		t.Fatalf("reading %q: %v", prefix, err)
	}
	return witness{t: t, client: client, prefix: prefix, from: resp.Header.Revision + 1}
}

// events returns all of them up to now, in order: "PUT key value" or "DELETE key".
func (w witness) events() []string {
	w.t.Helper()
	const mark = "/witness"
	put, err := w.client.Put(w.t.Context(), mark, "")
	if err != nil {
		w.t.Fatalf("marking the end: %v", err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var out []string
	for resp := range w.client.Watch(ctx, "", clientv3.WithPrefix(), clientv3.WithRev(w.from)) {
		for _, ev := range resp.Events {
			if ev.Kv.ModRevision >= put.Header.Revision {
				return out
			}
			if !strings.HasPrefix(string(ev.Kv.Key), w.prefix) {
				continue
			}
			line := ev.Type.String() + " " + string(ev.Kv.Key)
			if ev.Type == clientv3.EventTypePut {
				line += " " + string(ev.Kv.Value)
			}
			out = append(out, line)
		}
		if err := resp.Err(); err != nil {
			w.t.Fatalf("watching %q: %v", w.prefix, err)
		}
	}
	w.t.Fatalf("watching %q ended early", w.prefix)
	return nil
}

// silent fails the test if anything happened below the prefix.
func (w witness) silent() {
	w.t.Helper()
	if events := w.events(); len(events) > 0 {
		w.t.Errorf("events below %q, want none:\n%s", w.prefix, strings.Join(events, "\n"))
	}
}

// many returns n entries below prefix.
func many(prefix string, n int) map[string]string {
	entries := make(map[string]string, n)
	for i := range n {
		entries[fmt.Sprintf("%s10.%d.%d.%d:8080", prefix, i>>16, i>>8&255, i&255)] = fmt.Sprintf("value %d", i)
	}
	return entries
}
