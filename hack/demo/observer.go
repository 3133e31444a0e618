package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// patience bounds every wait; it is far longer than anything takes.
const patience = time.Minute

// observer remembers what Pods and keys did, each seen by a watch of its own and stamped
// with the clock of this process. Its methods may be called concurrently.
type observer struct {
	mu       sync.Mutex
	news     chan struct{} // closed, and replaced, when anything below changes
	events   []event
	pods     map[string]instance // what each Pod publishes, by namespace/name
	keys     map[string]instance // what etcd holds, by key
	revision int64               // of etcd, up to which everything has been seen
	err      error               // why no more is seen
}

func newObserver() *observer {
	return &observer{news: make(chan struct{}), pods: map[string]instance{}, keys: map[string]instance{}}
}

// update changes the state under the lock and wakes who waits.
func (o *observer) update(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	close(o.news)
	o.news = make(chan struct{})
}

// fail says that a watch ended.
func (o *observer) fail(err error) { o.update(func() { o.err = err }) }

// seePod takes in an event of the watch on Pods.
func (o *observer) seePod(at time.Time, change watch.EventType, pod *corev1.Pod) {
	name := pod.Namespace + "/" + pod.Name
	now, serves := publishedBy(pod)
	serves = serves && change != watch.Deleted
	o.update(func() {
		before, served := o.pods[name]
		e := event{at: at, key: now.key(), what: name + " at " + now.Host}
		switch {
		case serves && !served:
			e.kind = podServes
		case serves && now != before:
			e.kind = podEdited
		case !serves && served:
			e.kind, e.key, e.what = podLeaves, before.key(), name+" at "+before.Host+": "+whyNot(pod)
		default:
			return
		}
		o.events = append(o.events, e)
		delete(o.pods, name)
		if serves {
			o.pods[name] = now
		}
	})
}

// seeKeys takes in a response of the watch in etcd.
func (o *observer) seeKeys(at time.Time, response clientv3.WatchResponse) {
	o.update(func() {
		o.revision = max(o.revision, response.Header.Revision)
		for _, change := range response.Events {
			e := event{at: at, kind: kindOf(change), key: string(change.Kv.Key), what: string(change.Kv.Value)}
			if e.kind == keyDeleted {
				delete(o.keys, e.key)
			} else {
				o.keys[e.key], _ = decode(change.Kv.Value) // what cannot be read equals nothing wanted
			}
			o.events = append(o.events, e)
		}
	})
}

func kindOf(change *clientv3.Event) kind {
	switch {
	case change.Type == mvccpb.Event_DELETE:
		return keyDeleted
	case change.IsCreate():
		return keyCreated
	default:
		return keyChanged
	}
}

// mark returns a place in time, for since.
func (o *observer) mark() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.events)
}

// since returns what was seen after the mark.
func (o *observer) since(mark int) []event {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.events[mark:])
}

// userPod returns the first Pod, by name, of the sample that the steps play with.
func (o *observer) userPod() (name string, published instance, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(o.pods)) {
		if o.pods[name].Name == userService {
			_, short, _ := strings.Cut(name, "/")
			return short, o.pods[name], nil
		}
	}
	return "", instance{}, fmt.Errorf("looking for a Pod of service %q: there is none", userService)
}

// settled returns nil if n Pods publish something and etcd holds exactly that, else what is
// different.
func (o *observer) settled(n int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	wanted := map[string]instance{}
	for _, i := range o.pods {
		wanted[i.key()] = i
	}
	switch {
	case len(wanted) != n:
		return fmt.Errorf("%d Pods publish something, want %d", len(wanted), n)
	case !maps.Equal(wanted, o.keys):
		return fmt.Errorf("etcd holds %v, Pods want %v", o.keys, wanted)
	default:
		return nil
	}
}

// wait shows events from the mark on as they come, until lacking returns nil. It gives up
// when patience ends or a watch fails.
func (o *observer) wait(ctx context.Context, mark int, show func(event), lacking func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not seen within %v", patience))
	defer cancel()
	return o.follow(ctx, mark, show, lacking)
}

// follow is wait without patience.
func (o *observer) follow(ctx context.Context, mark int, show func(event), lacking func() error) error {
	for {
		news, err := o.state()
		lack := lacking()
		for _, e := range o.since(mark) { // after lacking, so that what ends the wait is shown
			show(e)
			mark++
		}
		switch {
		case lack == nil:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), lack)
		case <-news:
		}
	}
}

func (o *observer) state() (news <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.news, o.err
}
