package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-io/causeway/hack/process"
)

const apiServer = "kube-apiserver"

// firstAPIServer starts the API server on a port that nobody else is faster to take, and
// makes the clients that use it.
func (cp *ControlPlane) firstAPIServer(ctx context.Context) error {
	for {
		ports, err := process.FreePorts(1)
		if err != nil {
			return err
		}
		cp.port = ports[0]
		if err := cp.connect(); err != nil {
			return err
		}
		if err := os.RemoveAll(cp.Log(apiServer)); err != nil { // of an attempt on another port
			return fmt.Errorf("emptying the log of the API server: %w", err)
		}
		err = cp.StartAPIServer(ctx)
		if err == nil || ctx.Err() != nil || !cp.portTaken() {
			return err
		}
	}
}

// connect makes kubeconfigs and a client for the port.
func (cp *ControlPlane) connect() error {
	if err := cp.files.writeKubeconfigs(cp.server()); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", cp.Kubeconfig())
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 1000, 2000
	cp.config = config
	cp.client, err = kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return nil
}

func (cp *ControlPlane) server() string { return "https://" + process.Loopback(cp.port) }

// StartAPIServer starts the API server again after StopAPIServer, on the same port, and waits
// until it is ready.
func (cp *ControlPlane) StartAPIServer(ctx context.Context) error {
	p, err := cp.runAPIServer()
	if err != nil {
		return err
	}
	return cp.waitAPIServer(ctx, p)
}

func (cp *ControlPlane) runAPIServer() (*process.Process, error) {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	if cp.apiServer != nil && cp.apiServer.Alive() {
		return nil, errors.New("starting the API server: it runs already")
	}
	p, err := process.Start(process.Command{
		Path: cp.binary(apiServer), Args: cp.apiServerArgs(), Log: cp.Log(apiServer),
	})
	if err == nil {
		cp.apiServer = p
	}
	return p, err
}

func (cp *ControlPlane) portTaken() bool {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	return cp.apiServer != nil && cp.apiServer.PortTaken()
}

// StopAPIServer kills the API server; every connection to it breaks.
func (cp *ControlPlane) StopAPIServer() error {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	return cp.apiServer.Kill()
}

// PauseAPIServer freezes the API server: connections stay open, and nobody answers.
func (cp *ControlPlane) PauseAPIServer() error { return cp.signalAPIServer(syscall.SIGSTOP) }

// ResumeAPIServer resumes the API server after PauseAPIServer.
func (cp *ControlPlane) ResumeAPIServer() error { return cp.signalAPIServer(syscall.SIGCONT) }

func (cp *ControlPlane) signalAPIServer(sig syscall.Signal) error {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	return cp.apiServer.Signal(sig)
}

// waitAPIServer waits until the API server p says that it is ready.
func (cp *ControlPlane) waitAPIServer(ctx context.Context, p *process.Process) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := cp.client.Discovery().RESTClient().Get().AbsPath("/readyz").Timeout(5 * time.Second).Do(ctx).Error()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return p.Explain(fmt.Errorf("waiting for the API server: %w", errors.Join(ctx.Err(), err)))
		case <-p.Done():
			return p.Explain(fmt.Errorf("waiting for the API server: %w", err))
		case <-tick.C:
		}
	}
}

func (cp *ControlPlane) apiServerArgs() []string {
	f := cp.files
	disabled := "TaintNodesByCondition" // the controller that would remove the taints does not run
	if cp.opts.APIServerOnly {
		disabled += ",ServiceAccount" // nobody creates the default service accounts
	}
	return append([]string{
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(cp.port),
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--etcd-servers=" + cp.store.Endpoints()[0],
		"--tls-cert-file=" + f.path("apiserver.crt"),
		"--tls-private-key-file=" + f.path("apiserver.key"),
		"--client-ca-file=" + f.path("ca.crt"),
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + f.path("serviceaccount.key"),
		"--service-account-signing-key-file=" + f.path("serviceaccount.key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--disable-admission-plugins=" + disabled,
	}, cp.opts.APIServerArgs...)
}
