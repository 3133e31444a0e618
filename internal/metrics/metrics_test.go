package metrics_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/causeway-io/causeway/internal/metrics"
	"github.com/causeway-io/causeway/registry/mirror"
)

func TestCollectorShowsStats(t *testing.T) {
	t.Parallel()
	c := metrics.NewCollector(func() mirror.Stats {
		return mirror.Stats{Leading: true, Desired: 3, Puts: 5, Failures: map[string]int64{"no_space": 2}}
	})
	want := `
# HELP causeway_keys_desired Keys that Kubernetes wants.
# TYPE causeway_keys_desired gauge
causeway_keys_desired 3
# HELP causeway_leader 1 if this replica is elected and writes to etcd.
# TYPE causeway_leader gauge
causeway_leader 1
# HELP causeway_operations_total Operations applied.
# TYPE causeway_operations_total counter
causeway_operations_total{kind="delete"} 0
causeway_operations_total{kind="put"} 5
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "causeway_keys_desired", "causeway_leader", "causeway_operations_total"); err != nil {
		t.Error(err)
	}
	problems, err := testutil.CollectAndLint(c)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, error %v", problems, err)
	}
	if n := testutil.CollectAndCount(c, "causeway_transaction_failures_total"); n < 5 {
		t.Errorf("%d kinds of failure, want all that the mirror knows", n)
	}
}

func TestLatenciesObserveChanges(t *testing.T) {
	t.Parallel()
	r := prometheus.NewPedanticRegistry()
	l := metrics.NewLatencies(r)
	l.Observe(mirror.Commit{}) // not caused by a change in Kubernetes
	l.Observe(mirror.Commit{Waited: time.Millisecond, Since: time.Now()})
	l.Observe(mirror.Commit{Waited: time.Millisecond, Since: time.Now(), Removed: true})
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint64{2, 1} {
		if got := families[i].Metric[0].Histogram.GetSampleCount(); got != want {
			t.Errorf("%s observed %d changes, want %d", families[i].GetName(), got, want)
		}
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	r := prometheus.NewPedanticRegistry()
	metrics.RegisterBuild(r, "v1.2.3")
	want := `
# HELP causeway_build_info Always 1; the labels say which version runs, and which Go it was built with.
# TYPE causeway_build_info gauge
causeway_build_info{goversion="` + runtime.Version() + `",version="v1.2.3"} 1
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
