package controlplane

import (
	"fmt"
	"os"

	"github.com/causeway-io/causeway/hack/assets"
	"github.com/causeway-io/causeway/hack/etcdserver"
)

// Options says what to run. The zero value is a whole control plane with three nodes and no
// etcd for discovery.
type Options struct {
	// Assets is the folder of the programs; by default the one that `make assets` fills.
	Assets string
	// Dir is where data, logs, certificates and kubeconfigs go. By default it is a temporary
	// folder which Stop removes.
	Dir string
	// APIServerOnly leaves out everything but kube-apiserver and its etcd. Pods then need no
	// service account.
	APIServerOnly bool
	// Nodes is the number of nodes; 0 means 3. Each takes up to 10,000 Pods.
	Nodes int
	// Discovery, if set, runs a second etcd for service discovery with these options. An empty
	// Dir means a folder within that of the control plane.
	Discovery *etcdserver.Options
	// APIServerArgs are further flags of kube-apiserver.
	APIServerArgs []string
}

const defaultNodes = 3

// withDefaults fills in what is not set. cleanup removes what it created.
func (o Options) withDefaults() (opts Options, cleanup func() error, err error) {
	cleanup = func() error { return nil }
	if o.Nodes == 0 {
		o.Nodes = defaultNodes
	}
	if o.Assets == "" {
		if o.Assets, err = assets.Dir(); err != nil {
			return o, cleanup, err
		}
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return o, cleanup, fmt.Errorf("creating a folder for the control plane: %w", err)
		}
		return o, cleanup, nil
	}
	o.Dir, err = os.MkdirTemp("", "causeway-controlplane-")
	if err != nil {
		return o, cleanup, fmt.Errorf("creating a folder for the control plane: %w", err)
	}
	return o, func() error { return os.RemoveAll(o.Dir) }, nil
}
