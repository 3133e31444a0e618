package main

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/hack/netfault"
)

// guard protects an etcd by TLS or by users.
type guard struct {
	server etcdserver.Options // what the server is told
	admin  clientv3.Config    // who sees everything
	args   []string           // what the controllers are told
	enable func(ctx context.Context, client *clientv3.Client) error
}

// startEtcd starts the etcd of the scene, with proxies and guards if the row wants them.
func (s *scene) startEtcd(ctx context.Context) error {
	g := &guard{}
	if s.row.setup.guard != nil {
		var err error
		if g, err = s.row.setup.guard(s.dir); err != nil {
			return err
		}
	}
	s.guardArgs = g.args
	opts := g.server
	opts.Dir = filepath.Join(s.dir, "etcd")
	opts.Members = s.row.setup.members
	opts.UnsafeNoFsync = true
	opts.ExtraArgs = []string{"--grpc-keepalive-min-time=500ms"} // controllers probe faster than usual
	var err error
	if s.etcd, err = etcdserver.Start(ctx, opts); err != nil {
		return err
	}
	if g.enable != nil {
		if err := s.enableGuard(ctx, g); err != nil {
			return err
		}
	}
	if s.admin, err = s.connect(g.admin); err != nil {
		return err
	}
	return s.startProxies()
}

// enableGuard turns on what needs a server that runs.
func (s *scene) enableGuard(ctx context.Context, g *guard) error {
	client, err := s.connect(clientv3.Config{TLS: g.admin.TLS})
	if err != nil {
		return err
	}
	defer client.Close()
	return g.enable(ctx, client)
}

// connect returns a client that talks to the members themselves, past all proxies.
func (s *scene) connect(config clientv3.Config) (*clientv3.Client, error) {
	config.Endpoints = s.etcd.Endpoints()
	config.DialTimeout = 10 * time.Second
	config.Logger = zap.NewNop()
	client, err := clientv3.New(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to etcd: %w", err)
	}
	return client, nil
}

func (s *scene) startProxies() error {
	s.endpoints = s.etcd.Endpoints()
	if !s.row.setup.proxied {
		return nil
	}
	for i, endpoint := range s.endpoints {
		u, err := url.Parse(endpoint)
		if err != nil {
			return fmt.Errorf("reading endpoint %q: %w", endpoint, err)
		}
		proxy, err := netfault.Listen(u.Host)
		if err != nil {
			return err
		}
		s.proxies = append(s.proxies, proxy)
		u.Host = proxy.Addr()
		s.endpoints[i] = u.String()
	}
	return nil
}

// raftLeader returns the member that leads the others.
func (s *scene) raftLeader(ctx context.Context) (*etcdserver.Member, error) {
	var leader *etcdserver.Member
	err := until(ctx, func(ctx context.Context) error {
		for i := range s.etcd.Len() {
			m := s.etcd.Member(i)
			status, err := s.admin.Status(ctx, m.Endpoint())
			if err != nil {
				return fmt.Errorf("asking %s: %w", m.Endpoint(), err)
			}
			if status.Leader == status.Header.MemberId {
				leader = m
				return nil
			}
		}
		return fmt.Errorf("none of %d members leads", s.etcd.Len())
	})
	return leader, err
}
