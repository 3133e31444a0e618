package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-io/causeway/hack/assets"
	"github.com/causeway-io/causeway/hack/controlplane"
	"github.com/causeway-io/causeway/hack/etcdserver"
)

const (
	installFolder = "hack/demo/install"
	samplesFolder = "config/samples"

	controllerNamespace      = "causeway-system"
	controllerServiceAccount = "causeway"
)

// stage is everything that runs, and the folder that everything is written to.
type stage struct {
	out        *narrator
	dir        string
	plane      *controlplane.ControlPlane
	kube       kubernetes.Interface
	etcd       *clientv3.Client
	tools      *tools
	seen       *observer
	controller *controller
	unwatch    context.CancelFunc
}

// set brings everything up, but for the controller. After an error, what is up stays so
// until close.
func (s *stage) set(ctx context.Context, search []string) error {
	s.out.title("The stage is set")
	programs, err := assets.Ensure(ctx, s.out.w, assets.Options{Search: search})
	if err != nil {
		return fmt.Errorf("getting the programs: %w", err)
	}
	if s.dir, err = os.MkdirTemp("", "causeway-demo-"); err != nil {
		return fmt.Errorf("creating a folder: %w", err)
	}
	for _, do := range []func(context.Context) error{
		s.build,
		func(ctx context.Context) error { return s.startPlane(ctx, programs) },
		s.connect,
		s.watch,
		s.install,
	} {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// build compiles the controller from the sources at hand.
func (s *stage) build(ctx context.Context) error {
	began := time.Now()
	args := []string{"build", "-trimpath", "-o", s.path("causeway"), "."}
	s.out.command(append([]string{"go"}, args...)...)
	command := exec.CommandContext(ctx, "go", args...)
	command.Env = append(command.Environ(), "CGO_ENABLED=0")
	command.Stdout, command.Stderr = s.out.w, s.out.w
	shield(command)
	if err := command.Run(); err != nil {
		return fmt.Errorf("building the controller: %w", err)
	}
	s.out.found(fmt.Sprintf("the controller, built from this checkout in %s", elapsed(began)))
	return nil
}

func (s *stage) startPlane(ctx context.Context, programs string) error {
	began := time.Now()
	s.out.say("  Starting etcd twice, one for Kubernetes and one for discovery; kube-apiserver,")
	s.out.say("  kube-controller-manager and kube-scheduler; and kwok, which simulates the nodes.")
	plane, err := controlplane.Start(ctx, controlplane.Options{
		Assets:    programs,
		Dir:       s.path("controlplane"),
		Discovery: &etcdserver.Options{},
	})
	if err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	s.plane = plane
	s.tools = &tools{out: s.out, programs: programs, env: []string{
		"HOME=" + s.dir,
		"KUBECONFIG=" + plane.Kubeconfig(),
		"ETCDCTL_ENDPOINTS=" + s.endpoints(),
	}}
	s.out.found(fmt.Sprintf("ready in %s; the commands below use the administrator's kubeconfig and the etcd for discovery", elapsed(began)))
	return nil
}

// connect makes the clients of the demo itself.
func (s *stage) connect(context.Context) error {
	config := s.plane.RESTConfig()
	config.ContentType = runtime.ContentTypeProtobuf
	var err error
	if s.kube, err = kubernetes.NewForConfig(config); err != nil {
		return fmt.Errorf("making a client of Kubernetes: %w", err)
	}
	s.etcd, err = clientv3.New(clientv3.Config{
		Endpoints:   s.plane.Etcd().Endpoints(),
		DialTimeout: patience,
		Logger:      zap.NewNop(), // what matters comes back as an error
	})
	if err != nil {
		return fmt.Errorf("making a client of etcd: %w", err)
	}
	return nil
}

// watch opens the eyes of the demo, until close.
func (s *stage) watch(ctx context.Context) error {
	s.seen = newObserver()
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	s.unwatch = unwatch
	return errors.Join(s.seen.watchPods(watching, s.kube), s.seen.watchKeys(watching, s.etcd))
}

// install installs what config/default holds, and prepares the controller.
func (s *stage) install(ctx context.Context) error {
	s.out.say("  Installing config/default. Its Deployment gets 0 replicas, because simulated nodes run no")
	s.out.say("  containers: the controller will be a local process with the same ServiceAccount.")
	if _, err := s.tools.kubectl(ctx, "apply", "-k", installFolder); err != nil {
		return err
	}
	kubeconfig, err := s.plane.ServiceAccountKubeconfig(ctx, controllerNamespace, controllerServiceAccount)
	if err != nil {
		return err
	}
	s.controller = &controller{
		binary:     s.path("causeway"),
		kubeconfig: kubeconfig,
		endpoints:  s.plane.Etcd().Endpoints(),
		log:        s.path("controller.log"),
	}
	return nil
}

// close ends everything that set and the play started, and removes the folder.
func (s *stage) close() error {
	var errs []error
	if s.controller != nil {
		errs = append(errs, s.controller.close())
	}
	if s.unwatch != nil {
		s.unwatch()
	}
	if s.etcd != nil {
		errs = append(errs, s.etcd.Close())
	}
	if s.plane != nil {
		errs = append(errs, s.plane.Stop())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) endpoints() string { return strings.Join(s.plane.Etcd().Endpoints(), ",") }

// elapsed is how long ago something began, for people.
func elapsed(began time.Time) string { return readable(time.Since(began)) }
