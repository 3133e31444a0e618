package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	userKey   = "/services/user/10.64.0.1:8080"
	userValue = `{"name":"user","host":"10.64.0.1","port":8080,"version":"v1","weight":1,"metadata":{}}`
)

func put(value string, created bool) *clientv3.Event {
	kv := &mvccpb.KeyValue{Key: []byte(userKey), Value: []byte(value), CreateRevision: 1, ModRevision: 2}
	if created {
		kv.CreateRevision = kv.ModRevision
	}
	return &clientv3.Event{Type: mvccpb.Event_PUT, Kv: kv}
}

func deleted() *clientv3.Event {
	return &clientv3.Event{Type: mvccpb.Event_DELETE, Kv: &mvccpb.KeyValue{Key: []byte(userKey)}}
}

func response(events ...*clientv3.Event) clientv3.WatchResponse {
	return clientv3.WatchResponse{Header: &etcdserverpb.ResponseHeader{}, Events: events}
}

func kindsOf(events []event) []kind {
	var kinds []kind
	for _, e := range events {
		kinds = append(kinds, e.kind)
	}
	return kinds
}

func TestPodsBecomeEvents(t *testing.T) {
	nothing := func(*corev1.Pod) {}
	o := newObserver()
	o.seePod(clock(0), watch.Added, userPod(unready))
	o.seePod(clock(1), watch.Modified, userPod(nothing))
	o.seePod(clock(2), watch.Modified, userPod(nothing)) // nothing of interest changed
	o.seePod(clock(3), watch.Modified, annotated("weight", "5"))
	o.seePod(clock(4), watch.Modified, annotated("weight", "heavy"))
	o.seePod(clock(5), watch.Modified, userPod(nothing))
	o.seePod(clock(6), watch.Modified, userPod(terminating))
	o.seePod(clock(7), watch.Deleted, userPod(terminating))
	o.seePod(clock(8), watch.Added, userPod(nothing))
	o.seePod(clock(9), watch.Deleted, userPod(nothing))
	want := []kind{podServes, podEdited, podLeaves, podServes, podLeaves, podServes, podLeaves}
	if diff := cmp.Diff(want, kindsOf(o.since(0))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tally{created: 3, changed: 1, deleted: 3}, podsOf(o.since(0)), cmp.AllowUnexported(tally{})); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}

func TestKeysBecomeEvents(t *testing.T) {
	o := newObserver()
	o.seeKeys(clock(0), response(put(userValue, true)))
	mark := o.mark()
	o.seeKeys(clock(1), response(put(userValue, false), deleted()))
	if diff := cmp.Diff([]kind{keyCreated, keyChanged, keyDeleted}, kindsOf(o.since(0))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	want := tally{changed: 1, deleted: 1}
	if got := keysOf(o.since(mark)); got != want || got.total() != 2 {
		t.Errorf("tally after the mark: %v, want %v", got, want)
	}
}

func TestSettled(t *testing.T) {
	nothing := func(*corev1.Pod) {}
	const lighter = `{"name":"user","host":"10.64.0.1","port":8080,"version":"v1","weight":0}`
	for name, test := range map[string]struct {
		pod  *corev1.Pod
		keys []*clientv3.Event
		want bool
	}{
		"equal":            {userPod(nothing), []*clientv3.Event{put(userValue, true)}, true},
		"no key yet":       {userPod(nothing), nil, false},
		"another value":    {userPod(nothing), []*clientv3.Event{put(lighter, true)}, false},
		"unreadable value": {userPod(nothing), []*clientv3.Event{put("no JSON", true)}, false},
		"key left behind":  {userPod(unready), []*clientv3.Event{put(userValue, true)}, false},
		"too few Pods":     {userPod(unready), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newObserver()
			o.seePod(clock(0), watch.Added, test.pod)
			o.seeKeys(clock(0), response(test.keys...))
			if err := o.settled(1); (err == nil) != test.want {
				t.Errorf("settled: %v, want %t", err, test.want)
			}
		})
	}
}

func TestWaitShowsEventsOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObserver()
		o.seePod(clock(0), watch.Added, userPod(func(*corev1.Pod) {}))
		go func() {
			o.seeKeys(clock(1), response(put(userValue, true)))
			o.seeKeys(clock(2), response(put(userValue, false)))
		}()
		var shown []event
		err := o.wait(t.Context(), 0, func(e event) { shown = append(shown, e) }, func() error {
			if len(o.since(0)) < 3 {
				return errNotSeen
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]kind{podServes, keyCreated, keyChanged}, kindsOf(shown)); diff != "" {
			t.Errorf("shown (-want +got):\n%s", diff)
		}
	})
}

func TestWaitEnds(t *testing.T) {
	broken := errors.New("the watch broke")
	for name, test := range map[string]struct {
		end  func(o *observer, cancel func())
		want error
	}{
		"patience ends":   {func(*observer, func()) {}, errNotSeen},
		"a watch ends":    {func(o *observer, _ func()) { o.fail(broken) }, broken},
		"the caller ends": {func(_ *observer, cancel func()) { cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				o := newObserver()
				go test.end(o, cancel)
				err := o.wait(ctx, 0, func(event) {}, func() error { return errNotSeen })
				if !errors.Is(err, test.want) {
					t.Errorf("it ended with %v, want %v", err, test.want)
				}
			})
		})
	}
}

func TestUserPodIsTheFirst(t *testing.T) {
	o := newObserver()
	if _, _, err := o.userPod(); err == nil {
		t.Error("a Pod was found where there is none")
	}
	for _, name := range []string{"user-2", "user-1"} {
		o.seePod(clock(0), watch.Added, userPod(func(pod *corev1.Pod) { pod.Name = name }))
	}
	name, published, err := o.userPod()
	if err != nil || name != "user-1" || published.key() != userKey {
		t.Errorf("userPod: %q, %q, %v", name, published.key(), err)
	}
}
