package etcdserver

import (
	"context"
	"testing"
	"time"

	"github.com/causeway-io/causeway/hack/process"
)

// StartTest starts a cluster that ends with the test. It fails the test if the cluster does
// not become healthy within a minute. When the test fails, the ends of the logs are shown.
func StartTest(t testing.TB, opts Options) *Cluster {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cluster, err := Start(ctx, opts)
	if err != nil {
		t.Fatalf("starting etcd: %v", err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Errorf("closing etcd: %v", err)
		}
		if t.Failed() {
			cluster.showLogs(t)
		}
	})
	return cluster
}

func (c *Cluster) showLogs(t testing.TB) {
	t.Helper()
	for _, m := range c.members {
		t.Logf("end of %s:\n%s", m.Log(), process.Tail(m.Log(), 10))
	}
}
