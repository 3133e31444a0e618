package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/causeway-io/causeway/hack/process"
)

// replica is one process of the controller.
type replica struct {
	*process.Process
	name    string
	log     string
	metrics string // host and port
	probes  string // host and port
	gone    bool   // ended by the row
}

// endGrace is how long a replica may take to end by itself.
const endGrace = 10 * time.Second

// launch starts one more replica and does not wait until it is ready.
func (s *scene) launch(ctx context.Context) error {
	name := fmt.Sprintf("controller-%d", len(s.replicas))
	for {
		ports, err := process.FreePorts(2)
		if err != nil {
			return err
		}
		r := &replica{
			name: name, log: filepath.Join(s.dir, name+".log"),
			metrics: process.Loopback(ports[0]), probes: process.Loopback(ports[1]),
		}
		args := append(s.controllerArgs(), "--metrics-bind-address="+r.metrics, "--health-probe-bind-address="+r.probes)
		args = append(args, s.row.setup.args...)
		r.Process, err = process.Start(process.Command{Path: s.stage.binary, Args: args, Log: r.log})
		if err != nil {
			return err
		}
		err = listening(ctx, r)
		if err == nil {
			s.replicas = append(s.replicas, r)
			return nil
		}
		if !r.PortTaken() {
			return err
		}
	}
}

// launchAll starts as many replicas as the row began with.
func (s *scene) launchAll(ctx context.Context) error {
	for range s.row.setup.replicas {
		if err := s.launch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// listening waits until the replica answers at all, or has ended.
func listening(ctx context.Context, r *replica) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return until(ctx, func(ctx context.Context) error {
		if !r.Alive() {
			cancel()
			return r.Explain(fmt.Errorf("%s does not run", r.name))
		}
		resp, err := get(ctx, r.probes, "/healthz")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
}

// ready waits until every replica that runs is ready.
func (s *scene) ready(ctx context.Context) error {
	for _, r := range s.running() {
		err := until(ctx, func(ctx context.Context) error {
			resp, err := get(ctx, r.probes, "/readyz")
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("%s is not ready: %s", r.name, resp.Status)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// running lists the replicas that the row has not ended.
func (s *scene) running() []*replica {
	var running []*replica
	for _, r := range s.replicas {
		if !r.gone {
			running = append(running, r)
		}
	}
	return running
}

// kill ends a replica as SIGKILL does.
func (r *replica) kill() error {
	r.gone = true
	return r.Kill()
}

// terminate ends a replica in good order.
func (r *replica) terminate() error {
	r.gone = true
	return r.Terminate(endGrace)
}

func (r *replica) freeze() error { return r.Signal(syscall.SIGSTOP) }

func (r *replica) thaw() error { return r.Signal(syscall.SIGCONT) }

// metric returns the value of a metric without labels.
func (r *replica) metric(ctx context.Context, name string) (float64, error) {
	resp, err := get(ctx, r.metrics, "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s has no metric %s", r.name, name)
}

// shows waits until a metric of the replica has a value.
func (r *replica) shows(ctx context.Context, name string, want float64) error {
	return until(ctx, func(ctx context.Context) error {
		got, err := r.metric(ctx, name)
		if err == nil && got != want {
			err = fmt.Errorf("%s of %s is %v, want %v", name, r.name, got, want)
		}
		return err
	})
}

// get asks a replica that may be about to end, so it keeps no connection.
func get(ctx context.Context, address, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Close = true
	return http.DefaultClient.Do(req)
}
