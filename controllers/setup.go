package controllers

import (
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
)

// SetupWithManager registers everything that fills the table from the Pods of the manager's
// cache, and that tells the owners of invalid Pods, and of Pods whose keys are reported to
// conflicts. The manager must have been built with [CacheOptions] and should use
// [RESTMapper].
func SetupWithManager(mgr ctrl.Manager, publications Publications, table Table, conflicts *Conflicts) error {
	pods := NewPodReconciler(mgr.GetCache(), publications, table)
	if err := pods.SetupWithManager(mgr); err != nil {
		return err
	}
	events := NewEvents(mgr.GetClient(), time.Now)
	if err := NewInvalidReconciler(mgr.GetCache(), publications, events).SetupWithManager(mgr); err != nil {
		return err
	}
	teller := &conflictReconciler{pods: mgr.GetCache(), publications: publications, events: events, conflicts: conflicts}
	if err := teller.setupWithManager(mgr); err != nil {
		return err
	}
	filler := NewFiller(mgr.GetCache(), pods, mgr.GetLogger().WithName("filler"))
	if err := mgr.Add(afterFirstRequest{pods: pods, filler: filler}); err != nil {
		return fmt.Errorf("adding the filler: %w", err)
	}
	return nil
}
