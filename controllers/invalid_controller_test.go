package controllers

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func TestInvalidReconcile(t *testing.T) {
	t.Parallel()
	api := fake.NewClientBuilder().Build()
	pods := newStore()
	r := NewInvalidReconciler(pods, testPublications(t), NewEvents(api, time.Now))
	reconcile := func(pod *corev1.Pod) []corev1.Event {
		t.Helper()
		pods.put(pod)
		if _, err := r.Reconcile(t.Context(), requestFor(pod)); err != nil {
			t.Fatal(err)
		}
		return listEvents(t, api)
	}
	if got := reconcile(user().Obj()); len(got) != 0 {
		t.Errorf("a valid Pod has events: %v", got)
	}
	const want = `Not published: annotation causeway.dev/port: "web" is not a port of this Pod; declared is "http" (8080)`
	for range 2 {
		got := reconcile(user().Annotate("port", "web").Obj())
		if len(got) != 1 || got[0].Message != want || got[0].Reason != "InvalidAnnotation" || got[0].Type != corev1.EventTypeWarning {
			t.Errorf("events: %+v, want one Warning %q", got, want)
		}
	}
	if got := reconcile(user().Annotate("port", "81").Obj()); len(got) != 1 {
		t.Errorf("the mended Pod has %d events, want the 1 of before", len(got))
	}
}

func TestInvalidReconcileOutcomes(t *testing.T) {
	t.Parallel()
	invalid := user().Annotate("port", "web").Obj()
	sink := failingSink{errors.New("away")}
	pods := newStore(invalid)
	r := NewInvalidReconciler(pods, testPublications(t), sink)
	if _, err := r.Reconcile(t.Context(), requestFor(invalid)); !errors.Is(err, sink.err) {
		t.Errorf("event not written: %v, want %v", err, sink.err)
	}
	if _, err := r.Reconcile(t.Context(), requestFor(largePod().Obj())); err != nil {
		t.Errorf("Pod is gone: %v", err)
	}
	pods.err = errors.New("out of order")
	if _, err := r.Reconcile(t.Context(), requestFor(invalid)); !errors.Is(err, pods.err) {
		t.Errorf("Pod cannot be read: %v, want %v", err, pods.err)
	}
}

type failingSink struct{ err error }

func (s failingSink) Warn(context.Context, *corev1.Pod, string, string) error { return s.err }
