package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// servicesPrefix is where the keys of Pods lie.
const servicesPrefix = "/services/"

// watcher is a consumer that misses nothing: it follows every revision of etcd, over
// whatever happens to members, and tells the ledger.
type watcher struct {
	client   *clientv3.Client
	ledger   *ledger
	election string // prefix of the candidates

	stop context.CancelFunc
	done chan struct{}

	mu          sync.Mutex
	next        int64 // the revision to go on with
	vacant      bool  // a candidate went, and nothing was committed since
	successions []time.Time
	err         error
}

// start follows etcd from a revision on, in the background, until halt.
func (w *watcher) start(ctx context.Context, revision int64) {
	ctx, w.stop = context.WithCancel(ctx)
	w.done = make(chan struct{})
	w.next = revision
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			w.follow(ctx)
			_ = pass(ctx, pollEvery)
		}
	}()
}

// halt ends what start began.
func (w *watcher) halt() {
	if w.stop != nil {
		w.stop()
		<-w.done
	}
}

// follow watches until the watch ends.
func (w *watcher) follow(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := w.client.Watch(clientv3.WithRequireLeader(ctx), "/", clientv3.WithPrefix(), clientv3.WithRev(w.seen()+1))
	for resp := range watch {
		if resp.CompactRevision != 0 {
			w.fail(fmt.Errorf("watching from revision %d: compacted to %d", w.seen()+1, resp.CompactRevision))
		}
		for _, ev := range resp.Events {
			w.take(ev)
		}
	}
}

// take notes one event.
func (w *watcher) take(ev *clientv3.Event) {
	key := string(ev.Kv.Key)
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.HasPrefix(key, w.election) && ev.Type == clientv3.EventTypeDelete {
		w.vacant = true
	}
	if strings.HasPrefix(key, servicesPrefix) {
		w.ledger.observe(key, string(ev.Kv.Value)) // a DELETE has no value
		if w.vacant {
			w.vacant = false
			w.successions = append(w.successions, time.Now())
		}
	}
	w.next = max(w.next, ev.Kv.ModRevision+1)
}

// seen returns the last revision that was taken in.
func (w *watcher) seen() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next - 1
}

// succession returns when the first key was committed after a candidate had gone for the
// n-th time, counted from 0, and false if that is still to come.
func (w *watcher) succession(n int) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n >= len(w.successions) {
		return time.Time{}, false
	}
	return w.successions[n], true
}

// successionsSoFar counts the successions that are over.
func (w *watcher) successionsSoFar() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.successions)
}

func (w *watcher) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// catchUp waits until every revision up to now has been taken in.
func (w *watcher) catchUp(ctx context.Context) error {
	resp, err := w.client.Put(ctx, "/chaos/now", "")
	if err != nil {
		return fmt.Errorf("putting %q: %w", "/chaos/now", err)
	}
	return until(ctx, func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.err == nil && w.next <= resp.Header.Revision {
			return fmt.Errorf("the watcher has seen revision %d of %d", w.next-1, resp.Header.Revision)
		}
		return w.err
	})
}
