// Package metrics shows Prometheus what a mirror does and what it hears of Kubernetes. The
// names are documented in docs/operations.md and are stable.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-io/causeway/registry/mirror"
)

// Latencies observes how long changes take to reach etcd. It is safe for concurrent use.
type Latencies struct {
	commit prometheus.Histogram
	ready  prometheus.Histogram
}

// NewLatencies returns histograms that are registered with r.
func NewLatencies(r prometheus.Registerer) *Latencies {
	l := &Latencies{
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "causeway_commit_duration_seconds",
			Help:    "Time from a change being seen in Kubernetes to its being committed in etcd.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}),
		ready: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "causeway_pod_ready_to_commit_seconds",
			Help:    "Time from a Pod turning ready, which Kubernetes notes in whole seconds, to its key being committed in etcd.",
			Buckets: prometheus.ExponentialBuckets(0.25, 2, 12),
		}),
	}
	r.MustRegister(l.commit, l.ready)
	return l
}

// Observe takes in one committed change; it is a [mirror.Config.OnCommit].
func (l *Latencies) Observe(c mirror.Commit) {
	if c.Waited == 0 {
		return
	}
	l.commit.Observe(c.Waited.Seconds())
	if !c.Removed && !c.Since.IsZero() {
		l.ready.Observe(time.Since(c.Since).Seconds())
	}
}

// Collector shows the counters and gauges of a mirror at the moment they are asked for.
type Collector struct{ stats func() mirror.Stats }

// NewCollector returns a collector of what stats returns, such as [mirror.Mirror.Stats].
func NewCollector(stats func() mirror.Stats) Collector { return Collector{stats: stats} }

type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(mirror.Stats) float64
}

func gauge(name, help string, read func(mirror.Stats) float64) metric {
	return metric{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, read}
}

func counter(name, help string, labels prometheus.Labels, read func(mirror.Stats) float64) metric {
	return metric{prometheus.NewDesc(name, help, nil, labels), prometheus.CounterValue, read}
}

func metrics() []metric {
	op := func(kind string) prometheus.Labels { return prometheus.Labels{"kind": kind} }
	all := []metric{
		gauge("causeway_leader", "1 if this replica is elected and writes to etcd.", func(s mirror.Stats) float64 {
			if s.Leading {
				return 1
			}
			return 0
		}),
		gauge("causeway_keys_desired", "Keys that Kubernetes wants.", func(s mirror.Stats) float64 { return float64(s.Desired) }),
		gauge("causeway_keys_owned", "Keys in etcd on the leases of this cluster, seen by the leader.", func(s mirror.Stats) float64 { return float64(s.Owned) }),
		gauge("causeway_keys_dirty", "Keys that wait to be committed, or are being committed.", func(s mirror.Stats) float64 { return float64(s.Dirty) }),
		gauge("causeway_keys_conflicting", "Keys that cannot be written, because somebody else holds them or etcd refuses them.", func(s mirror.Stats) float64 { return float64(s.Conflicts) }),
		gauge("causeway_leases", "Leases in use.", func(s mirror.Stats) float64 { return float64(s.Leases) }),
		gauge("causeway_last_read_back_timestamp_seconds", "When etcd was last read back in full, in Unix time; 0 if never.", func(s mirror.Stats) float64 {
			if s.LastReadBack.IsZero() {
				return 0
			}
			return seconds(s.LastReadBack.UnixNano())
		}),
		counter("causeway_transactions_total", "Transactions applied.", nil, func(s mirror.Stats) float64 { return float64(s.Transactions) }),
		counter("causeway_transaction_surprises_total", "Transactions that changed nothing because a key was not as last seen.", nil, func(s mirror.Stats) float64 { return float64(s.Surprises) }),
		counter("causeway_operations_total", "Operations applied.", op("put"), func(s mirror.Stats) float64 { return float64(s.Puts) }),
		counter("causeway_operations_total", "Operations applied.", op("delete"), func(s mirror.Stats) float64 { return float64(s.Deletes) }),
		counter("causeway_lease_renewals_total", "Leases renewed.", nil, func(s mirror.Stats) float64 { return float64(s.Renewals) }),
		counter("causeway_lease_renewal_failures_total", "Renewals that were refused or not answered.", nil, func(s mirror.Stats) float64 { return float64(s.RenewalFailures) }),
		counter("causeway_leases_lost_total", "Leases found to be gone.", nil, func(s mirror.Stats) float64 { return float64(s.LeasesLost) }),
		counter("causeway_terms_total", "Elections won by this replica.", nil, func(s mirror.Stats) float64 { return float64(s.Terms) }),
		counter("causeway_drift_repaired_total", "Keys that read-back found changed or missing.", nil, func(s mirror.Stats) float64 { return float64(s.Drift) }),
	}
	for kind := range new(mirror.Mirror).Stats().Failures {
		all = append(all, counter("causeway_transaction_failures_total", "Transactions that failed.", op(kind),
			func(s mirror.Stats) float64 { return float64(s.Failures[kind]) }))
	}
	return all
}

// Describe implements [prometheus.Collector].
func (c Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range metrics() {
		out <- m.desc
	}
}

// Collect implements [prometheus.Collector].
func (c Collector) Collect(out chan<- prometheus.Metric) {
	now := c.stats()
	for _, m := range metrics() {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read(now))
	}
}

// seconds is a time in the unit of Prometheus.
func seconds(nanoseconds int64) float64 { return float64(nanoseconds) / 1e9 }
