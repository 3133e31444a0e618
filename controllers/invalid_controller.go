package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// ReasonInvalidAnnotation is the reason of the Event that tells the owner of a Pod why it
// is not published.
const ReasonInvalidAnnotation = "InvalidAnnotation"

// Delays before the writing of an Event is tried again.
const (
	firstEventRetry = 100 * time.Millisecond
	lastEventRetry  = time.Minute
)

// EventSink tells the owner of a Pod something that the owner can act on.
type EventSink interface {
	// Warn writes a Warning Event about the Pod, once: a second call for the same Pod,
	// reason and message does nothing, also from another process. The Pod is not changed.
	// After an error it may be called again.
	Warn(ctx context.Context, pod *corev1.Pod, reason, message string) error
}

// InvalidReconciler tells the owners of invalid Pods what is wrong. It is a controller of
// its own because it writes to the API server, at the pace of the client's rate limit: a
// thousand invalid Pods would otherwise keep a valid one waiting (promise 2). Use
// [NewInvalidReconciler].
type InvalidReconciler struct {
	pods         client.Reader
	publications Publications
	events       EventSink
}

// NewInvalidReconciler returns a reconciler that reads Pods, from a cache, and writes events.
func NewInvalidReconciler(pods client.Reader, publications Publications, events EventSink) *InvalidReconciler {
	return &InvalidReconciler{pods: pods, publications: publications, events: events}
}

// Reconcile writes an Event if the Pod is invalid. An error means that it is to be tried
// again; an invalid Pod by itself is none, since only its owner can mend it.
func (r *InvalidReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var pod corev1.Pod
	if err := r.pods.Get(ctx, req.NamespacedName, &pod); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	invalid := r.publications.invalid(&pod)
	if invalid == nil {
		return ctrl.Result{}, nil
	}
	if err := r.events.Warn(ctx, &pod, ReasonInvalidAnnotation, "Not published: "+invalid.Error()); err != nil {
		return ctrl.Result{}, fmt.Errorf("warning the owner of Pod %s: %w", req, err)
	}
	log.FromContext(ctx).V(1).Info("Invalid Pod is not published", "problems", invalid.Problems)
	return ctrl.Result{}, nil
}

// SetupWithManager registers the reconciler. It runs in every replica; the sink sees to it
// that the owner is told once.
func (r *InvalidReconciler) SetupWithManager(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).
		Named("invalid-pod").
		For(&corev1.Pod{}, builder.WithPredicates(becameInvalid(r.publications))).
		WithOptions(controller.Options{
			CacheSyncTimeout:   untilSynced,
			NeedLeaderElection: new(false),
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](
				firstEventRetry, lastEventRetry),
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the invalid Pod controller: %w", err)
	}
	return nil
}
