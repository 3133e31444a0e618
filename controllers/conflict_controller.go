package controllers

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/causeway-io/causeway/registry"
)

// ReasonKeyConflict is the reason of the Event that tells the owner of a Pod why a key that
// the Pod wants is not written.
const ReasonKeyConflict = "KeyConflict"

// conflictReconciler tells the owners of Pods about [Conflicts]. Like [InvalidReconciler]
// it waits for the API server, so it has a queue of its own (promise 2).
type conflictReconciler struct {
	pods         client.Reader
	publications Publications
	events       EventSink
	conflicts    *Conflicts
}

// Reconcile tells the owner of the Pod, unless the Pod is gone. An error means that it is
// to be tried again.
func (r *conflictReconciler) Reconcile(ctx context.Context, c conflict) (ctrl.Result, error) {
	if err := r.tell(ctx, c); err != nil {
		return ctrl.Result{}, fmt.Errorf("warning the owner of Pod %s: %w", c.pod, err)
	}
	r.conflicts.forget(c)
	return ctrl.Result{}, nil
}

func (r *conflictReconciler) tell(ctx context.Context, c conflict) error {
	var pod corev1.Pod
	if err := r.pods.Get(ctx, c.pod, &pod); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !r.wants(&pod, c.key) {
		return nil
	}
	return r.events.Warn(ctx, &pod, ReasonKeyConflict, c.message)
}

// wants reports whether the Pod still publishes the key. It may have changed since, or
// another Pod may have its name by now.
func (r *conflictReconciler) wants(pod *corev1.Pod, key string) bool {
	records, _ := r.publications.Records(pod) // an invalid Pod has none
	return slices.ContainsFunc(records, func(record registry.Record) bool { return record.Key == key })
}

func (r *conflictReconciler) setupWithManager(mgr ctrl.Manager) error {
	logger := mgr.GetLogger().WithValues("controller", "key-conflict")
	err := builder.TypedControllerManagedBy[conflict](mgr).
		Named("key-conflict").
		WatchesRawSource(source.TypedFunc[conflict](r.conflicts.start)).
		WithLogConstructor(func(c *conflict) logr.Logger {
			if c == nil {
				return logger
			}
			return logger.WithValues("namespace", c.pod.Namespace, "name", c.pod.Name, "key", c.key)
		}).
		WithOptions(controller.TypedOptions[conflict]{
			CacheSyncTimeout:   untilSynced,
			NeedLeaderElection: new(false),
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[conflict](
				firstEventRetry, lastEventRetry),
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the key conflict controller: %w", err)
	}
	return nil
}
