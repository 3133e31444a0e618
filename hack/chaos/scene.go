package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-io/causeway/hack/controlplane"
	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/hack/netfault"
	"github.com/causeway-io/causeway/hack/process"
)

// Times of the controllers. They are short, so that rows are; and the TTL is long enough
// that no lease runs out because the machine is busy.
const (
	ttl         = 12 * time.Second
	electionTTL = 3 * time.Second
)

// scene is what one row plays in: an etcd and a namespace of its own, Pods, replicas of the
// controller, and a watcher that sees everything.
type scene struct {
	stage *stage
	row   row
	dir   string

	plane     *controlplane.ControlPlane
	kube      kubernetes.Interface
	namespace string
	etcd      *etcdserver.Cluster
	proxies   []*netfault.Proxy
	endpoints []string // for the controllers
	guardArgs []string
	admin     *clientv3.Client // past all faults

	ledger   *ledger
	watch    *watcher
	probe    *pod // changed by converge only
	pods     []*pod
	churning *churn
	replicas []*replica

	marked time.Time
	bound  time.Duration // of a convergence
	took   time.Duration // the longest of all convergences
	notes  []string
}

func newScene(st *stage, r row) *scene { return &scene{stage: st, row: r, ledger: newLedger()} }

// perform sets the scene, plays the row, and waits for the end to be good.
func (s *scene) perform(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.clear(ctx)) }()
	if err := s.set(ctx); err != nil {
		return fmt.Errorf("setting the scene: %w", err)
	}
	if err := s.row.play(ctx, s); err != nil {
		return err
	}
	if err := s.stopChurn(ctx); err != nil {
		return err
	}
	s.mark()
	return inOrder(ctx, s.converge, s.watch.catchUp, s.equal)
}

// set starts everything and waits until all Pods are published.
func (s *scene) set(ctx context.Context) error {
	var err error
	if s.dir, err = os.MkdirTemp(s.stage.dir, "row-"); err != nil {
		return fmt.Errorf("creating a folder: %w", err)
	}
	if err := inOrder(ctx, s.startPlane, s.startEtcd); err != nil {
		return err
	}
	s.watch = &watcher{client: s.admin, ledger: s.ledger, election: s.electionPrefix()}
	s.watch.start(ctx, 1)
	if err := s.createPods(ctx); err != nil {
		return err
	}
	s.mark()
	s.bound = s.row.patience()
	if err := inOrder(ctx, s.launchAll, s.ready, s.converge); err != nil {
		return err
	}
	s.bound, s.took = s.row.bound(), 0
	return nil
}

// startPlane takes the kube-apiserver of the stage, or starts one, and a namespace in it.
func (s *scene) startPlane(ctx context.Context) error {
	s.plane = s.stage.plane
	if s.row.setup.ownPlane {
		var err error
		if s.plane, err = startPlane(ctx, filepath.Join(s.dir, "plane")); err != nil {
			return err
		}
	}
	config := s.plane.RESTConfig()
	config.QPS = -1
	var err error
	if s.kube, err = kubernetes.NewForConfig(config); err != nil {
		return fmt.Errorf("configuring the Kubernetes client: %w", err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "chaos-"}}
	namespace, err = s.kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating a namespace: %w", err)
	}
	s.namespace = namespace.Name
	return nil
}

func (s *scene) createPods(ctx context.Context) error {
	const defaultPods = 50
	count := s.row.setup.pods
	if count == 0 {
		count = defaultPods
	}
	n := &nursery{plane: s.plane, kube: s.kube, namespace: s.namespace, ledger: s.ledger, versions: new(atomic.Int64)}
	for i := range count {
		s.pods = append(s.pods, n.newPod(i))
	}
	s.probe = n.newPod(count)
	for _, p := range append([]*pod{s.probe}, s.pods...) {
		if err := p.create(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) controllerArgs() []string {
	return append([]string{
		"controller",
		"--kubeconfig=" + s.plane.Kubeconfig(),
		"--etcd-endpoints=" + strings.Join(s.endpoints, ","),
		"--namespaces=" + s.namespace,
		"--cluster-id=" + s.namespace,
		"--ttl=" + ttl.String(),
		"--election-ttl=" + electionTTL.String(),
		"--etcd-keepalive-time=1s",
		"--etcd-keepalive-timeout=1s",
	}, s.guardArgs...)
}

// mark notes the moment of a fault, or of its healing, from which convergence is counted.
func (s *scene) mark() { s.marked = time.Now() }

// converge waits until etcd holds what the Pods want: a change that is made now, and all
// that were made before.
func (s *scene) converge(ctx context.Context) error {
	if err := s.probe.edit(ctx); err != nil {
		return err
	}
	now := time.Now()
	ctx, cancel := context.WithDeadlineCause(ctx, s.marked.Add(s.bound), fmt.Errorf("not converged %v after the fault or its healing", s.bound))
	defer cancel()
	err := until(ctx, func(context.Context) error {
		if pending := s.ledger.pending(now); len(pending) > 0 {
			return fmt.Errorf("%d keys are not as Pods want them, %s among them", len(pending), pending[0])
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.took = max(s.took, time.Since(s.marked))
	if s.churning == nil {
		s.ledger.settle()
	}
	return nil
}

// equal compares etcd itself with what the Pods want.
func (s *scene) equal(ctx context.Context) error {
	resp, err := s.admin.Get(ctx, servicesPrefix, clientv3.WithPrefix())
	if err != nil {
		return fmt.Errorf("reading %q: %w", servicesPrefix, err)
	}
	got := map[string]string{}
	for _, kv := range resp.Kvs {
		got[string(kv.Key)] = string(kv.Value)
	}
	if diff := cmp.Diff(s.ledger.wanted(), got); diff != "" {
		return fmt.Errorf("keys at the end (-want +got):\n%s", diff)
	}
	return nil
}

func (s *scene) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// clear ends everything that the scene started.
func (s *scene) clear(ctx context.Context) error {
	errs := []error{s.stopChurn(ctx)}
	if s.watch != nil {
		s.watch.halt()
	}
	for _, r := range s.replicas {
		if !r.Alive() && !r.gone {
			errs = append(errs, r.Explain(fmt.Errorf("%s ended by itself", r.name)))
		}
		errs = append(errs, r.Kill())
	}
	if s.admin != nil {
		_ = s.admin.Close()
	}
	for _, p := range s.proxies {
		errs = append(errs, p.Close())
	}
	if s.etcd != nil {
		errs = append(errs, s.etcd.Close())
	}
	if s.row.setup.ownPlane && s.plane != nil {
		errs = append(errs, s.plane.Stop())
	}
	return errors.Join(errs...)
}

// conclude tells what came of the row.
func (s *scene) conclude(err error) result {
	explained, strange := s.ledger.verdict()
	if len(strange) > 0 {
		err = errors.Join(err, fmt.Errorf("events without an explanation: %d, such as %s", len(strange), strings.Join(strange[:min(3, len(strange))], "; ")))
	}
	res := result{row: s.row, explained: explained, strange: len(strange), took: s.took, notes: s.notes, err: err}
	if err != nil {
		for _, r := range s.replicas {
			res.logs += fmt.Sprintf("--- end of the log of %s ---\n%s\n", r.name, process.Tail(r.log, 15))
		}
	}
	return res
}
