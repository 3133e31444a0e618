package controllers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

// Objects of the cache are handed out uncopied. Nothing that this package does with them may
// change them.
func TestCachedObjectsAreNeverChanged(t *testing.T) {
	t.Parallel()
	p := testPublications(t)
	rapid.Check(t, func(t *rapid.T) {
		first, second := mustTrim(t, p.annotations, drawPod(t)), mustTrim(t, p.annotations, drawPod(t))
		firstCopy, secondCopy := first.DeepCopy(), second.DeepCopy()
		pods, table := newStore(first, second), newMemoryTable()
		ask(p, first)
		if _, err := p.annotations.Trim(first); err != nil {
			t.Fatal(err)
		}
		for _, predicate := range []interface {
			Create(event.CreateEvent) bool
			Update(event.UpdateEvent) bool
			Delete(event.DeleteEvent) bool
		}{recordsChanged(p), becameInvalid(p)} {
			predicate.Create(event.CreateEvent{Object: first})
			predicate.Update(event.UpdateEvent{ObjectOld: first, ObjectNew: second})
			predicate.Delete(event.DeleteEvent{Object: second})
		}
		events := NewEvents(fake.NewClientBuilder().Build(), time.Now)
		if _, err := NewPodReconciler(pods, p, table).Reconcile(t.Context(), requestFor(first)); err != nil {
			t.Fatal(err)
		}
		if _, err := NewInvalidReconciler(pods, p, events).Reconcile(t.Context(), requestFor(first)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(firstCopy, first); diff != "" {
			t.Errorf("a cached Pod was changed (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(secondCopy, second); diff != "" {
			t.Errorf("a cached Pod was changed (-before +after):\n%s", diff)
		}
	})
}
