package main

import (
	"context"
	"fmt"
	"time"
)

// foreignKey puts somebody else's key where a new Pod's should go.
func foreignKey() row {
	const foreign = "somebody else's"
	return row{
		name:      "foreign key where ours should go",
		consumers: "the foreign key, until it goes",
		setup:     setup{replicas: 2, args: []string{"--resync=1s"}},
		within:    5 * time.Second,
		play: func(ctx context.Context, s *scene) error {
			p := s.probe.newPod(len(s.pods) + 1)
			s.ledger.expect(p.key(), foreign)
			if _, err := s.admin.Put(ctx, p.key(), foreign); err != nil {
				return fmt.Errorf("putting %q: %w", p.key(), err)
			}
			if err := p.submit(ctx, p.builder()); err != nil {
				return err
			}
			if err := s.conflicts(ctx, 1); err != nil {
				return err
			}
			s.mark()
			// Some read-backs later it is still untouched: anything else would be an event.
			if err := inOrder(ctx, s.startChurn, func(ctx context.Context) error { return pass(ctx, 3*time.Second) }, s.stopChurn); err != nil {
				return err
			}
			s.ledger.expect(p.key(), absent, p.value())
			s.mark()
			if _, err := s.admin.Delete(ctx, p.key()); err != nil {
				return fmt.Errorf("deleting %q: %w", p.key(), err)
			}
			if err := s.converge(ctx); err != nil {
				return err
			}
			return s.conflicts(ctx, 0)
		},
	}
}

// conflicts waits until the leader reports so many foreign keys in the way.
func (s *scene) conflicts(ctx context.Context, want float64) error {
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	return leader.shows(ctx, "causeway_keys_conflicting", want)
}
