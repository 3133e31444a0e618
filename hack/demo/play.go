package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/causeway-io/causeway/hack/process"
)

// play is the sequence of steps, and what came of them. It serves one goroutine.
type play struct {
	out   *narrator
	stage *stage
	pause time.Duration

	published int // Pods that publish something after the step that ended last
	began     time.Time
	results   []result
}

// step is one part of the play. It returns an error unless it saw what it shows.
type step struct {
	title string
	look  string // what a spectator should look at
	act   func(context.Context) error
}

// result is what came of a step.
type result struct {
	title   string
	figures []string
	err     error
}

func (p *play) steps() []step {
	return []step{
		{"The controller starts, with the rights of its own ServiceAccount", "it may read Pods, and little else.", p.startController},
		{"Two annotated Deployments are created", "a key appears for each Pod that turns ready.", p.create},
		{"A Deployment is scaled up, then down", "the keys follow.", p.scale},
		{"A running Pod turns unready, then ready", "its key goes at once, and comes back.", p.turnUnready},
		{"The weight of a Pod is edited", "one put, in place.", p.editWeight},
		{"An annotation becomes invalid, and is mended", "an Event tells the owner why the Pod is not published.", p.breakAnnotation},
		{"The controller is restarted with SIGTERM", "nothing happens in etcd.", p.restart},
		{"The controller is killed with SIGKILL and started again", "nothing happens in etcd.", p.crash},
		{"The books are balanced", "every change in etcd has a Pod that explains it.", p.balance},
	}
}

// perform runs the steps up to the first that fails, and says whether none did.
func (p *play) perform(ctx context.Context) bool {
	p.out.say("")
	p.out.say("Times are those at which this program sees things: Pods by a watch of its own on the")
	p.out.say("kube-apiserver, keys by a watch of its own in etcd. A figure is the difference of the two.")
	steps := p.steps()
	p.began = time.Now()
	for i, s := range steps {
		p.results = append(p.results, result{title: s.title})
		p.out.title(fmt.Sprintf("%d/%d  %s", i+1, len(steps), s.title))
		p.out.say("  Look: %s", s.look)
		p.rest(ctx)
		err := s.act(ctx)
		if ctx.Err() != nil {
			return false
		}
		p.results[i].err = err
		p.out.verdict(err == nil)
		if err != nil {
			p.explain(err)
			return false
		}
	}
	return true
}

// rest lets a spectator read.
func (p *play) rest(ctx context.Context) {
	timer := time.NewTimer(p.pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// explain says why a step failed.
func (p *play) explain(err error) {
	p.out.say("  %v", err)
	p.out.say("  --- end of %s ---", p.stage.controller.log)
	p.out.output(process.Tail(p.stage.controller.log, 20))
}

// found shows a figure and keeps it for the summary.
func (p *play) found(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.out.found(text)
	last := &p.results[len(p.results)-1]
	last.figures = append(last.figures, text)
}

// settle waits until etcd has shown the changes wanted since the mark, and holds exactly
// what Pods publish. More changes than wanted are an error. It returns what was seen.
func (p *play) settle(ctx context.Context, mark int, want tally) ([]event, error) {
	seen := p.stage.seen
	published := p.published + want.created - want.deleted
	err := seen.wait(ctx, mark, p.out.event, func() error {
		if got := keysOf(seen.since(mark)); !got.reached(want) {
			return fmt.Errorf("keys: %v, want %v", got, want)
		}
		return seen.settled(published)
	})
	if err != nil {
		return nil, err
	}
	if err := seen.catchUp(ctx, p.stage.etcd); err != nil {
		return nil, err
	}
	events := seen.since(mark)
	if got := keysOf(events); got != want {
		return nil, fmt.Errorf("keys: %v, want no more than %v", got, want)
	}
	p.published = published
	return events, nil
}

// summarize prints the figures of all steps.
func (p *play) summarize() {
	p.out.title("Summary, after " + elapsed(p.began))
	steps := p.steps()
	for i, s := range steps {
		if i >= len(p.results) {
			p.out.say("  ----  %s: not reached", s.title)
			continue
		}
		r := p.results[i]
		p.out.say("  %s  %s", p.out.verdictWord(r.err == nil), r.title)
		for _, figure := range r.figures {
			p.out.say("          %s", figure)
		}
	}
}

// leaveRunning tells how to play on, and shows what happens until ctx ends.
func (p *play) leaveRunning(ctx context.Context) {
	s := p.stage
	p.out.title("Everything runs on. Play with it from another terminal:")
	p.out.say(strings.Join([]string{
		"",
		"  export KUBECONFIG=%[2]s",
		"  %[1]s/kubectl get pods -o wide",
		"  %[1]s/kubectl scale deployment/user --replicas=7",
		"  %[1]s/kubectl annotate pod --all causeway.dev/weight=3 --overwrite",
		"  %[1]s/kubectl delete pod -l app.kubernetes.io/name=orders",
		"  %[1]s/etcdctl --endpoints=%[3]s get --prefix /services/",
		"  %[1]s/etcdctl --endpoints=%[3]s watch --prefix /services/",
		"",
		"The controller logs to %[4]s.",
		"What happens is shown here as well. Ctrl-C stops everything.",
		"",
	}, "\n"), s.plane.Assets(), s.plane.Kubeconfig(), s.endpoints(), s.controller.log)
	err := s.seen.follow(ctx, s.seen.mark(), p.out.event, func() error { return errInterrupted })
	if ctx.Err() == nil {
		p.out.say("Nothing more is shown: %v", err)
		<-ctx.Done()
	}
}
