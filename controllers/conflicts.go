package controllers

import (
	"context"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
)

// maxConflicts is how many conflicts wait to be told at most. While Kubernetes takes no
// Events, or takes them slowly, there may be one for each key.
const maxConflicts = 10_000

// Conflicts collects the keys that Pods want and cannot have, for their owners to be told.
// It is safe for concurrent use. Use [NewConflicts], and [SetupWithManager], which tells.
type Conflicts struct {
	mu      sync.Mutex
	waiting map[conflict]struct{} // until told
	queue   conflictQueue         // of the running controller; nil before it runs
}

type conflictQueue = workqueue.TypedRateLimitingInterface[conflict]

// conflict is one thing that the owner of a Pod is to be told.
type conflict struct {
	pod     types.NamespacedName
	key     string
	message string
}

// NewConflicts returns a collection of no conflicts.
func NewConflicts() *Conflicts { return &Conflicts{waiting: map[conflict]struct{}{}} }

// Report says that the key which a Pod wants cannot be written, with a message for the
// owner of the Pod. The owner is the name that [Table.Set] was given. Report touches memory
// only. It may be called before the manager runs, and again with the same arguments, which
// changes nothing. What is reported while 10,000 others wait is dropped.
func (c *Conflicts) Report(owner, key, message string) {
	namespace, name, _ := strings.Cut(owner, "/")
	item := conflict{pod: types.NamespacedName{Namespace: namespace, Name: name}, key: key, message: message}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) >= maxConflicts {
		return
	}
	c.waiting[item] = struct{}{}
	if c.queue != nil {
		c.queue.Add(item)
	}
}

// start hands what waits, and all that comes, to a queue. It is a source.TypedFunc.
func (c *Conflicts) start(_ context.Context, queue conflictQueue) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = queue
	for item := range c.waiting {
		queue.Add(item)
	}
	return nil
}

// forget drops a conflict that needs not be told any longer.
func (c *Conflicts) forget(item conflict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, item)
}
