package mirror

// queue orders the dirty keys: removals before additions before refreshes, and first
// come, first served among those. Keys that changed together form a group and leave
// together, so that an instance which moves is never seen twice or not at all.
type queue struct {
	lanes   [nothing]lane
	pending map[string]verb // the most urgent lane in which the key waits
}

// lane is a first-in, first-out list of groups.
type lane struct {
	groups [][]string
	head   int
}

func newQueue() *queue {
	return &queue{pending: map[string]verb{}}
}

// push adds a group to a lane. Keys that already wait there, or in a more urgent lane,
// are not added twice, so the queue stays as small as the set of keys.
func (q *queue) push(group []string, v verb) {
	waiting := true
	for _, key := range group {
		if at, ok := q.pending[key]; !ok || v < at {
			q.pending[key] = v
			waiting = false
		}
	}
	if !waiting {
		q.lanes[v].groups = append(q.lanes[v].groups, group)
	}
}

// pop removes the most urgent group and returns those of its keys that still wait; nil
// when the queue is empty.
func (q *queue) pop() []string {
	for v := range q.lanes {
		l := &q.lanes[v]
		for l.head < len(l.groups) {
			group := l.groups[l.head]
			l.groups[l.head] = nil
			l.head++
			if keys := q.take(group); len(keys) > 0 {
				return keys
			}
		}
		l.groups, l.head = l.groups[:0], 0
	}
	return nil
}

// take returns the keys of a group that still wait, and marks them as waiting no longer.
func (q *queue) take(group []string) []string {
	var keys []string
	for i, key := range group {
		if _, ok := q.pending[key]; !ok {
			continue
		}
		delete(q.pending, key)
		if keys == nil {
			keys = group[i:i:len(group)]
		}
		keys = append(keys, key)
	}
	return keys
}

// unpop puts back what pop returned, to be the next to leave its lane.
func (q *queue) unpop(group []string, v verb) {
	for _, key := range group {
		if at, ok := q.pending[key]; !ok || v < at {
			q.pending[key] = v
		}
	}
	l := &q.lanes[v]
	if l.head > 0 {
		l.head--
		l.groups[l.head] = group
		return
	}
	l.groups = append([][]string{group}, l.groups...)
}

// len counts the keys that wait.
func (q *queue) len() int { return len(q.pending) }
