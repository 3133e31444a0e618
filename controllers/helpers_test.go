package controllers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/causeway-io/causeway/registry"
)

// plain is a format with all attributes in the value. It refuses one version.
type plain struct{ name string }

const unspeakable = "unspeakable"

func (f plain) Name() string { return f.name }

func (f plain) Encode(i registry.Instance) ([]registry.Record, error) {
	if i.Version == unspeakable {
		return nil, errors.New("version cannot be expressed")
	}
	keys := slices.Sorted(maps.Keys(i.Metadata))
	value := fmt.Sprintf("%s %q %d %q %q", i.ID, i.Version, i.Weight, i.Zone, i.Region)
	for _, key := range keys {
		value += fmt.Sprintf(" %q=%q", key, i.Metadata[key])
	}
	return []registry.Record{{Key: "/" + f.name + "/" + i.Service + "/" + i.Address(), Value: value}}, nil
}

func (f plain) Decode(registry.Record) (registry.Instance, error) {
	return registry.Instance{}, errors.ErrUnsupported
}

func testAnnotations(tb testing.TB) Annotations {
	tb.Helper()
	annotations, err := NewAnnotations(DefaultAnnotationPrefix)
	if err != nil {
		tb.Fatal(err)
	}
	return annotations
}

func testPublications(tb testing.TB) Publications {
	tb.Helper()
	return NewPublications(testAnnotations(tb), plain{"plain"})
}

// wish is what one owner wants.
type wish struct {
	since   time.Time
	records []registry.Record
}

// memoryTable is a Table that remembers.
type memoryTable struct {
	mu        sync.Mutex
	wishes    map[string]wish
	sets      int
	completed int
	atMark    int // how many owners there were at the first MarkComplete
}

func newMemoryTable() *memoryTable { return &memoryTable{wishes: map[string]wish{}} }

func (t *memoryTable) Set(owner registry.Owner, records []registry.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sets++
	t.wishes[owner.Name] = wish{owner.Born, records}
}

func (t *memoryTable) Delete(owner string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.wishes, owner)
}

func (t *memoryTable) MarkComplete() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.completed == 0 {
		t.atMark = len(t.wishes)
	}
	t.completed++
}

func (t *memoryTable) marks() (completed, owners int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.completed, t.atMark
}

// keys returns the wanted keys by owner.
func (t *memoryTable) keys() map[string][]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := map[string][]string{}
	for owner, wish := range t.wishes {
		for _, record := range wish.records {
			keys[owner] = append(keys[owner], record.Key)
		}
	}
	return keys
}

func requestFor(obj client.Object) ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: obj.GetName()}}
}

// eventually waits for a condition, and fails the test if it does not come.
func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline.C:
			tb.Fatalf("waited in vain for: %s", what)
		case <-tick.C:
		}
	}
}

func mustTrim[T runtime.Object](tb interface{ Fatal(...any) }, annotations Annotations, obj T) T {
	trimmed, err := annotations.Trim(obj)
	if err != nil {
		tb.Fatal(err)
	}
	return trimmed.(T)
}
