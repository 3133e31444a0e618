package etcdserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/causeway-io/causeway/hack/process"
)

// Member is one server of a cluster. Its methods may be called concurrently.
type Member struct {
	name, binary, dataDir, log     string
	clientURL, peerURL, metricsURL string
	args, env                      []string

	mu      sync.Mutex
	running *process.Process // nil before the first start
}

// terminateGrace is how long a member may take to end by itself.
const terminateGrace = 10 * time.Second

// Endpoint returns the URL for clients.
func (m *Member) Endpoint() string { return m.clientURL }

// MetricsURL returns a URL below which /metrics and /health are served, always in the clear.
func (m *Member) MetricsURL() string { return m.metricsURL }

// DataDir returns the folder that holds the data. It may be copied and replaced while the
// member does not run.
func (m *Member) DataDir() string { return m.dataDir }

// Log returns the file that the member logs to.
func (m *Member) Log() string { return m.log }

// Pid returns the id of the process that runs or ran last, or 0.
func (m *Member) Pid() int {
	if p := m.process(); p != nil {
		return p.Pid()
	}
	return 0
}

// Start starts a member that does not run, on its ports and its data, and does not wait for
// it: without a quorum it cannot be healthy yet.
func (m *Member) Start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running != nil && m.running.Alive() {
		return fmt.Errorf("starting %s: it runs already", m.name)
	}
	p, err := process.Start(process.Command{Path: m.binary, Args: m.args, Env: m.env, Log: m.log})
	if err != nil {
		return err
	}
	m.running = p
	return nil
}

// Restart starts a member again on its ports and its data, after killing it if it runs, and
// waits until it is healthy.
func (m *Member) Restart(ctx context.Context) error {
	if err := m.Kill(); err != nil {
		return err
	}
	if err := m.Start(); err != nil {
		return err
	}
	return m.WaitHealthy(ctx)
}

// Kill ends the member at once, as SIGKILL does, and returns when it has ended. A member
// that does not run is left alone.
func (m *Member) Kill() error {
	if p := m.process(); p != nil {
		return p.Kill()
	}
	return nil
}

// Terminate ends the member in good order, and returns when it has ended.
func (m *Member) Terminate() error {
	if p := m.process(); p != nil {
		return p.Terminate(terminateGrace)
	}
	return nil
}

// Stop freezes the member, as SIGSTOP does: connections stay open, and nobody answers.
func (m *Member) Stop() error { return m.signal(syscall.SIGSTOP) }

// Cont resumes the member after Stop.
func (m *Member) Cont() error { return m.signal(syscall.SIGCONT) }

func (m *Member) signal(sig syscall.Signal) error {
	if p := m.process(); p != nil {
		return p.Signal(sig)
	}
	return fmt.Errorf("sending %s to %s: it does not run", sig, m.name)
}

// WaitHealthy waits until the member serves linearizable reads. An etcd that is full counts
// as healthy.
func (m *Member) WaitHealthy(ctx context.Context) error {
	p := m.process()
	if p == nil {
		return fmt.Errorf("waiting for %s: it does not run", m.name)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := m.health(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return p.Explain(fmt.Errorf("waiting for %s: %w", m.name, errors.Join(ctx.Err(), err)))
		case <-p.Done():
			return p.Explain(fmt.Errorf("waiting for %s: %w", m.name, err))
		case <-tick.C:
		}
	}
}

// health asks the member once whether it is healthy.
func (m *Member) health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.metricsURL+"/health?exclude=NOSPACE", http.NoBody)
	if err != nil {
		return err
	}
	req.Close = true // a connection kept would outlive the member
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return errors.Join(err, fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(body))))
}

func (m *Member) process() *process.Process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running
}

func (m *Member) portTaken() bool {
	p := m.process()
	return p != nil && p.PortTaken()
}
