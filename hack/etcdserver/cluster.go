package etcdserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/causeway-io/causeway/hack/process"
)

// Cluster is a running etcd of one or more members. Its methods may be called concurrently.
type Cluster struct {
	opts    Options
	members []*Member
	cleanup func() error
}

// portsPerMember are those for clients, for peers, and for health and metrics.
const portsPerMember = 3

// Start starts a cluster and waits until all its members are healthy. ctx bounds the start
// only; the cluster runs until Close.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	opts, cleanup, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Cluster{opts: opts, cleanup: cleanup}
	for {
		err := c.start(ctx)
		if err == nil {
			return c, nil
		}
		portTaken := c.portTaken()
		if closeErr := c.kill(); closeErr != nil {
			return nil, errors.Join(err, closeErr, cleanup())
		}
		if !portTaken || ctx.Err() != nil {
			return nil, errors.Join(err, cleanup())
		}
	}
}

// start starts the members on new ports, with empty data.
func (c *Cluster) start(ctx context.Context) error {
	ports, err := process.FreePorts(portsPerMember * c.opts.Members)
	if err != nil {
		return err
	}
	c.members = nil
	for i := range c.opts.Members {
		c.members = append(c.members, newMember(c.opts, i, ports[portsPerMember*i:]))
	}
	peers := make([]string, 0, len(c.members))
	for _, m := range c.members {
		peers = append(peers, m.name+"="+m.peerURL)
	}
	for _, m := range c.members {
		m.args = append(m.args, "--initial-cluster="+strings.Join(peers, ","))
		m.args = append(m.args, c.opts.ExtraArgs...)
		if err := os.RemoveAll(m.log); err != nil { // of an attempt on other ports
			return fmt.Errorf("emptying the log of %s: %w", m.name, err)
		}
	}
	return c.startEmpty(ctx)
}

// startEmpty starts members that do not run, after removing their data.
func (c *Cluster) startEmpty(ctx context.Context) error {
	for _, m := range c.members {
		if err := os.RemoveAll(m.dataDir); err != nil {
			return fmt.Errorf("emptying %s: %w", m.name, err)
		}
		if err := os.MkdirAll(m.dataDir, 0o700); err != nil {
			return fmt.Errorf("emptying %s: %w", m.name, err)
		}
		if err := m.Start(); err != nil {
			return err
		}
	}
	return c.WaitHealthy(ctx)
}

// WaitHealthy waits until every member serves linearizable reads. It returns early when a
// member ends.
func (c *Cluster) WaitHealthy(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range c.members {
		group.Go(func() error { return m.WaitHealthy(ctx) })
	}
	return group.Wait()
}

// Endpoints returns the client URLs of all members, in the order of the members.
func (c *Cluster) Endpoints() []string {
	endpoints := make([]string, 0, len(c.members))
	for _, m := range c.members {
		endpoints = append(endpoints, m.clientURL)
	}
	return endpoints
}

// Dir returns the folder that holds data and logs.
func (c *Cluster) Dir() string { return c.opts.Dir }

// Len returns the number of members.
func (c *Cluster) Len() int { return len(c.members) }

// Member returns member i, counted from 0.
func (c *Cluster) Member(i int) *Member { return c.members[i] }

// Wipe kills all members, removes their data, and starts them again on the same ports. What
// clients then find is an etcd that lost everything, its revisions included.
func (c *Cluster) Wipe(ctx context.Context) error {
	if err := c.kill(); err != nil {
		return err
	}
	return c.startEmpty(ctx)
}

// Close kills all members, waits for them, and removes the folder if Start created it.
func (c *Cluster) Close() error {
	return errors.Join(c.kill(), c.cleanup())
}

func (c *Cluster) kill() error {
	var errs []error
	for _, m := range c.members {
		errs = append(errs, m.Kill())
	}
	return errors.Join(errs...)
}

func (c *Cluster) portTaken() bool {
	for _, m := range c.members {
		if m.portTaken() {
			return true
		}
	}
	return false
}

// newMember describes member i, which listens on the first ports given.
func newMember(opts Options, i int, ports []int) *Member {
	name := "etcd-" + strconv.Itoa(i)
	m := &Member{
		name:       name,
		binary:     opts.Binary,
		env:        opts.Env,
		dataDir:    filepath.Join(opts.Dir, name),
		log:        filepath.Join(opts.Dir, name+".log"),
		clientURL:  opts.scheme() + "://" + process.Loopback(ports[0]),
		peerURL:    "http://" + process.Loopback(ports[1]),
		metricsURL: "http://" + process.Loopback(ports[2]),
	}
	m.args = append(opts.args(),
		"--name="+name, "--data-dir="+m.dataDir,
		"--listen-client-urls="+m.clientURL, "--advertise-client-urls="+m.clientURL,
		"--listen-peer-urls="+m.peerURL, "--initial-advertise-peer-urls="+m.peerURL,
		"--listen-metrics-urls="+m.metricsURL)
	return m
}
