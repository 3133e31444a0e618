package main

import (
	"context"
	"time"

	"github.com/causeway-io/causeway/hack/netfault"
)

func etcdLeaderKilled() row {
	return row{
		name:      "etcd leader killed, 3 members",
		consumers: "nothing",
		setup:     setup{replicas: 2, members: 3},
		play: func(ctx context.Context, s *scene) error {
			if err := s.startChurn(ctx); err != nil {
				return err
			}
			leader, err := s.raftLeader(ctx)
			if err != nil {
				return err
			}
			s.mark()
			if err := leader.Kill(); err != nil {
				return err
			}
			if err := s.converge(ctx); err != nil {
				return err
			}
			s.mark()
			if err := leader.Restart(ctx); err != nil {
				return err
			}
			return s.converge(ctx)
		},
	}
}

// memberSilent silences each member in turn, so that the one that the leader's streams go
// to is among them, for longer than the TTL.
func memberSilent() row {
	return row{
		name:      "one etcd member silent (blackholed), each in turn",
		consumers: "nothing",
		setup:     setup{replicas: 2, members: 3, proxied: true},
		play: func(ctx context.Context, s *scene) error {
			if err := s.startChurn(ctx); err != nil {
				return err
			}
			for _, proxy := range s.proxies {
				s.mark()
				proxy.Blackhole()
				if err := s.converge(ctx); err != nil {
					return err
				}
				s.note("converged %v after the silence began", time.Since(s.marked).Round(10*time.Millisecond))
				if err := s.quietTTL(ctx); err != nil {
					return err
				}
				s.mark()
				proxy.Heal()
				if err := s.converge(ctx); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// cutOff silences etcd until all keys have expired. What the controllers sent meanwhile
// arrives late.
func cutOff() row {
	return cutOffBy("cut off from etcd by silence, longer than the TTL", (*netfault.Proxy).Blackhole)
}

// refused breaks all connections to etcd, and refuses new ones until all keys have expired.
func refused() row {
	return cutOffBy("cut off from etcd by refusal, longer than the TTL", (*netfault.Proxy).Cut)
}

func cutOffBy(name string, cut func(*netfault.Proxy)) row {
	return row{
		name:      name,
		consumers: "keys expire, and return",
		setup:     setup{replicas: 2, proxied: true},
		play: func(ctx context.Context, s *scene) error {
			s.ledger.expectLoss()
			cut(s.proxies[0])
			if err := s.keysGone(ctx); err != nil {
				return err
			}
			s.mark()
			s.proxies[0].Heal()
			return s.converge(ctx)
		},
	}
}

// slowAndFlaky delays what is said and breaks all connections, again and again, so that
// answers are lost before and after etcd applied what was asked.
func slowAndFlaky() row {
	return row{
		name:      "connections to etcd slow, and broken 30 times",
		consumers: "nothing",
		setup:     setup{replicas: 2, proxied: true},
		play: func(ctx context.Context, s *scene) error {
			proxy := s.proxies[0]
			if err := s.startChurn(ctx); err != nil {
				return err
			}
			proxy.Delay(20 * time.Millisecond)
			for range 30 {
				if err := pass(ctx, 300*time.Millisecond); err != nil {
					return err
				}
				s.mark()
				proxy.Reset()
			}
			if err := s.converge(ctx); err != nil {
				return err
			}
			s.mark()
			proxy.Heal()
			return s.converge(ctx)
		},
	}
}
