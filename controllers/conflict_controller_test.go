package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fcache "k8s.io/client-go/tools/cache/testing"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/causeway-io/causeway/controllers/podtest"
)

const (
	userKey = "/plain/user/10.0.0.1:8080"
	whyNot  = "Not published: somebody else holds the key"
)

// userConflict is about the key of user() at 10.0.0.1.
func userConflict() conflict {
	return conflict{pod: types.NamespacedName{Namespace: "default", Name: "user-1"}, key: userKey, message: whyNot}
}

func TestConflictReconcile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pod  *podtest.Builder
		want int
	}{
		"wants the key":  {user().IP("10.0.0.1"), 1},
		"wants another":  {user().IP("10.0.0.2"), 0},
		"wants none now": {user().IP("10.0.0.1").NotReady(), 0},
		"is invalid now": {user().IP("10.0.0.1").Annotate("weight", "heavy"), 0},
		"is gone":        {podtest.New("default", "user-2"), 0},
	} {
		api, conflicts := fake.NewClientBuilder().Build(), NewConflicts()
		r := &conflictReconciler{newStore(test.pod.Obj()), testPublications(t), NewEvents(api, time.Now), conflicts}
		conflicts.Report("default/user-1", userKey, whyNot)
		for range 2 {
			if _, err := r.Reconcile(t.Context(), userConflict()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		events := listEvents(t, api)
		if len(events) != test.want {
			t.Errorf("a Pod that %s: %d Events, want %d", name, len(events), test.want)
		}
		for _, e := range events {
			if e.Reason != "KeyConflict" || e.Message != whyNot || e.Type != corev1.EventTypeWarning || e.InvolvedObject.Name != "user-1" {
				t.Errorf("Event %+v, want a Warning KeyConflict %q about user-1", e, whyNot)
			}
		}
		if len(conflicts.waiting) != 0 {
			t.Errorf("a Pod that %s: %v still waits", name, conflicts.waiting)
		}
	}
}

func TestConflictReconcileErrors(t *testing.T) {
	t.Parallel()
	conflicts, pods := NewConflicts(), newStore(user().IP("10.0.0.1").Obj())
	sink := failingSink{errors.New("away")}
	r := &conflictReconciler{pods, testPublications(t), sink, conflicts}
	conflicts.Report("default/user-1", userKey, whyNot)
	if _, err := r.Reconcile(t.Context(), userConflict()); !errors.Is(err, sink.err) {
		t.Errorf("event not written: %v, want %v", err, sink.err)
	}
	pods.err = errors.New("out of order")
	if _, err := r.Reconcile(t.Context(), userConflict()); !errors.Is(err, pods.err) {
		t.Errorf("Pod cannot be read: %v, want %v", err, pods.err)
	}
	if len(conflicts.waiting) != 1 {
		t.Errorf("%d conflicts wait, want the 1 that was not told", len(conflicts.waiting))
	}
}

func TestConflictsReachTheQueue(t *testing.T) {
	t.Parallel()
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[conflict]())
	defer queue.ShutDown()
	c := NewConflicts()
	c.Report("default/user-1", userKey, whyNot)
	if err := c.start(t.Context(), queue); err != nil {
		t.Fatal(err)
	}
	c.Report("default/user-1", userKey, whyNot)
	if got := queue.Len(); got != 1 {
		t.Errorf("%d queued after one was reported twice, want 1", got)
	}
	c.Report("default/user-1", userKey, "another reason")
	if got := queue.Len(); got != 2 {
		t.Errorf("%d queued after another was reported, want 2", got)
	}
	if got, _ := queue.Get(); got != userConflict() {
		t.Errorf("first in the queue is %+v, want %+v", got, userConflict())
	}
}

func TestConflictsAreBounded(t *testing.T) {
	t.Parallel()
	c := NewConflicts()
	for i := range maxConflicts + 5 {
		c.Report(fmt.Sprintf("default/pod-%d", i), userKey, whyNot)
	}
	if got := len(c.waiting); got != maxConflicts {
		t.Errorf("%d wait, want no more than %d", got, maxConflicts)
	}
	c.forget(conflict{pod: types.NamespacedName{Namespace: "default", Name: "pod-0"}, key: userKey, message: whyNot})
	c.Report("default/user-1", userKey, whyNot)
	if _, ok := c.waiting[userConflict()]; !ok {
		t.Error("a conflict was dropped although another had made room for it")
	}
}

// The owner is told once Kubernetes takes Events again, and only once.
func TestConflictIsToldWhenKubernetesIsBack(t *testing.T) {
	t.Parallel()
	var attempts atomic.Int32
	api := interceptor.NewClient(fake.NewClientBuilder().Build(), interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if attempts.Add(1) <= 2 {
				return errors.New("connection refused")
			}
			return c.Create(ctx, obj, opts...)
		},
	})
	source, table := fcache.NewFakeControllerSource(), newMemoryTable()
	source.Add(user().IP("10.0.0.1").Obj())
	conflicts := startManager(t, source, api, table)
	eventually(t, "complete", func() bool { marks, _ := table.marks(); return marks > 0 })
	conflicts.Report("default/user-1", userKey, whyNot)
	eventually(t, "one Event", func() bool { return len(listEvents(t, api)) == 1 })
	if got := attempts.Load(); got != 3 {
		t.Errorf("%d attempts to write the Event, want 3", got)
	}
}
