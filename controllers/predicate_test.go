package controllers

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/causeway-io/causeway/controllers/podtest"
)

func update(p predicate.Predicate, before, after *corev1.Pod) bool {
	return p.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after})
}

func TestUpdatePredicates(t *testing.T) {
	t.Parallel()
	published := user().IP("10.0.0.1").Obj
	for name, test := range map[string]struct {
		before, after    *corev1.Pod
		records, invalid bool // which predicate passes
	}{
		"nothing changed":           {published(), published(), false, false},
		"a new version":             {published(), podtest.From(published()).ResourceVersion("8").Obj(), false, false},
		"a label":                   {published(), podtest.From(published()).Label("a", "b").Obj(), false, false},
		"another address, same one": {published(), podtest.From(published()).IP("10.0.0.1", "fd00::1").Obj(), false, false},
		"unready":                   {published(), podtest.From(published()).NotReady().Obj(), true, false},
		"terminating":               {published(), podtest.From(published()).Terminating().Obj(), true, false},
		"an attribute":              {published(), podtest.From(published()).Annotate("weight", "3").Obj(), true, false},
		"address":                   {published(), podtest.From(published()).IP("10.0.0.2").Obj(), true, false},
		"opted out":                 {published(), podtest.New("default", "user-1").IP("10.0.0.1").Ready().Obj(), true, false},
		"opted in":                  {podtest.New("default", "user-1").IP("10.0.0.1").Ready().Obj(), published(), true, false},
		"another Pod, same name":    {user().Obj(), user().UID("other").Obj(), true, false},
		"another time of creation":  {published(), podtest.From(published()).Created(time.Unix(9, 0)).Obj(), true, false},
		"became invalid":            {published(), podtest.From(published()).Annotate("weight", "x").Obj(), true, true},
		"mended":                    {podtest.From(published()).Annotate("weight", "x").Obj(), published(), true, false},
		"invalid otherwise":         {user().Annotate("weight", "x").Obj(), user().Annotate("weight", "y").Obj(), false, true},
		"still invalid":             {user().Annotate("weight", "x").Obj(), user().Annotate("weight", "x").IP("10.0.0.1").Obj(), false, false},
		"another, as invalid":       {user().Annotate("weight", "x").Obj(), user().Annotate("weight", "x").UID("other").Obj(), true, true},
		"plain Pods":                {podtest.New("default", "user-1").Obj(), podtest.New("default", "user-1").IP("10.0.0.1").Obj(), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testPublications(t)
			if got := update(recordsChanged(p), test.before, test.after); got != test.records {
				t.Errorf("recordsChanged: %v, want %v", got, test.records)
			}
			if got := update(becameInvalid(p), test.before, test.after); got != test.invalid {
				t.Errorf("becameInvalid: %v, want %v", got, test.invalid)
			}
		})
	}
}

func TestOtherPredicates(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pod              *corev1.Pod
		records, invalid bool
	}{
		"plain":     {podtest.New("default", "user-1").Obj(), false, false},
		"annotated": {user().Obj(), true, false},
		"invalid":   {user().Annotate("weight", "x").Obj(), true, true},
	} {
		p := testPublications(t)
		for want, predicate := range map[*bool]predicate.Predicate{&test.records: recordsChanged(p), &test.invalid: becameInvalid(p)} {
			if got := predicate.Create(event.CreateEvent{Object: test.pod}); got != *want {
				t.Errorf("%s Pod created: %v, want %v", name, got, *want)
			}
			if got := predicate.Delete(event.DeleteEvent{Object: test.pod}); got != *want {
				t.Errorf("%s Pod deleted: %v, want %v", name, got, *want)
			}
			if update(predicate, test.pod, test.pod) {
				t.Errorf("%s Pod resynced: passes", name)
			}
		}
	}
}

// Promise 1: an event that does not pass would not have changed the table, and every one
// that passes for the same Pod would.
func TestRecordsChangedIsExact(t *testing.T) {
	t.Parallel()
	p := testPublications(t)
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawPod(t), drawPod(t)
		after.Name = before.Name
		passes := update(recordsChanged(p), before, after)
		oldRecords, _ := p.Records(before)
		newRecords, _ := p.Records(after)
		samePod := before.UID == after.UID
		if want := !samePod || !slices.Equal(oldRecords, newRecords); passes != want {
			t.Errorf("an update from %v to %v, same Pod %v, passes: %v", oldRecords, newRecords, samePod, passes)
		}
	})
}
