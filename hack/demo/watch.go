package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// watchPods tells the observer of all Pods until ctx ends. It returns once the watch is
// established; there must be no Pods yet.
func (o *observer) watchPods(ctx context.Context, client kubernetes.Interface) error {
	pods := client.CoreV1().Pods(metav1.NamespaceAll)
	list, err := pods.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing Pods: %w", err)
	}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: pods.Watch,
	})
	if err != nil {
		return fmt.Errorf("watching Pods: %w", err)
	}
	go func() {
		for e := range watcher.ResultChan() {
			at := time.Now()
			switch object := e.Object.(type) {
			case *corev1.Pod:
				if e.Type != watch.Bookmark {
					o.seePod(at, e.Type, object)
				}
			default:
				o.fail(fmt.Errorf("watching Pods: %w", apierrors.FromObject(object)))
			}
		}
		o.fail(errors.New("watching Pods: the watch ended"))
	}()
	return nil
}

// watchKeys tells the observer of all keys below keyPrefix until ctx ends. It returns once
// the watch is established; there must be no keys yet.
func (o *observer) watchKeys(ctx context.Context, client *clientv3.Client) error {
	responses := client.Watch(clientv3.WithRequireLeader(ctx), keyPrefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	if created, ok := <-responses; !ok || created.Err() != nil {
		return fmt.Errorf("watching %q: %w", keyPrefix, errors.Join(ctx.Err(), created.Err()))
	}
	go func() {
		for response := range responses {
			at := time.Now()
			if err := response.Err(); err != nil {
				o.fail(fmt.Errorf("watching %q: %w", keyPrefix, err))
				return
			}
			o.seeKeys(at, response)
		}
		o.fail(fmt.Errorf("watching %q: the watch ended", keyPrefix))
	}()
	return nil
}

// catchUp returns when the observer has seen every change that etcd had made when it was
// called. So what it has not seen then did not happen.
func (o *observer) catchUp(ctx context.Context, client *clientv3.Client) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no progress within %v", patience))
	defer cancel()
	now, err := client.Get(ctx, keyPrefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return fmt.Errorf("asking etcd for its revision: %w", err)
	}
	ask := time.NewTicker(100 * time.Millisecond) // etcd does not answer while the watch is behind
	defer ask.Stop()
	for {
		if err := client.RequestProgress(clientv3.WithRequireLeader(ctx)); err != nil {
			return fmt.Errorf("asking for the progress of the watch: %w", err)
		}
		news, err := o.state()
		switch {
		case o.seenUpTo(now.Header.Revision):
			return nil
		case err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the watch of etcd: %w", context.Cause(ctx))
		case <-news:
		case <-ask.C:
		}
	}
}

func (o *observer) seenUpTo(revision int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.revision >= revision
}
