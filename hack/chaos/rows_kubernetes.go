package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// relistWithin is how long a client of Kubernetes that found it away may wait before it
// tries again: twice half a minute.
const relistWithin = 70 * time.Second

// kubernetesAway freezes the kube-apiserver for one TTL and then kills it for two.
func kubernetesAway() row {
	return row{
		name:      "kube-apiserver down for three TTLs",
		consumers: "nothing",
		setup:     setup{replicas: 2, ownPlane: true},
		within:    relistWithin,
		play: func(ctx context.Context, s *scene) error {
			if err := s.plane.PauseAPIServer(); err != nil {
				return err
			}
			if err := pass(ctx, ttl); err != nil {
				return err
			}
			if err := s.plane.StopAPIServer(); err != nil {
				return err
			}
			return s.kubernetesReturns(ctx, 2*ttl)
		},
	}
}

func kubernetesAwayAndRestart() row {
	return row{
		name:      "… and the controller restarts meanwhile",
		consumers: "nothing",
		setup:     setup{replicas: 2, ownPlane: true},
		within:    relistWithin,
		play: func(ctx context.Context, s *scene) error {
			if err := s.plane.StopAPIServer(); err != nil {
				return err
			}
			for _, r := range s.running() {
				if err := r.terminate(); err != nil {
					return err
				}
			}
			if err := s.launchAll(ctx); err != nil {
				return err
			}
			return s.kubernetesReturns(ctx, 3*ttl)
		},
	}
}

// kubernetesReturns starts the kube-apiserver after a while, during which no key changes.
func (s *scene) kubernetesReturns(ctx context.Context, after time.Duration) error {
	before := s.ledger.held()
	if err := inOrder(ctx, func(ctx context.Context) error { return pass(ctx, after) }, s.watch.catchUp); err != nil {
		return err
	}
	if now := s.ledger.held(); len(now) != len(before) {
		return fmt.Errorf("%d of %d keys were left while Kubernetes was away", len(now), len(before))
	}
	if err := s.plane.StartAPIServer(ctx); err != nil {
		return err
	}
	s.mark()
	return inOrder(ctx, s.startChurn, s.converge, s.ready)
}

// invalidAnnotation wants one Warning Event, however many replicas run, and no key.
func invalidAnnotation() row {
	return row{
		name:      "Pod annotation invalid",
		consumers: "the Pod is not published",
		setup:     setup{replicas: 2},
		play: func(ctx context.Context, s *scene) error {
			p := s.probe.newPod(len(s.pods) + 1)
			s.ledger.expect(p.key()) // to be absent
			s.mark()
			if err := p.submit(ctx, p.builder().Annotate("weight", "heavy")); err != nil {
				return err
			}
			err := until(ctx, func(ctx context.Context) error { return s.warned(ctx, p, 1) })
			if err != nil {
				return err
			}
			if err := s.converge(ctx); err != nil {
				return err
			}
			s.mark()
			s.ledger.expect(p.key(), p.value())
			if err := p.annotate(ctx, "weight", "1"); err != nil {
				return err
			}
			if err := s.converge(ctx); err != nil {
				return err
			}
			return s.warned(ctx, p, 1)
		},
	}
}

// warned counts the Warning Events on a Pod.
func (s *scene) warned(ctx context.Context, p *pod, want int) error {
	events, err := s.kube.CoreV1().Events(s.namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "type=Warning,involvedObject.name=" + p.name,
	})
	if err != nil {
		return fmt.Errorf("listing Events: %w", err)
	}
	if got := len(events.Items); got != want {
		return fmt.Errorf("%d Warning Events on Pod %s, want %d", got, p.name, want)
	}
	return nil
}
