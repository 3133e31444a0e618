package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

func killedWithStandby() row {
	return row{
		name:      "controller killed -9, a standby exists",
		consumers: "nothing",
		setup:     setup{replicas: 2},
		play: func(ctx context.Context, s *scene) error {
			return inOrder(ctx, s.startChurn, s.killLeader, s.converge)
		},
	}
}

func killedAlone() row {
	return row{
		name:      "controller killed -9, alone, back within the TTL",
		consumers: "nothing",
		setup:     setup{replicas: 1},
		play: func(ctx context.Context, s *scene) error {
			return inOrder(ctx, s.startChurn, s.killLeader, s.launch, s.converge)
		},
	}
}

func allGone() row {
	return row{
		name:      "all controllers gone for longer than the TTL",
		consumers: "keys expire, and return",
		setup:     setup{replicas: 2},
		play: func(ctx context.Context, s *scene) error {
			s.ledger.expectLoss()
			for _, r := range s.running() {
				if err := r.kill(); err != nil {
					return err
				}
			}
			if err := s.keysGone(ctx); err != nil {
				return err
			}
			s.mark()
			return inOrder(ctx, s.launch, s.converge)
		},
	}
}

// rollingUpdate replaces the leader as soon as its successor is ready, again and again, and
// wants each of them to hand over long before its election TTL is over. Pods change quickly meanwhile: a
// successor that commits before it has seen what its predecessor saw would undo a change.
func rollingUpdate() row {
	const updates = 10
	return row{
		name:      "rolling update of the controller, 10 times",
		consumers: "nothing",
		setup:     setup{replicas: 2},
		churn:     8 * time.Millisecond,
		within:    5 * time.Second,
		play: func(ctx context.Context, s *scene) error {
			if err := s.startChurn(ctx); err != nil {
				return err
			}
			var gaps []time.Duration
			for range updates {
				gap, err := s.retireLeader(ctx)
				if err != nil {
					return err
				}
				gaps = append(gaps, gap)
				if err := inOrder(ctx, s.converge, s.launch, s.ready); err != nil {
					return err
				}
			}
			s.noteGaps("SIGTERM to the successor's first commit", gaps)
			return nil
		},
	}
}

// retireLeader ends the leader in good order and returns how long the handover took. It must
// be shorter than the election TTL, which is what a leader that did not resign would cost.
func (s *scene) retireLeader(ctx context.Context) (time.Duration, error) {
	gap, err := s.handover(ctx, (*replica).terminate)
	if err == nil && gap >= electionTTL {
		err = fmt.Errorf("the successor committed after %v, want less than the election TTL of %v", gap, electionTTL)
	}
	return gap, err
}

func (s *scene) noteGaps(what string, gaps []time.Duration) {
	slices.Sort(gaps)
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	s.note("%s: least %v, median %v, most %v", what, round(gaps[0]), round(gaps[len(gaps)/2]), round(gaps[len(gaps)-1]))
}

// leaderStopped freezes the leader, has its successor change the same keys, and resumes it
// with everything that it had been about to do.
func leaderStopped() row {
	return row{
		name:      "leader stopped (SIGSTOP), resumed after a successor was elected",
		consumers: "nothing",
		setup:     setup{replicas: 2},
		play: func(ctx context.Context, s *scene) error {
			if err := s.startChurn(ctx); err != nil {
				return err
			}
			old, err := s.leader(ctx)
			if err != nil {
				return err
			}
			s.mark()
			if err := old.freeze(); err != nil {
				return err
			}
			if _, err := s.leaderOtherThan(ctx, old); err != nil {
				return err
			}
			if err := inOrder(ctx, s.converge, s.changeAll, s.startChurn); err != nil {
				return err
			}
			s.mark()
			if err := old.thaw(); err != nil {
				return err
			}
			return inOrder(ctx, func(ctx context.Context) error { return s.standsDown(ctx, old) }, s.converge)
		},
	}
}

// changeAll ends the churn and changes every Pod once.
func (s *scene) changeAll(ctx context.Context) error {
	if err := s.stopChurn(ctx); err != nil {
		return err
	}
	s.mark()
	for _, p := range s.pods {
		if err := p.step(ctx, editDice); err != nil {
			return err
		}
	}
	return s.converge(ctx)
}

// standsDown waits until a deposed leader says that it leads no longer and stands by.
func (s *scene) standsDown(ctx context.Context, old *replica) error {
	if err := old.shows(ctx, "causeway_leader", 0); err != nil {
		return err
	}
	return s.standing(ctx, old)
}

func (s *scene) killLeader(ctx context.Context) error {
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	s.mark()
	return leader.kill()
}

// keysGone waits until the last key has expired.
func (s *scene) keysGone(ctx context.Context) error {
	start := time.Now()
	err := until(ctx, func(context.Context) error {
		if held := s.ledger.held(); len(held) > 0 {
			return fmt.Errorf("%d keys are still there", len(held))
		}
		return nil
	})
	if err == nil {
		s.note("keys expired after %v", time.Since(start).Round(100*time.Millisecond))
	}
	return err
}

// killedAgainAndAgain kills twenty leaders in a row under many Pods and steady churn.
func killedAgainAndAgain() row {
	const kills = 20
	return row{
		name:      "leader killed -9, 20 times in a row, 300 Pods",
		consumers: "nothing",
		setup:     setup{replicas: 2, pods: 300, args: []string{"--election-ttl=2s"}},
		limit:     6 * time.Minute,
		play: func(ctx context.Context, s *scene) error {
			if err := s.startChurn(ctx); err != nil {
				return err
			}
			var gaps []time.Duration
			for range kills {
				gap, err := s.handover(ctx, (*replica).kill)
				if err != nil {
					return err
				}
				gaps = append(gaps, gap)
				if err := inOrder(ctx, s.converge, s.launch, s.ready); err != nil {
					return err
				}
			}
			s.noteGaps("SIGKILL to the successor's first commit", gaps)
			return nil
		},
	}
}
