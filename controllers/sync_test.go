package controllers

import (
	"context"
	"errors"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	fcache "k8s.io/client-go/tools/cache/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// informers is an Informers with one informer, or an error.
type informers struct {
	informer cache.Informer
	err      error
}

func (i informers) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	return i.informer, i.err
}

// The Filler trusts its listing for names only: what has changed since is read anew.
func TestFillerReadsAnew(t *testing.T) {
	t.Parallel()
	source := fcache.NewFakeControllerSource()
	source.Add(user().IP("10.0.0.1").Obj())
	source.Add(largePod().Annotate("service", "gone").Obj())
	informer := toolscache.NewSharedIndexInformer(source, &corev1.Pod{}, 0, toolscache.Indexers{})
	go informer.Run(t.Context().Done())
	pods := newStore(user().IP("10.0.0.2").Obj())
	table := newMemoryTable()
	filler := NewFiller(informers{informer: informer}, NewPodReconciler(pods, testPublications(t), table), logr.Discard())
	if err := filler.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if marks, owners := table.marks(); marks != 1 || owners != 1 {
		t.Errorf("marked complete %d times with %d owners, want 1 and 1", marks, owners)
	}
	if got := table.keys()["default/user-1"]; len(got) != 1 || got[0] != "/plain/user/10.0.0.2:8080" {
		t.Errorf("keys: %v, want those of the Pod as it is now", got)
	}
}

// Promise 4: whatever goes wrong, the table is not called complete.
func TestFillerIncomplete(t *testing.T) {
	t.Parallel()
	source := fcache.NewFakeControllerSource()
	source.Add(user().IP("10.0.0.1").Obj())
	running := toolscache.NewSharedIndexInformer(source, &corev1.Pod{}, 0, toolscache.Indexers{})
	go running.Run(t.Context().Done())
	idle := toolscache.NewSharedIndexInformer(source, &corev1.Pod{}, 0, toolscache.Indexers{})
	broken := errors.New("broken")
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx       context.Context //nolint:containedctx // an argument of the call under test
		informers informers
		readErr   error
		want      error
	}{
		"stopped before the listing": {stopped, informers{informer: idle}, nil, nil},
		"stopped, with an error":     {stopped, informers{err: broken}, nil, nil},
		"no informer":                {t.Context(), informers{err: broken}, nil, broken},
		"a Pod cannot be read":       {t.Context(), informers{informer: running}, broken, broken},
	} {
		table, pods := newMemoryTable(), newStore()
		pods.err = test.readErr
		filler := NewFiller(test.informers, NewPodReconciler(pods, testPublications(t), table), logr.Discard())
		if err := filler.Start(test.ctx); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
		if marks, _ := table.marks(); marks != 0 {
			t.Errorf("%s: marked complete", name)
		}
	}
}
