package controllers

import (
	"context"
	"fmt"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Informers is the part of a cache that the [Filler] needs.
type Informers interface {
	// GetInformer returns the informer of a kind once it holds everything that there is.
	GetInformer(ctx context.Context, obj client.Object, opts ...cache.InformerGetOption) (cache.Informer, error)
}

// Filler puts what all Pods want into the table and then marks it complete, once (promise
// 4). It is a Runnable for a manager. Use [NewFiller].
type Filler struct {
	informers Informers
	pods      *PodReconciler
	logger    logr.Logger
}

// NewFiller returns a Filler that goes through the Pods of informers with the reconciler.
func NewFiller(informers Informers, pods *PodReconciler, logger logr.Logger) *Filler {
	return &Filler{informers: informers, pods: pods, logger: logger}
}

// NeedLeaderElection reports false: every replica fills its table.
func (f *Filler) NeedLeaderElection() bool { return false }

// Start fills the table and returns, or returns early when ctx ends. It waits for the first
// complete listing of Pods for as long as that takes.
//
// The Pods are named first and then reconciled one by one, each from the cache as it is at
// that moment: what has changed since the listing is seen or, if it changes later still,
// comes through the work queue. A Pod created after the listing does as well.
func (f *Filler) Start(ctx context.Context) error {
	names, err := f.list(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // stopped before there was a listing
	}
	if err != nil {
		return fmt.Errorf("listing Pods: %w", err)
	}
	for _, name := range names {
		if _, err := f.pods.Reconcile(ctx, ctrl.Request{NamespacedName: name}); err != nil {
			return fmt.Errorf("filling the table: %w", err)
		}
	}
	f.pods.table.MarkComplete()
	f.logger.Info("Listed all Pods", "annotatedPods", len(names))
	return nil
}

// list returns the names of the Pods that have opted in. A handler sees the objects of the
// cache where they are; a list from the cache would copy every Pod of the cluster.
func (f *Filler) list(ctx context.Context) ([]types.NamespacedName, error) {
	informer, err := f.informers.GetInformer(ctx, &corev1.Pod{})
	if err != nil {
		return nil, err
	}
	found := &collector{wanted: f.pods.publications.annotations.OptedIn}
	handle, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: found.add})
	if err != nil {
		return nil, err
	}
	select {
	case <-handle.HasSyncedChecker().Done():
	case <-ctx.Done():
	}
	return found.take(), informer.RemoveEventHandler(handle)
}

// collector remembers the names of wanted Pods until they are taken.
type collector struct {
	wanted func(*corev1.Pod) bool

	mu    sync.Mutex
	names []types.NamespacedName
}

func (c *collector) add(obj any) {
	pod, ok := obj.(*corev1.Pod)
	if !ok || !c.wanted(pod) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = append(c.names, client.ObjectKeyFromObject(pod))
}

func (c *collector) take() []types.NamespacedName {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := c.names
	c.names = nil
	return names
}

// afterFirstRequest is a Filler that starts once the workers of the Pod controller run. A
// table that is called complete before that misses what waits for them in the queue, and
// the replica, once elected, would undo what its predecessor made of it.
type afterFirstRequest struct {
	pods   *PodReconciler
	filler *Filler
}

// NeedLeaderElection reports false, as for the Filler.
func (afterFirstRequest) NeedLeaderElection() bool { return false }

// Start waits for the workers and fills the table.
func (a afterFirstRequest) Start(ctx context.Context) error {
	select {
	case <-a.pods.working:
		return a.filler.Start(ctx)
	case <-ctx.Done():
		return nil
	}
}
