package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// absent is the state of a key that is not there; any other state is its value.
const absent = ""

// ledger keeps what keys are to hold, change by change, beside what a watcher saw them
// hold, and tells which events the changes explain. An event is explained if it brings its
// key to a state that was wanted after the one before. So changes may be passed over when
// the next one is faster, but none may happen twice, late, or unasked. It is safe for
// concurrent use.
type ledger struct {
	mu        sync.Mutex
	keys      map[string]*history
	explained int
	strange   []string // events without an explanation
}

// history is the changes of one key.
type history struct {
	wanted []change // oldest first; the first is from the beginning
	at     int      // the change that explains what the key holds
	holds  string
}

type change struct {
	state string
	made  time.Time
}

func newLedger() *ledger { return &ledger{keys: map[string]*history{}} }

// expect notes that a key is to pass through the states and stay in the last one. It must
// be called before whatever causes that.
func (l *ledger) expect(key string, states ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.keys[key]
	if h == nil {
		h = &history{wanted: []change{{state: absent}}, holds: absent}
		l.keys[key] = h
	}
	for _, state := range states {
		h.wanted = append(h.wanted, change{state: state, made: time.Now()})
	}
}

// expectLoss notes that every key is to go once and to return as it was.
func (l *ledger) expectLoss() {
	for key, state := range l.wanted() {
		l.expect(key, absent, state)
	}
}

// observe takes in an event: the key holds state from now on.
func (l *ledger) observe(key, state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.keys[key]
	if h == nil {
		l.strange = append(l.strange, fmt.Sprintf("%s: %s, a key that no Pod has", key, describe(state)))
		return
	}
	before := h.holds
	h.holds = state
	if state != before {
		for i := h.at + 1; i < len(h.wanted); i++ {
			if h.wanted[i].state == state {
				h.at = i
				l.explained++
				return
			}
		}
	}
	l.strange = append(l.strange, fmt.Sprintf("%s: %s after %s", key, describe(state), describe(before)))
}

func describe(state string) string {
	if state == absent {
		return "DELETE"
	}
	return "PUT " + state
}

// pending lists the keys whose last change was made before a moment and is not seen yet.
func (l *ledger) pending(before time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys []string
	for key, h := range l.keys {
		if last := h.last(); last.state != h.holds && last.made.Before(before) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// settle forgets the changes that were passed over, so that they explain nothing any more.
// It is to be called when nothing is pending and nothing changes.
func (l *ledger) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.keys {
		if h.last().state == h.holds {
			h.at = len(h.wanted) - 1
		}
	}
}

// wanted returns what etcd is to hold in the end.
func (l *ledger) wanted() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.collect(func(h *history) string { return h.last().state })
}

// held returns what etcd held when the last event was seen.
func (l *ledger) held() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.collect(func(h *history) string { return h.holds })
}

func (l *ledger) collect(state func(*history) string) map[string]string {
	all := map[string]string{}
	for key, h := range l.keys {
		all[key] = state(h)
	}
	maps.DeleteFunc(all, func(_, state string) bool { return state == absent })
	return all
}

// verdict returns how many events were explained, and those that were not.
func (l *ledger) verdict() (explained int, strange []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.explained, slices.Clone(l.strange)
}

func (h *history) last() change { return h.wanted[len(h.wanted)-1] }
