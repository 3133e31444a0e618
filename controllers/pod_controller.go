package controllers

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/causeway-io/causeway/registry"
)

// Table is where the records go. Its methods touch memory only, cannot fail, and are safe
// for concurrent use; calling one again with the same arguments changes nothing.
type Table interface {
	// Set replaces what the owner wants. Its name is the namespace/name of a Pod, and it
	// was born when that Pod was created: of two owners that want one key, the newer one
	// wins. Neither the table nor the caller changes records afterwards.
	Set(owner registry.Owner, records []registry.Record)
	// Delete says that the owner wants nothing, which may have been so before.
	Delete(owner string)
	// MarkComplete says that the table now holds what every owner wants.
	MarkComplete()
}

// podWorkers is how many Pods are looked at at once. One look takes microseconds, and the
// reading of the cache and the writing of the table are serialized.
const podWorkers = 2

// untilSynced is how long a controller waits for its cache: for as long as it takes. By
// default it gives up after two minutes and ends the process (promise 4).
const untilSynced = time.Duration(math.MaxInt64)

// PodReconciler keeps in the table what each Pod publishes. Use [NewPodReconciler].
type PodReconciler struct {
	pods         client.Reader
	publications Publications
	table        Table

	// mu makes reading a Pod and writing what it wants one step. Several callers may look
	// at one Pod at the same time (the work queue, and the Filler); since the cache never
	// goes back in time, the last to write the table has read the newest state.
	mu sync.Mutex

	working  chan struct{} // closed once the workers of the controller run
	nowWorks func()
}

// firstRequest is what the controller finds in its queue before anything else. It names no
// Pod: that it is looked at tells that the workers run.
var firstRequest = ctrl.Request{}

// NewPodReconciler returns a reconciler that reads Pods, from a cache, and writes the table.
func NewPodReconciler(pods client.Reader, publications Publications, table Table) *PodReconciler {
	working := make(chan struct{})
	return &PodReconciler{
		pods: pods, publications: publications, table: table,
		working: working, nowWorks: sync.OnceFunc(func() { close(working) }),
	}
}

// Reconcile makes the table hold what the Pod publishes now. A Pod that is gone, that is
// not to be published, or that is invalid wants nothing.
func (r *PodReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	if req == firstRequest {
		r.nowWorks()
		return ctrl.Result{}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var pod corev1.Pod
	err := r.pods.Get(ctx, req.NamespacedName, &pod)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("getting Pod %s: %w", req, err)
	}
	if apierrors.IsNotFound(err) {
		r.table.Delete(req.String())
		return ctrl.Result{}, nil
	}
	records, err := r.publications.Records(&pod)
	if err != nil || len(records) == 0 {
		// An invalid Pod stays so until it changes; InvalidReconciler tells its owner.
		r.table.Delete(req.String())
		return ctrl.Result{}, nil
	}
	r.table.Set(registry.Owner{
		Name:  req.String(),
		Born:  pod.CreationTimestamp.Time,
		Since: readySince(&pod),
	}, records)
	return ctrl.Result{}, nil
}

// SetupWithManager registers the reconciler. It runs in every replica, so that a standby
// has a full table when it takes over.
func (r *PodReconciler) SetupWithManager(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).
		Named("pod").
		For(&corev1.Pod{}, builder.WithPredicates(recordsChanged(r.publications))).
		WatchesRawSource(source.TypedFunc[ctrl.Request](func(_ context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
			queue.Add(firstRequest)
			return nil
		})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: podWorkers,
			CacheSyncTimeout:        untilSynced,
			NeedLeaderElection:      new(false),
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the Pod controller: %w", err)
	}
	return nil
}
