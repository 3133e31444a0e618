package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// recordsChanged passes the events that may change what the table wants: of Pods that have
// opted in, when they come and go, and when their publication differs. Most updates of a
// Pod do not touch it.
func recordsChanged(p Publications) predicate.Predicate {
	return podPredicate(p.annotations.OptedIn, func(before, after *corev1.Pod) bool {
		if before.UID != after.UID || !before.CreationTimestamp.Equal(&after.CreationTimestamp) {
			return true
		}
		// An invalid Pod has no records, like one that is valid and not published now.
		oldRecords, _ := p.Records(before)
		newRecords, _ := p.Records(after)
		return !slices.Equal(oldRecords, newRecords)
	})
}

// becameInvalid passes the events after which the owner of a Pod has something new to learn.
func becameInvalid(p Publications) predicate.Predicate {
	return podPredicate(
		func(pod *corev1.Pod) bool { return p.invalid(pod) != nil },
		func(before, after *corev1.Pod) bool {
			problem := p.invalid(after)
			if problem == nil {
				return false
			}
			known := p.invalid(before)
			return known == nil || before.UID != after.UID || known.Error() != problem.Error()
		})
}

// podPredicate asks concerns about a Pod that came or went, and changed about the states of
// a Pod before and after an update. A periodic resync, which hands over one object as both,
// does not pass.
func podPredicate(concerns func(*corev1.Pod) bool, changed func(before, after *corev1.Pod) bool) predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool {
			pod, ok := e.Object.(*corev1.Pod)
			return ok && concerns(pod)
		},
		DeleteFunc: func(e event.DeleteEvent) bool {
			pod, ok := e.Object.(*corev1.Pod)
			return ok && concerns(pod)
		},
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok := e.ObjectOld.(*corev1.Pod)
			after, ok2 := e.ObjectNew.(*corev1.Pod)
			return ok && ok2 && before != after && changed(before, after)
		},
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}
