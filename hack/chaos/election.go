package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// candidates returns the process ids of those that stand for election, the leader first.
func (s *scene) candidates(ctx context.Context) ([]int, error) {
	resp, err := s.admin.Get(ctx, s.electionPrefix(), clientv3.WithPrefix(),
		clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
	if err != nil {
		return nil, fmt.Errorf("reading the candidates: %w", err)
	}
	var pids []int
	for _, kv := range resp.Kvs {
		name := string(kv.Value) // host/pid
		pid, err := strconv.Atoi(name[strings.LastIndex(name, "/")+1:])
		if err != nil {
			return nil, fmt.Errorf("reading candidate %q: %w", name, err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

func (s *scene) electionPrefix() string { return "/causeway/" + s.namespace + "/leader/" }

// leader waits until one of the replicas that run is elected, and returns it.
func (s *scene) leader(ctx context.Context) (*replica, error) { return s.leaderOtherThan(ctx, nil) }

// leaderOtherThan waits until another replica than the given one is elected.
func (s *scene) leaderOtherThan(ctx context.Context, old *replica) (*replica, error) {
	var leader *replica
	err := until(ctx, func(ctx context.Context) error {
		pids, err := s.candidates(ctx)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return errors.New("nobody stands for election")
		}
		for _, r := range s.running() {
			if r.Pid() == pids[0] && r != old {
				leader = r
				return nil
			}
		}
		return fmt.Errorf("process %d is still elected", pids[0])
	})
	return leader, err
}

// standing waits until a replica is a candidate behind another.
func (s *scene) standing(ctx context.Context, r *replica) error {
	return until(ctx, func(ctx context.Context) error {
		pids, err := s.candidates(ctx)
		if err == nil && slices.Index(pids, r.Pid()) < 1 {
			err = fmt.Errorf("the candidates are %d, want %d among those behind the first", pids, r.Pid())
		}
		return err
	})
}

// handover ends the leader as told and returns how long it took from then until its
// successor committed the first change. It needs churn.
func (s *scene) handover(ctx context.Context, end func(*replica) error) (time.Duration, error) {
	old, err := s.leader(ctx)
	if err != nil {
		return 0, err
	}
	n := s.watch.successionsSoFar()
	s.mark()
	if err := end(old); err != nil {
		return 0, err
	}
	var gap time.Duration
	err = until(ctx, func(context.Context) error {
		at, ok := s.watch.succession(n)
		if !ok {
			return errors.New("no successor has committed anything")
		}
		gap = at.Sub(s.marked)
		return nil
	})
	return gap, err
}
