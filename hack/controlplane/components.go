package controlplane

import (
	"path/filepath"

	"github.com/causeway-io/causeway/hack/assets"
	"github.com/causeway-io/causeway/hack/process"
)

// component is a client of the API server that runs beside it.
type component struct {
	name string
	args []string
}

// others are the components of a whole control plane beside the API server. Their rate limits
// are raised so that thousands of Pods come and go quickly.
func (cp *ControlPlane) others() []component {
	const qps, burst = "--kube-api-qps=1000", "--kube-api-burst=2000"
	f := cp.files
	return []component{
		{controllerManager, []string{
			"--kubeconfig=" + f.kubeconfig(controllerManager),
			"--leader-elect=false",
			"--secure-port=0",
			"--controllers=*,-node-lifecycle-controller",
			"--use-service-account-credentials",
			"--service-account-private-key-file=" + f.path("serviceaccount.key"),
			"--root-ca-file=" + f.path("ca.crt"),
			qps, burst,
		}},
		{scheduler, []string{
			"--kubeconfig=" + f.kubeconfig(scheduler),
			"--leader-elect=false",
			"--secure-port=0",
			qps, burst,
		}},
		{kwok, []string{
			"--kubeconfig=" + f.kubeconfig(kwok),
			"--config=" + filepath.Join(cp.opts.Assets, assets.StagesFile),
			"--manage-all-nodes",
			"--node-lease-duration-seconds=0",
			"--cidr=10.64.0.0/14",
		}},
	}
}

func (cp *ControlPlane) startComponent(c component) error {
	p, err := process.Start(process.Command{
		Path: cp.binary(c.name),
		Args: c.args,
		Env:  []string{"HOME=" + cp.opts.Dir}, // where kwok looks for its own files
		Log:  cp.Log(c.name),
	})
	if err != nil {
		return err
	}
	cp.mu.Lock()
	defer cp.mu.Unlock()
	cp.components = append(cp.components, p)
	return nil
}
