package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/client-go/rest"

	"github.com/causeway-io/causeway/hack/etcdserver"
)

const bookkeeping = "/causeway"

// startEtcd returns an etcd of the test's own and a client of it.
func startEtcd(t *testing.T) (*etcdserver.Cluster, *clientv3.Client) {
	t.Helper()
	etcd := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true})
	client, err := clientv3.New(clientv3.Config{Endpoints: etcd.Endpoints(), Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return etcd, client
}

// kubeSystem answers with the namespace of that UID.
func kubeSystem(uid string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system","uid":%q}}`, uid)
	}
}

// hangs takes requests and never answers.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// startsUp says that the namespace is not there, twice, and then that it is.
func startsUp(uid string) http.HandlerFunc {
	var asked atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= 2 {
			http.NotFound(w, r)
			return
		}
		kubeSystem(uid)(w, r)
	}
}

func memoryOf(t *testing.T, client *clientv3.Client, config *rest.Config) memory {
	t.Helper()
	m, err := newMemory(client, bookkeeping, config)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Promise 4: while Kubernetes is away, what an earlier run noted says whose keys to keep.
func TestIdentity(t *testing.T) {
	t.Parallel()
	_, client := startEtcd(t)
	tests := map[string]struct {
		kubernetes http.HandlerFunc // nil: nobody listens
		noted      string           // by an earlier run
		want       string
		problems   []string
	}{
		"answers":                   {kubernetes: kubeSystem("uid-1"), want: "uid-1"},
		"was another cluster":       {kubernetes: kubeSystem("uid-1"), noted: "uid-0", want: "uid-1"},
		"starts up":                 {kubernetes: startsUp("uid-1"), want: "uid-1"},
		"refuses":                   {noted: "uid-0", want: "uid-0"},
		"hangs":                     {kubernetes: hangs, noted: "uid-0", want: "uid-0"},
		"refuses, nothing is noted": {problems: []string{"namespace kube-system", "http://127.0.0.1:", "etcd holds nothing"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.kubernetes)
			t.Cleanup(server.Close)
			if tt.kubernetes == nil {
				server.Close()
			}
			config := &rest.Config{Host: server.URL}
			if tt.noted != "" {
				memoryOf(t, client, config).remember(t.Context(), tt.noted)
			}
			c := newRun("test", controllerOptions{}, settings{}, discard())
			c.settings.mirror.Prefix = bookkeeping
			err := c.identify(t.Context(), config, client)
			for _, problem := range tt.problems {
				if err == nil || !strings.Contains(err.Error(), problem) {
					t.Errorf("error %v does not mention %q", err, problem)
				}
			}
			if tt.problems != nil {
				return
			}
			if got := c.settings.mirror; err != nil || got.Identity != tt.want || got.ClusterID != tt.want {
				t.Errorf("identity %q, cluster ID %q, error %v; want %q", got.Identity, got.ClusterID, err, tt.want)
			}
			recalls(t, memoryOf(t, client, config), tt.want)
		})
	}
}

// recalls waits until that is what etcd holds.
func recalls(t *testing.T, m memory, want string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := m.recall(t.Context())
		if err == nil && got == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("etcd still holds %q, error %v; want %q", got, err, want)
		case <-tick.C:
		}
	}
}

// A cluster ID that was chosen stays; the UID still tells two clusters apart.
func TestChosenClusterID(t *testing.T) {
	t.Parallel()
	_, client := startEtcd(t)
	server := httptest.NewServer(kubeSystem("uid-1"))
	t.Cleanup(server.Close)
	c := newRun("test", controllerOptions{}, settings{}, discard())
	c.settings.mirror.Prefix, c.settings.mirror.ClusterID = bookkeeping, "chosen"
	if err := c.identify(t.Context(), &rest.Config{Host: server.URL}, client); err != nil {
		t.Fatal(err)
	}
	if got := c.settings.mirror; got.ClusterID != "chosen" || got.Identity != "uid-1" {
		t.Errorf("cluster ID %q, identity %q; want chosen, uid-1", got.ClusterID, got.Identity)
	}
}

// Promise 3: what is noted already is not written again. Clusters are told apart by their
// certificate authorities, whatever their address.
func TestMemory(t *testing.T) {
	t.Parallel()
	_, client := startEtcd(t)
	config := &rest.Config{Host: "https://a", TLSClientConfig: rest.TLSClientConfig{CAData: []byte("first")}}
	m := memoryOf(t, client, config)
	if got, err := m.recall(t.Context()); err == nil {
		t.Errorf("recalls %q before anything was noted", got)
	}
	revision := func(uid string) int64 {
		m.remember(t.Context(), uid)
		resp, err := client.Get(t.Context(), m.key)
		if err != nil || len(resp.Kvs) != 1 || string(resp.Kvs[0].Value) != uid {
			t.Fatalf("%v is noted, error %v; want %q", resp, err, uid)
		}
		return resp.Kvs[0].ModRevision
	}
	first := revision("uid-1")
	if again := revision("uid-1"); again != first {
		t.Errorf("the same was written again, in revision %d after %d", again, first)
	}
	if changed := revision("uid-2"); changed == first {
		t.Error("a new UID was not written")
	}
	config.Host = "https://b"
	if got, err := memoryOf(t, client, config).recall(t.Context()); got != "uid-2" || err != nil {
		t.Errorf("at another address recalls %q, error %v; want uid-2", got, err)
	}
	config.CAData = []byte("second")
	if got, err := memoryOf(t, client, config).recall(t.Context()); err == nil {
		t.Errorf("another cluster recalls %q", got)
	}
}

// An etcd that is away does not lose the note.
func TestMemoryWaitsForEtcd(t *testing.T) {
	t.Parallel()
	etcd, client := startEtcd(t)
	if err := etcd.Member(0).Kill(); err != nil {
		t.Fatal(err)
	}
	m := memoryOf(t, client, &rest.Config{Host: "https://a"})
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.remember(t.Context(), "uid-1")
	}()
	if got, err := m.recall(t.Context()); err == nil {
		t.Errorf("recalls %q without etcd", got)
	}
	if err := etcd.Member(0).Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	recalls(t, m, "uid-1")
	<-done
}

// Being told to stop is no error, also while Kubernetes does not answer.
func TestStopWhileAsking(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stop()
		hangs(w, r)
	}))
	t.Cleanup(server.Close)
	o, s, err := parse(t, "--kubeconfig="+kubeconfig(t, server.URL), "--etcd-endpoints=http://127.0.0.1:1",
		"--metrics-bind-address=0", "--health-probe-bind-address=0")
	if err != nil {
		t.Fatal(err)
	}
	if err := newRun("test", o, s, discard()).run(ctx); err != nil {
		t.Errorf("error %v, want none", err)
	}
}
