package main

import (
	"fmt"
	"time"
)

// kind says what happened. Each thing that a Pod can do has one that etcd shows in answer.
type kind string

const (
	podServes  kind = "Pod  ready"
	podEdited  kind = "Pod  edited"
	podLeaves  kind = "Pod  leaves"
	keyCreated kind = "etcd put, new"
	keyChanged kind = "etcd put"
	keyDeleted kind = "etcd delete"
)

// event is one thing that was seen on either side.
type event struct {
	at   time.Time // when this program saw it
	kind kind
	key  string // the one that changed, or that the Pod should have
	what string // name of the Pod, or value of the key
}

// String returns what a spectator reads.
func (e event) String() string {
	switch e.kind {
	case podServes, podEdited, podLeaves:
		return fmt.Sprintf("%-13s  %s", e.kind, e.what)
	case keyChanged:
		return fmt.Sprintf("%-13s  %s  %s", e.kind, e.key, e.what)
	default:
		return fmt.Sprintf("%-13s  %s", e.kind, e.key)
	}
}

// tally counts the changes of keys.
type tally struct{ created, changed, deleted int }

// keysOf counts what etcd showed.
func keysOf(events []event) tally { return count(events, keyCreated, keyChanged, keyDeleted) }

// podsOf counts what Pods did.
func podsOf(events []event) tally { return count(events, podServes, podEdited, podLeaves) }

func count(events []event, created, changed, deleted kind) tally {
	var t tally
	for _, e := range events {
		switch e.kind {
		case created:
			t.created++
		case changed:
			t.changed++
		case deleted:
			t.deleted++
		default: // of the other side
		}
	}
	return t
}

// total is the number of events that a watcher in etcd gets.
func (t tally) total() int { return t.created + t.changed + t.deleted }

// String names the counts.
func (t tally) String() string {
	return fmt.Sprintf("%d created, %d changed, %d deleted", t.created, t.changed, t.deleted)
}

// reached says whether t has at least the counts of want.
func (t tally) reached(want tally) bool {
	return t.created >= want.created && t.changed >= want.changed && t.deleted >= want.deleted
}
