package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func leaseRevoked() row {
	return row{
		name:      "lease revoked by hand",
		consumers: "keys go, and return at once",
		setup:     setup{replicas: 2},
		within:    ttl / 3, // what a renewal would take to notice
		play: func(ctx context.Context, s *scene) error {
			resp, err := s.admin.Get(ctx, s.probe.key())
			if err != nil || len(resp.Kvs) == 0 {
				return fmt.Errorf("reading the lease of a key: %w", errors.Join(err, s.equal(ctx)))
			}
			s.ledger.expectLoss()
			s.mark()
			if _, err := s.admin.Revoke(ctx, clientv3.LeaseID(resp.Kvs[0].Lease)); err != nil {
				return fmt.Errorf("revoking a lease: %w", err)
			}
			return s.repaired(ctx)
		},
	}
}

// repaired waits until the damage done by hand has been seen by consumers, and then until
// it is gone: before, nothing would seem to be lacking.
func (s *scene) repaired(ctx context.Context) error { return inOrder(ctx, s.watch.catchUp, s.converge) }

// keysTampered deletes a key and edits another, which stays on its lease.
func keysTampered() row {
	return row{
		name:      "key deleted, key edited by hand",
		consumers: "the tampering, repaired at read-back",
		setup:     setup{replicas: 2, args: []string{"--resync=1s"}},
		within:    5 * time.Second,
		play: func(ctx context.Context, s *scene) error {
			deleted, edited := s.pods[0], s.pods[1]
			s.ledger.expect(deleted.key(), absent, deleted.value())
			s.ledger.expect(edited.key(), "tampered", edited.value())
			s.mark()
			if _, err := s.admin.Delete(ctx, deleted.key()); err != nil {
				return fmt.Errorf("deleting a key: %w", err)
			}
			if _, err := s.admin.Put(ctx, edited.key(), "tampered", clientv3.WithIgnoreLease()); err != nil {
				return fmt.Errorf("editing a key: %w", err)
			}
			return s.repaired(ctx)
		},
	}
}

func etcdEmptied() row {
	return row{
		name:      "etcd emptied",
		consumers: "keys return",
		setup:     setup{replicas: 2, args: []string{"--resync=2s"}},
		play: func(ctx context.Context, s *scene) error {
			if err := s.watch.catchUp(ctx); err != nil {
				return err
			}
			s.watch.halt()
			s.rewound(map[string]string{})
			if err := s.etcd.Wipe(ctx); err != nil {
				return err
			}
			s.mark()
			s.watch.start(ctx, 1)
			return s.converge(ctx)
		},
	}
}

// etcdRestored takes etcd back to an earlier state of its disk, revisions included, as a
// restored snapshot does. Meanwhile Pods have changed, come and gone.
func etcdRestored() row {
	return row{
		name:      "etcd restored from a snapshot",
		consumers: "the snapshot, repaired",
		setup:     setup{replicas: 2, args: []string{"--resync=2s"}},
		play: func(ctx context.Context, s *scene) error {
			if err := s.watch.catchUp(ctx); err != nil {
				return err
			}
			saved, revision := s.ledger.held(), s.watch.seen()
			if err := s.swapData(ctx, func(data, backup string) error { return os.CopyFS(backup, os.DirFS(data)) }); err != nil {
				return err
			}
			if err := inOrder(ctx, s.startChurn, s.changeEach, s.converge, s.watch.catchUp); err != nil {
				return err
			}
			s.watch.halt()
			s.rewound(saved)
			if err := s.swapData(ctx, restore); err != nil {
				return err
			}
			s.mark()
			s.watch.start(ctx, revision+1)
			if err := s.converge(ctx); err != nil {
				return err
			}
			return inOrder(ctx, s.killLeader, s.converge) // the standby must not be deaf
		},
	}
}

// swapData kills etcd, does something to its data, and starts it again.
func (s *scene) swapData(ctx context.Context, swap func(data, backup string) error) error {
	member := s.etcd.Member(0)
	if err := member.Kill(); err != nil {
		return err
	}
	if err := swap(member.DataDir(), member.DataDir()+".backup"); err != nil {
		return fmt.Errorf("copying the data of etcd: %w", err)
	}
	return member.Restart(ctx)
}

// restore puts a backup in the place of the data.
func restore(data, backup string) error {
	if err := os.RemoveAll(data); err != nil {
		return err
	}
	return os.Rename(backup, data)
}

// changeEach lets churn go on for a while, and then removes, creates and edits for sure.
func (s *scene) changeEach(ctx context.Context) error {
	if err := inOrder(ctx, func(ctx context.Context) error { return pass(ctx, 2*time.Second) }, s.stopChurn); err != nil {
		return err
	}
	s.mark()
	for i, p := range s.pods {
		if err := p.step(ctx, i%3); err != nil {
			return err
		}
	}
	return nil
}

// rewound tells the ledger that etcd will be found in an earlier state, which no watch can
// show.
func (s *scene) rewound(state map[string]string) {
	now, want := s.ledger.held(), s.ledger.wanted()
	for _, key := range slices.Sorted(maps.Keys(s.ledger.keys)) {
		if state[key] == now[key] {
			continue
		}
		s.ledger.expect(key, state[key], want[key])
		s.ledger.observe(key, state[key])
	}
}

// outOfSpace raises the alarm that a full etcd raises. Removals go on meanwhile.
func outOfSpace() row {
	return row{
		name:      "etcd out of space (NOSPACE)",
		consumers: "removals at once, the rest later",
		setup:     setup{replicas: 2},
		play: func(ctx context.Context, s *scene) error {
			if err := s.alarm(ctx, pb.AlarmRequest_ACTIVATE); err != nil {
				return err
			}
			if err := s.removalPasses(ctx); err != nil {
				return err
			}
			if err := s.startChurn(ctx); err != nil {
				return err
			}
			if err := s.quietTTL(ctx); err != nil {
				return err
			}
			s.mark()
			return inOrder(ctx, func(ctx context.Context) error { return s.alarm(ctx, pb.AlarmRequest_DEACTIVATE) }, s.converge)
		},
	}
}

func (s *scene) alarm(ctx context.Context, action pb.AlarmRequest_AlarmAction) error {
	status, err := s.admin.Status(ctx, s.etcd.Member(0).Endpoint())
	if err != nil {
		return fmt.Errorf("asking for the member's ID: %w", err)
	}
	_, err = pb.NewMaintenanceClient(s.admin.ActiveConnection()).Alarm(ctx, &pb.AlarmRequest{
		Action: action, MemberID: status.Header.MemberId, Alarm: pb.AlarmType_NOSPACE,
	})
	if err != nil {
		return fmt.Errorf("changing the alarm: %w", err)
	}
	return nil
}

// removalPasses edits a Pod, which must wait, and turns another one unready, which must not.
func (s *scene) removalPasses(ctx context.Context) error {
	edited, failed := s.pods[0], s.pods[1]
	before := edited.value()
	if err := edited.edit(ctx); err != nil {
		return err
	}
	if err := failed.fail(ctx); err != nil {
		return err
	}
	err := until(ctx, func(context.Context) error {
		if _, ok := s.ledger.held()[failed.key()]; ok {
			return fmt.Errorf("%s is still there", failed.key())
		}
		return nil
	})
	if err == nil && s.ledger.held()[edited.key()] != before {
		err = errors.New("etcd took a new value in spite of the alarm")
	}
	return err
}
