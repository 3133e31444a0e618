package main

import (
	"context"
	"math/rand/v2"
)

// stillPods is how many Pods churn leaves alone. Where changes wait for long, those of a
// Pod that comes and goes may explain that its key expired; nothing explains it for these.
const stillPods = 10

// churn changes Pods, one after the other, until it is stopped.
type churn struct {
	stop context.CancelFunc
	done chan error
}

// startChurn begins to change the Pods of the scene, but for those that stillPods counts;
// until stopChurn nobody else may.
func (s *scene) startChurn(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	c := &churn{stop: stop, done: make(chan error, 1)}
	s.churning = c
	go func() { c.done <- s.change(ctx) }()
	return nil
}

// stopChurn lets the change under way end, and returns what went wrong with any.
func (s *scene) stopChurn(context.Context) error {
	if s.churning == nil {
		return nil
	}
	s.churning.stop()
	err := <-s.churning.done
	s.churning = nil
	return err
}

// change changes a Pod at a time. A change that has begun is completed.
func (s *scene) change(ctx context.Context) error {
	random := rand.New(rand.NewPCG(1, 2)) // the same changes in each run
	for pass(ctx, rand.N(2*s.row.pace())) == nil {
		p := s.pods[stillPods+random.IntN(len(s.pods)-stillPods)]
		if err := p.step(context.WithoutCancel(ctx), random.IntN(4)); err != nil {
			return err
		}
	}
	return nil
}

// editDice is a throw for which step edits a Pod that is ready.
const editDice = 2

// step makes the next change in the life of the Pod.
func (p *pod) step(ctx context.Context, dice int) error {
	switch {
	case !p.exists:
		return p.create(ctx)
	case !p.ready:
		return p.recover(ctx)
	case dice == 0:
		return p.fail(ctx)
	case dice == 1:
		return p.remove(ctx)
	default:
		return p.edit(ctx)
	}
}
