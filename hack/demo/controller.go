package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/causeway-io/causeway/hack/process"
)

// controller is the program that the demo shows, as a local process. Its methods serve one
// goroutine.
type controller struct {
	binary     string
	kubeconfig string
	endpoints  []string
	log        string

	running         *process.Process // nil before the first start
	probes, metrics string           // host:port
}

// stopGrace is how long the controller may take to end after SIGTERM.
const stopGrace = 10 * time.Second

// start runs the controller and waits until it leads and has committed everything. The
// ports are new each time, so nobody else's are waited for.
func (c *controller) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not ready within %v", patience))
	defer cancel()
	for {
		if err := c.run(); err != nil {
			return err
		}
		err := c.waitLeading(ctx)
		if err == nil || ctx.Err() != nil || !c.running.PortTaken() {
			return err
		}
	}
}

func (c *controller) run() error {
	ports, err := process.FreePorts(2)
	if err != nil {
		return err
	}
	c.probes, c.metrics = process.Loopback(ports[0]), process.Loopback(ports[1])
	c.running, err = process.Start(process.Command{
		Path: c.binary,
		Args: []string{
			"controller",
			"--kubeconfig=" + c.kubeconfig,
			"--etcd-endpoints=" + strings.Join(c.endpoints, ","),
			"--health-probe-bind-address=" + c.probes,
			"--metrics-bind-address=" + c.metrics,
		},
		Log: c.log,
	})
	return err
}

// waitLeading waits until the controller leads, and then until it says that it is ready.
func (c *controller) waitLeading(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.leading(ctx)
		if err == nil {
			err = c.ready(ctx)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the controller: %w", errors.Join(context.Cause(ctx), err))
		case <-c.running.Done():
			return fmt.Errorf("waiting for the controller: it ended: %w", err)
		case <-tick.C:
		}
	}
}

// leading asks the metrics of the controller whether it is the one that writes.
func (c *controller) leading(ctx context.Context) error {
	_, body, err := get(ctx, "http://"+c.metrics+"/metrics")
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(strings.NewReader(body))
	for lines.Scan() {
		if lines.Text() == "causeway_leader 1" {
			return nil
		}
	}
	return errors.New("it does not lead")
}

func (c *controller) ready(ctx context.Context) error {
	status, body, err := get(ctx, "http://"+c.probes+"/readyz")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return errors.New(strings.TrimSpace(body))
	}
	return nil
}

// terminate asks the controller to end, and returns when it has. That it does not is an
// error; it then still runs.
func (c *controller) terminate() error {
	if err := c.running.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-c.running.Done():
		return nil
	case <-timer.C:
		return fmt.Errorf("terminating the controller: it runs on after %v", stopGrace)
	}
}

// kill ends the controller at once.
func (c *controller) kill() error { return c.running.Kill() }

// close ends the controller if it runs, one way or the other.
func (c *controller) close() error {
	if c.running == nil {
		return nil
	}
	return c.running.Terminate(stopGrace)
}

// get fetches a page. The connection is not kept, for the server will go.
func get(ctx context.Context, url string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", fmt.Errorf("getting %s: %w", url, err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("getting %s: %w", url, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", fmt.Errorf("getting %s: %w", url, err)
	}
	return response.StatusCode, string(content), nil
}
