package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/causeway-io/causeway/hack/controlplane/pki"
	"github.com/causeway-io/causeway/hack/etcdserver"
)

// tokenTTL is how long a token of etcd lives unused: less than the pause between two
// renewals of leases, so that each one comes with a token that has expired.
const tokenTTL = 2 * time.Second

// tokensExpire lets tokens expire while nothing changes, and then voids all of them at
// once, as a restart of etcd does.
func tokensExpire() row {
	return row{
		name:      "auth token expired, user with the least role",
		consumers: "nothing",
		setup:     setup{replicas: 2, guard: users},
		play: func(ctx context.Context, s *scene) error {
			if err := s.quietTTL(ctx); err != nil {
				return err
			}
			s.mark()
			if err := inOrder(ctx, s.startChurn, s.converge); err != nil {
				return err
			}
			s.mark()
			if err := s.etcd.Member(0).Restart(ctx); err != nil {
				return err
			}
			return inOrder(ctx, s.converge, s.stopChurn, s.quietTTL, s.watch.catchUp)
		},
	}
}

// users is an etcd with a user for the controllers whose role is the one of the manual.
func users(dir string) (*guard, error) {
	const root, user, password = "root", "causeway", "secret"
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("writing the password: %w", err)
	}
	return &guard{
		server: etcdserver.Options{AuthTokenTTL: tokenTTL},
		admin:  clientv3.Config{Username: root, Password: password},
		args:   []string{"--etcd-username=" + user, "--etcd-password-file=" + file},
		enable: func(ctx context.Context, client *clientv3.Client) error {
			return enableAuth(ctx, client, root, user, password)
		},
	}, nil
}

func enableAuth(ctx context.Context, client *clientv3.Client, root, user, password string) error {
	var errs []error
	keep := func(_ any, err error) { errs = append(errs, err) }
	keep(client.RoleAdd(ctx, user))
	for _, prefix := range []string{"/causeway/", servicesPrefix} {
		keep(client.RoleGrantPermission(ctx, user, prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermReadWrite)))
	}
	for name, role := range map[string]string{root: "root", user: user} {
		keep(client.UserAdd(ctx, name, password))
		keep(client.UserGrantRole(ctx, name, role))
	}
	keep(client.AuthEnable(ctx))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("setting up users: %w", err)
	}
	return nil
}

// certificateRotated replaces the client certificate by one of another authority, and has
// etcd trust only that one from then on, which breaks all connections.
func certificateRotated() row {
	var certs certificates
	return row{
		name:      "client certificate rotated, the old one refused",
		consumers: "nothing",
		setup: setup{replicas: 2, guard: func(dir string) (g *guard, err error) {
			certs = certificates{dir: dir}
			return certs.guard()
		}},
		play: func(ctx context.Context, s *scene) error {
			if err := s.startChurn(ctx); err != nil {
				return err
			}
			if err := certs.rotate(); err != nil {
				return err
			}
			s.mark()
			if err := s.etcd.Member(0).Restart(ctx); err != nil {
				return err
			}
			if err := s.converge(ctx); err != nil {
				return err
			}
			return s.oldRefused(ctx, certs)
		},
	}
}

// certificates is a folder of them: one authority for the server, and two for clients.
type certificates struct {
	dir    string
	newer  *pki.CA
	former tls.Certificate // of the controllers, before rotate
}

func (c *certificates) path(name string) string { return filepath.Join(c.dir, name) }

// guard makes the certificates. At first clients of both authorities are trusted.
func (c *certificates) guard() (*guard, error) {
	server, older, newer, err := c.authorities()
	if err != nil {
		return nil, err
	}
	c.newer = newer
	trusted := append(older.Cert(), newer.Cert()...)
	err = errors.Join(
		pki.WriteFile(c.path("server-ca.crt"), server.Cert()),
		pki.WriteFile(c.path("client-ca.crt"), trusted),
		c.issue(server, "server"),
		c.issue(older, "client"),
		c.issue(newer, "admin"),
	)
	if err != nil {
		return nil, err
	}
	if c.former, err = tls.LoadX509KeyPair(c.path("client.crt"), c.path("client.key")); err != nil {
		return nil, fmt.Errorf("reading the client certificate: %w", err)
	}
	admin, err := transport.TLSInfo{
		TrustedCAFile: c.path("server-ca.crt"), CertFile: c.path("admin.crt"), KeyFile: c.path("admin.key"),
	}.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("configuring TLS: %w", err)
	}
	return &guard{
		server: etcdserver.Options{TLS: &etcdserver.TLS{
			CertFile: c.path("server.crt"), KeyFile: c.path("server.key"), TrustedCAFile: c.path("client-ca.crt"),
		}},
		admin: clientv3.Config{TLS: admin},
		args: []string{
			"--etcd-cafile=" + c.path("server-ca.crt"),
			"--etcd-certfile=" + c.path("client.crt"),
			"--etcd-keyfile=" + c.path("client.key"),
		},
	}, nil
}

func (c *certificates) authorities() (server, older, newer *pki.CA, err error) {
	if server, err = pki.NewCA("server"); err != nil {
		return nil, nil, nil, err
	}
	if older, err = pki.NewCA("older clients"); err != nil {
		return nil, nil, nil, err
	}
	newer, err = pki.NewCA("newer clients")
	return server, older, newer, err
}

func (c *certificates) issue(ca *pki.CA, name string) error {
	pair, err := ca.Issue(pki.Subject{CommonName: name, Hosts: []string{"127.0.0.1", "localhost"}})
	if err != nil {
		return err
	}
	return pair.WriteFiles(c.path(name+".crt"), c.path(name+".key"))
}

// rotate gives the controllers a certificate of the newer authority, and takes the older
// one off those that are trusted.
func (c *certificates) rotate() error {
	return errors.Join(c.issue(c.newer, "client"), pki.WriteFile(c.path("client-ca.crt"), c.newer.Cert()))
}

// oldRefused makes sure that the former certificate would not do any longer.
func (s *scene) oldRefused(ctx context.Context, c certificates) error {
	info := transport.TLSInfo{TrustedCAFile: c.path("server-ca.crt")}
	config, err := info.ClientConfig()
	if err != nil {
		return fmt.Errorf("configuring TLS: %w", err)
	}
	config.Certificates = []tls.Certificate{c.former}
	client, err := s.connect(clientv3.Config{TLS: config})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := client.Get(ctx, servicesPrefix); err == nil {
		return errors.New("etcd still takes the former certificate")
	}
	return nil
}
