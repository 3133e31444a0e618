package main

import (
	"cmp"
	"context"
	"time"
)

// row is one row of the failure table.
type row struct {
	name string
	// consumers says what the table allows consumers to see, besides changes of Pods.
	consumers string
	// setup says what there is when the row begins.
	setup setup
	// play makes the fault and heals it. What follows is the same for all rows: etcd must
	// come to hold what the Pods want, and every event must be explained.
	play func(ctx context.Context, s *scene) error
	// churn is the mean time between two changes of Pods. The default is 40 ms.
	churn time.Duration
	// within bounds the time from each fault, or its healing, until etcd holds what the Pods
	// want. The default is half a minute.
	within time.Duration
	// limit bounds the whole row. The default is three minutes.
	limit time.Duration
}

// setup says what a scene consists of.
type setup struct {
	replicas int // of the controller
	pods     int // besides the probe; the default is 50
	members  int // of etcd; the default is 1
	// proxied puts a proxy between the controllers and each member of etcd.
	proxied bool
	// ownPlane gives the row a kube-apiserver of its own, which it may stop.
	ownPlane bool
	// args are further flags of the controllers; they override the others.
	args []string
	// guard, if set, protects the etcd.
	guard func(dir string) (*guard, error)
}

func (r row) patience() time.Duration { return cmp.Or(r.limit, 3*time.Minute) }

func (r row) pace() time.Duration { return cmp.Or(r.churn, 40*time.Millisecond) }

func (r row) bound() time.Duration { return cmp.Or(r.within, 30*time.Second) }

// allRows lists the rows in the order of the failure table.
func allRows() []row {
	return []row{
		killedWithStandby(),
		killedAlone(),
		allGone(),
		rollingUpdate(),
		leaderStopped(),
		kubernetesAway(),
		kubernetesAwayAndRestart(),
		etcdLeaderKilled(),
		memberSilent(),
		cutOff(),
		refused(),
		slowAndFlaky(),
		leaseRevoked(),
		keysTampered(),
		etcdEmptied(),
		etcdRestored(),
		outOfSpace(),
		tokensExpire(),
		certificateRotated(),
		foreignKey(),
		invalidAnnotation(),
		killedAgainAndAgain(),
	}
}
