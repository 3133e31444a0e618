package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/causeway-io/causeway/controllers"
	"github.com/causeway-io/causeway/internal/metrics"
	"github.com/causeway-io/causeway/internal/probe"
	"github.com/causeway-io/causeway/registry/mirror"
)

func newController(version string) *cobra.Command {
	var o controllerOptions
	cmd := &cobra.Command{
		Use:   "controller",
		Short: "Runs the controller: watches Pods and keeps etcd equal to the ready ones",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := o.settings(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			log := slog.New(s.log)
			ctrl.SetLogger(logr.FromSlogHandler(s.log))
			klog.SetSlogLogger(log)
			log.Info("starting", "version", version)
			return newRun(version, o, s, log).run(cmd.Context())
		},
	}
	o.addTo(cmd.Flags())
	describeEnvironment(cmd.Flags())
	return cmd
}

// controller is one run of `causeway controller`.
type controller struct {
	options  controllerOptions
	settings settings
	log      *slog.Logger

	metrics   *prometheus.Registry
	latencies *metrics.Latencies
	heard     *metrics.Heard
	conflicts *controllers.Conflicts
	ready     atomic.Pointer[func() error] // set once there is a mirror to ask
	waiting   atomic.Pointer[error]        // why there is none yet
}

func newRun(version string, o controllerOptions, s settings, log *slog.Logger) *controller {
	registry := prometheus.NewRegistry()
	metrics.RegisterBuild(registry, version)
	return &controller{
		options: o, settings: s, log: log,
		metrics:   registry,
		latencies: metrics.NewLatencies(registry),
		heard:     metrics.NewHeard(registry),
		conflicts: controllers.NewConflicts(),
	}
}

// run starts everything and ends when ctx does, or with the first error. The parts run side
// by side and not below the manager, which starts nothing before its cache has synced: the
// leases must be renewed also while Kubernetes is away.
func (c *controller) run(ctx context.Context) error {
	config, err := c.options.kubernetes.config()
	if err != nil {
		return err
	}
	config.Wrap(c.heard.Wrap)
	group, ctx := errgroup.WithContext(ctx)
	if err := serve(ctx, group, "probes", c.options.probeAddress, probe.Handler(c.isReady)); err != nil {
		return err
	}
	if err := serve(ctx, group, "metrics", c.options.metricsAddress, c.metricsHandler()); err != nil {
		return err
	}
	group.Go(func() error { return c.bridge(ctx, config) })
	return group.Wait()
}

// bridge connects both banks and keeps them connected until ctx ends.
func (c *controller) bridge(ctx context.Context, config *rest.Config) error {
	client, err := c.connect(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if err := c.identify(ctx, config, client); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop while it asked
		}
		return err
	}
	engine, err := c.newMirror(client)
	if err != nil {
		return err
	}
	manager, err := c.newManager(config, engine)
	if err != nil {
		return err
	}
	c.ready.Store(new(engine.Ready))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return engine.Run(ctx) })
	group.Go(func() error { return manager.Start(ctx) })
	return group.Wait()
}

// connect returns a client of etcd. With a user it needs etcd to answer, and waits for it.
func (c *controller) connect(ctx context.Context) (*clientv3.Client, error) {
	for {
		client, err := c.options.etcd.client()
		usage := usageError{}
		if err == nil || errors.As(err, &usage) || errors.Is(err, rpctypes.ErrAuthFailed) {
			return client, err
		}
		c.waiting.Store(&err)
		c.log.Warn("waiting for etcd", "error", err)
		if !pause(ctx, c.options.etcd.dialTimeout) {
			return nil, nil //nolint:nilnil // the caller looks at ctx
		}
	}
}

// identify finds out which cluster this is, from Kubernetes or, while that is away, from
// what an earlier run noted in etcd.
func (c *controller) identify(ctx context.Context, config *rest.Config, client *clientv3.Client) error {
	noted, err := newMemory(client, c.settings.mirror.Prefix, config)
	if err != nil {
		return err
	}
	uid, err := clusterUID(ctx, config)
	if err != nil {
		var nothing error
		if uid, nothing = noted.recall(ctx); nothing != nil {
			return fmt.Errorf("%w; and %w", err, nothing)
		}
		c.log.Warn("Kubernetes is away: keeping alive what is in etcd, and waiting", "clusterUID", uid, "error", err)
	}
	go noted.remember(ctx, uid)
	c.settings.mirror.Identity = uid
	if c.settings.mirror.ClusterID == "" {
		c.settings.mirror.ClusterID = uid
	}
	return nil
}

func (c *controller) newMirror(client *clientv3.Client) (*mirror.Mirror, error) {
	cfg := c.settings.mirror
	cfg.Log = c.log.With("clusterID", cfg.ClusterID)
	cfg.Candidate = candidate()
	cfg.OnCommit = c.latencies.Observe
	cfg.OnConflict = c.report
	engine, err := mirror.New(client, cfg)
	if err != nil {
		return nil, fmt.Errorf("configuring the mirror: %w", err)
	}
	c.metrics.MustRegister(metrics.NewCollector(engine.Stats))
	return engine, nil
}

func (c *controller) newManager(config *rest.Config, table controllers.Table) (ctrl.Manager, error) {
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Cache:                  controllers.CacheOptions(c.settings.annotations, c.settings.selector, c.options.namespaces...),
		MapperProvider:         controllers.RESTMapper,
		Metrics:                metricsserver.Options{BindAddress: nowhere}, // see metricsHandler
		HealthProbeBindAddress: nowhere,                                     // see package probe
		LeaderElection:         false,
	})
	if err != nil {
		return nil, fmt.Errorf("configuring the manager: %w", err)
	}
	publications := controllers.NewPublications(c.settings.annotations, c.settings.format)
	return manager, controllers.SetupWithManager(manager, publications, table, c.conflicts)
}

// report is told by the mirror what the owner of a Pod should know.
func (c *controller) report(conflict mirror.Conflict) {
	c.conflicts.Report(conflict.Owner, conflict.Key, "Not published: "+conflict.Reason)
}

// metricsHandler serves the metrics of this run beside those of controller-runtime, which
// belong to the process.
func (c *controller) metricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(prometheus.Gatherers{ctrlmetrics.Registry, c.metrics}, promhttp.HandlerOpts{}))
	return mux
}

func (c *controller) isReady() error {
	if ready := c.ready.Load(); ready != nil {
		return (*ready)()
	}
	if waiting := c.waiting.Load(); waiting != nil {
		return *waiting
	}
	return errors.New("starting")
}

// candidate names this process in the election: in a Pod the host name is the Pod's.
func candidate() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
