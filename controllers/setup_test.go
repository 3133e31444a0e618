package controllers

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	fcache "k8s.io/client-go/tools/cache/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/causeway-io/causeway/controllers/podtest"
	"github.com/causeway-io/causeway/registry"
)

// startManager runs a manager, whose Pods come from source and whose Events go to api, until
// the test ends. It returns what conflicts can be reported to.
func startManager(tb testing.TB, source toolscache.ListerWatcher, api client.Client, table Table) *Conflicts {
	tb.Helper()
	p := testPublications(tb)
	options := CacheOptions(p.annotations, nil)
	options.NewInformer = func(_ toolscache.ListerWatcher, obj runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
		return toolscache.NewSharedIndexInformer(source, obj, resync, indexers)
	}
	// Nothing listens on port 1: whatever asked the API server would fail.
	mgr, err := ctrl.NewManager(&rest.Config{Host: "127.0.0.1:1"}, ctrl.Options{
		Cache:          options,
		MapperProvider: RESTMapper,
		NewClient:      func(*rest.Config, client.Options) (client.Client, error) { return api, nil },
		Metrics:        server.Options{BindAddress: "0"},
		Controller:     config.Controller{SkipNameValidation: new(true)},
		Logger:         logr.Discard(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	conflicts := NewConflicts()
	if err := SetupWithManager(mgr, p, table, conflicts); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			tb.Errorf("running the manager: %v", err)
		}
	})
	return conflicts
}

func TestManager(t *testing.T) {
	t.Parallel()
	source := fcache.NewFakeControllerSource()
	second := podtest.New("default", "order-1").Annotate("service", "order").Annotate("port", "81").IP("10.0.0.2").Ready()
	source.Add(user().IP("10.0.0.1").Obj())
	source.Add(second.Obj())
	source.Add(podtest.New("default", "plain").IP("10.0.0.3").Ready().Obj())
	table, api := newMemoryTable(), fake.NewClientBuilder().Build()
	startManager(t, source, api, table)
	holds := func(what string, want map[string][]string) {
		t.Helper()
		eventually(t, what, func() bool { return cmp.Equal(want, table.keys()) })
	}

	eventually(t, "complete", func() bool { marks, _ := table.marks(); return marks > 0 })
	if _, owners := table.marks(); owners != 2 {
		t.Errorf("marked complete with %d owners, want 2", owners)
	}
	user1, order1 := []string{"/plain/user/10.0.0.1:8080"}, []string{"/plain/order/10.0.0.2:81"}
	holds("both", map[string][]string{"default/user-1": user1, "default/order-1": order1})
	source.Modify(user().IP("10.0.0.1").NotReady().Obj())
	holds("one unready", map[string][]string{"default/order-1": order1})
	source.Modify(user().IP("10.0.0.1").Obj())
	holds("ready again", map[string][]string{"default/user-1": user1, "default/order-1": order1})
	source.Modify(second.Annotate("weight", "heavy").Obj())
	holds("one invalid", map[string][]string{"default/user-1": user1})
	eventually(t, "one Event", func() bool { return len(listEvents(t, api)) == 1 })
	source.Modify(second.Annotate("weight", "5").Obj())
	holds("mended", map[string][]string{"default/user-1": user1, "default/order-1": order1})
	source.Delete(second.Obj())
	source.Delete(user().Obj())
	holds("none", map[string][]string{})
	if marks, _ := table.marks(); marks != 1 || len(listEvents(t, api)) != 1 {
		t.Errorf("marked complete %d times with %d Events, want 1 and 1", marks, len(listEvents(t, api)))
	}
}

// Promise 4: without a listing of Pods nothing is complete, nothing gives up, and the table
// fills once there is one.
func TestManagerWaitsForKubernetes(t *testing.T) {
	t.Parallel()
	working := fcache.NewFakeControllerSource()
	working.Add(user().IP("10.0.0.1").Obj())
	source := &awayAtFirst{FakeControllerSource: working}
	table := newMemoryTable()
	startManager(t, source, fake.NewClientBuilder().Build(), table)
	eventually(t, "two attempts", func() bool { return source.attempts.Load() >= 2 })
	if marks, _ := table.marks(); marks != 0 || len(table.keys()) != 0 {
		t.Errorf("marked complete %d times without a listing, with %v", marks, table.keys())
	}
	source.back.Store(true)
	eventually(t, "complete", func() bool { marks, owners := table.marks(); return marks == 1 && owners == 1 })
}

// awayAtFirst is a source that refuses to list until it is back.
type awayAtFirst struct {
	*fcache.FakeControllerSource

	attempts atomic.Int32
	back     atomic.Bool
}

func (s *awayAtFirst) List(options metav1.ListOptions) (runtime.Object, error) {
	s.attempts.Add(1)
	if !s.back.Load() {
		return nil, errors.New("connection refused")
	}
	return s.FakeControllerSource.List(options)
}

// BenchmarkEventToTable measures the way from the informer to the table, waiting included.
func BenchmarkEventToTable(b *testing.B) {
	source := fcache.NewFakeControllerSource()
	source.Add(user().IP("10.0.0.1").Obj())
	table := &signallingTable{memoryTable: newMemoryTable(), sets: make(chan struct{}, 1024)}
	startManager(b, source, fake.NewClientBuilder().Build(), table)
	eventually(b, "complete", func() bool { marks, _ := table.marks(); return marks > 0 })
	pods := [2]*corev1.Pod{user().IP("10.0.0.2").Obj(), user().IP("10.0.0.1").Obj()}
	for drained := false; !drained; {
		select {
		case <-table.sets:
		case <-time.After(100 * time.Millisecond):
			drained = true
		}
	}
	i := 0
	for b.Loop() {
		source.Modify(pods[i%2])
		<-table.sets
		i++
	}
}

type signallingTable struct {
	*memoryTable
	sets chan struct{}
}

func (t *signallingTable) Set(owner registry.Owner, records []registry.Record) {
	t.memoryTable.Set(owner, records)
	t.sets <- struct{}{}
}
