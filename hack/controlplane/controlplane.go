package controlplane

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/hack/process"
)

// ControlPlane is a running control plane. Its methods may be called concurrently.
type ControlPlane struct {
	opts    Options
	cleanup func() error
	files   files
	port    int // of the API server

	store     *etcdserver.Cluster // of Kubernetes
	discovery *etcdserver.Cluster // nil if there is none
	config    *rest.Config        // of the administrator
	client    kubernetes.Interface

	mu         sync.Mutex
	apiServer  *process.Process
	components []*process.Process // the others
}

// Start starts a control plane and waits until it is ready. ctx bounds the start only; the
// control plane runs until Stop.
func Start(ctx context.Context, opts Options) (*ControlPlane, error) {
	opts, cleanup, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	cp := &ControlPlane{opts: opts, cleanup: cleanup}
	if err := cp.start(ctx); err != nil {
		return nil, errors.Join(err, cp.Stop())
	}
	return cp, nil
}

func (cp *ControlPlane) start(ctx context.Context) error {
	var err error
	if cp.files, err = writeFiles(cp.opts.Dir); err != nil {
		return err
	}
	if err := cp.startEtcds(ctx); err != nil {
		return err
	}
	if err := cp.firstAPIServer(ctx); err != nil {
		return err
	}
	if cp.opts.APIServerOnly {
		return nil
	}
	for _, c := range cp.others() {
		if err := cp.startComponent(c); err != nil {
			return err
		}
	}
	if err := cp.createNodes(ctx); err != nil {
		return err
	}
	return cp.waitComplete(ctx)
}

// startEtcds starts the etcd of Kubernetes, which need not survive the machine, and that for
// discovery, if there is one.
func (cp *ControlPlane) startEtcds(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		cp.store, err = etcdserver.Start(ctx, etcdserver.Options{
			Binary:        cp.binary("etcd"),
			Dir:           filepath.Join(cp.opts.Dir, "kubernetes"),
			UnsafeNoFsync: true,
		})
		return err
	})
	if cp.opts.Discovery != nil {
		opts := *cp.opts.Discovery
		if opts.Binary == "" {
			opts.Binary = cp.binary("etcd")
		}
		if opts.Dir == "" {
			opts.Dir = filepath.Join(cp.opts.Dir, "discovery")
		}
		group.Go(func() (err error) {
			cp.discovery, err = etcdserver.Start(ctx, opts)
			return err
		})
	}
	return group.Wait()
}

// Stop ends everything at once, and removes the folder if Start created it.
func (cp *ControlPlane) Stop() error {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	var errs []error
	for _, p := range append(cp.components, cp.apiServer) {
		if p != nil {
			errs = append(errs, p.Kill())
		}
	}
	for _, cluster := range []*etcdserver.Cluster{cp.store, cp.discovery} {
		if cluster != nil {
			errs = append(errs, cluster.Close())
		}
	}
	return errors.Join(append(errs, cp.cleanup())...)
}

// Dir returns the folder that holds data, logs, certificates and kubeconfigs.
func (cp *ControlPlane) Dir() string { return cp.opts.Dir }

// Assets returns the folder of the programs, kubectl and etcdctl among them.
func (cp *ControlPlane) Assets() string { return cp.opts.Assets }

// Kubeconfig returns the path of the administrator's kubeconfig.
func (cp *ControlPlane) Kubeconfig() string { return cp.files.kubeconfig(admin) }

// RESTConfig returns a copy of the administrator's client configuration, with rate limits
// that do not get in the way.
func (cp *ControlPlane) RESTConfig() *rest.Config { return rest.CopyConfig(cp.config) }

// Etcd returns the etcd for discovery, or nil if Options asked for none.
func (cp *ControlPlane) Etcd() *etcdserver.Cluster { return cp.discovery }

// Log returns the path of a component's log, such as that of "kube-apiserver".
func (cp *ControlPlane) Log(component string) string {
	return filepath.Join(cp.opts.Dir, component+".log")
}

func (cp *ControlPlane) binary(name string) string { return filepath.Join(cp.opts.Assets, name) }
