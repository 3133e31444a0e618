package controllers

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/causeway-io/causeway/controllers/podtest"
)

// store is a Reader that hands out its own objects, as a cache without deep copies does.
type store struct {
	client.Reader

	mu   sync.Mutex
	pods map[types.NamespacedName]*corev1.Pod
	err  error

	gets          atomic.Int32
	afterFirstGet func()
}

func newStore(pods ...*corev1.Pod) *store {
	s := &store{pods: map[types.NamespacedName]*corev1.Pod{}}
	for _, pod := range pods {
		s.put(pod)
	}
	return s
}

func (s *store) put(pod *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pods[client.ObjectKeyFromObject(pod)] = pod
}

func (s *store) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	err := s.get(key, obj.(*corev1.Pod))
	if s.gets.Add(1) == 1 && s.afterFirstGet != nil {
		s.afterFirstGet()
	}
	return err
}

func (s *store) get(key client.ObjectKey, to *corev1.Pod) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	pod, ok := s.pods[key]
	if !ok {
		return apierrors.NewNotFound(corev1.Resource("pods"), key.Name)
	}
	*to = *pod
	return nil
}

// Promise 1, by the life of one Pod.
func TestReconcileLife(t *testing.T) {
	t.Parallel()
	pod := user().IP("10.0.0.1").NotReady().Obj()
	api := fake.NewClientBuilder().WithObjects(pod).WithStatusSubresource(pod).Build()
	table := newMemoryTable()
	r := NewPodReconciler(api, testPublications(t), table)
	for _, step := range []struct {
		name   string
		change func(*podtest.Builder) *podtest.Builder // nil: the Pod is deleted
		want   []string
	}{
		{"not ready", func(b *podtest.Builder) *podtest.Builder { return b }, nil},
		{"ready", (*podtest.Builder).Ready, []string{"/plain/user/10.0.0.1:8080"}},
		{"invalid", func(b *podtest.Builder) *podtest.Builder { return b.Annotate("port", "web") }, nil},
		{"mended", func(b *podtest.Builder) *podtest.Builder { return b.Annotate("port", "81") }, []string{"/plain/user/10.0.0.1:81"}},
		{"failed", func(b *podtest.Builder) *podtest.Builder { return b.Phase(corev1.PodFailed) }, nil},
		{"running again", func(b *podtest.Builder) *podtest.Builder { return b.Phase(corev1.PodRunning) }, []string{"/plain/user/10.0.0.1:81"}},
		{"gone", nil, nil},
	} {
		apply(t, api, pod, step.change)
		if _, err := r.Reconcile(t.Context(), requestFor(pod)); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, table.keys()["default/user-1"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func apply(t *testing.T, api client.Client, pod *corev1.Pod, change func(*podtest.Builder) *podtest.Builder) {
	t.Helper()
	if change == nil {
		if err := api.Delete(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
		return
	}
	var current corev1.Pod
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(pod), &current); err != nil {
		t.Fatal(err)
	}
	changed := change(podtest.From(&current)).Obj()
	if err := api.Update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	status := change(podtest.From(&current)).ResourceVersion(changed.ResourceVersion).Obj()
	if err := api.Status().Update(t.Context(), status); err != nil {
		t.Fatal(err)
	}
}

func TestReconcileSaysSince(t *testing.T) {
	t.Parallel()
	pod := user().IP("10.0.0.1").Obj()
	table := newMemoryTable()
	r := NewPodReconciler(newStore(pod), testPublications(t), table)
	if _, err := r.Reconcile(t.Context(), requestFor(pod)); err != nil {
		t.Fatal(err)
	}
	if got := table.wishes["default/user-1"].since; !got.Equal(pod.CreationTimestamp.Time) {
		t.Errorf("since %v, want %v", got, pod.CreationTimestamp)
	}
}

// An answer other than "not found" is no reason to remove anything (promise 4).
func TestReconcileKeepsOnError(t *testing.T) {
	t.Parallel()
	pod := user().IP("10.0.0.1").Obj()
	table, pods := newMemoryTable(), newStore(pod)
	r := NewPodReconciler(pods, testPublications(t), table)
	if _, err := r.Reconcile(t.Context(), requestFor(pod)); err != nil {
		t.Fatal(err)
	}
	pods.err = errors.New("out of order")
	if _, err := r.Reconcile(t.Context(), requestFor(pod)); !errors.Is(err, pods.err) {
		t.Errorf("error: %v, want %v", err, pods.err)
	}
	if len(table.keys()["default/user-1"]) != 1 {
		t.Errorf("the table lost what it had: %v", table.keys())
	}
}

// Of two who look at one Pod at the same time, the one that read the older state does not
// have the last word.
func TestReconcileConcurrently(t *testing.T) {
	t.Parallel()
	pods, table := newStore(user().IP("10.0.0.1").Obj()), newMemoryTable()
	r := NewPodReconciler(pods, testPublications(t), table)
	reconcile := func() {
		if _, err := r.Reconcile(t.Context(), requestFor(user().Obj())); err != nil {
			t.Error(err)
		}
	}
	second := make(chan struct{})
	pods.afterFirstGet = func() {
		pods.put(user().IP("10.0.0.2").Obj())
		go func() {
			defer close(second)
			reconcile()
		}()
		// The second must not get through before the first has written. That it does not
		// can only be seen by giving it the time to.
		select {
		case <-second:
		case <-time.After(50 * time.Millisecond):
		}
	}
	reconcile()
	<-second
	if diff := cmp.Diff([]string{"/plain/user/10.0.0.2:8080"}, table.keys()["default/user-1"]); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}
