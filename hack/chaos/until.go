package main

import (
	"context"
	"errors"
	"time"
)

// pollEvery is how often a condition is looked at.
const pollEvery = 10 * time.Millisecond

// until waits for a condition: for the function to return nil. When ctx ends first, the
// last error says what was lacking.
func until(ctx context.Context, met func(ctx context.Context) error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var lacking error
	for {
		err := met(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || lacking == nil {
			lacking = err
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), lacking)
		case <-tick.C:
		}
	}
}

// pass lets time pass: it is how long a fault lasts.
func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// quietTTL lets more than a TTL pass: a lease that is not renewed runs out.
func (s *scene) quietTTL(ctx context.Context) error { return pass(ctx, ttl+ttl/3) }

// inOrder does one step after the other, up to the first that fails.
func inOrder(ctx context.Context, steps ...func(ctx context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
