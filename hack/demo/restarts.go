package main

import (
	"context"
	"fmt"
	"time"
)

// pollInterval is the time between two looks at what cannot be watched.
const pollInterval = 50 * time.Millisecond

// restart ends the controller in good order and starts it again.
func (p *play) restart(ctx context.Context) error {
	c := p.stage.controller
	mark := p.stage.seen.mark()
	began := time.Now()
	p.out.say("  Sending SIGTERM to process %d.", c.running.Pid())
	if err := c.terminate(); err != nil {
		return err
	}
	p.out.found("it ended in " + elapsed(began))
	return p.startAgain(ctx, mark, 5)
}

// crash ends the controller without a warning and starts it again. Its successor has to
// wait until the dead one's candidacy has expired.
func (p *play) crash(ctx context.Context) error {
	c := p.stage.controller
	mark := p.stage.seen.mark()
	p.out.say("  Sending SIGKILL to process %d. The next one leads when the election TTL has passed.", c.running.Pid())
	if err := c.kill(); err != nil {
		return err
	}
	return p.startAgain(ctx, mark, 6)
}

// startAgain starts a controller, finds that etcd did not change since the mark, and then
// has a Deployment scaled by one Pod, to see that this controller is at work.
func (p *play) startAgain(ctx context.Context, mark, replicas int) error {
	began := time.Now()
	if err := p.stage.controller.start(ctx); err != nil {
		return err
	}
	led := elapsed(began)
	events, err := p.settle(ctx, mark, tally{})
	if err != nil {
		return err
	}
	p.found("the next one led after %s; the watcher in etcd saw %d events meanwhile", led, keysOf(events).total())
	after, err := p.scaleTo(ctx, replicas, tally{created: 1})
	if err != nil {
		return err
	}
	p.found("and it works: Pod ready → key: %v", spreadOf(latencies(after, podServes, keyCreated)))
	return nil
}

// balance compares all that Pods did with all that happened in etcd.
func (p *play) balance(ctx context.Context) error {
	if _, err := p.settle(ctx, p.stage.seen.mark(), tally{}); err != nil {
		return err
	}
	events := p.stage.seen.since(0)
	pods, keys := podsOf(events), keysOf(events)
	if pods != keys {
		return fmt.Errorf("etcd: %v; Pods explain %v", keys, pods)
	}
	p.found("%d changes in etcd (%v), all explained by Pods", keys.total(), keys)
	return nil
}
