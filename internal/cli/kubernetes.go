package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	clientv3 "go.etcd.io/etcd/client/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-io/causeway/registry/mirror"
)

// kubernetesOptions says how to reach the kube-apiserver.
type kubernetesOptions struct {
	kubeconfig string
	qps        float32
	burst      int
}

func (o *kubernetesOptions) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig file of the cluster; without it, the cluster that this runs in")
	flags.Float32Var(&o.qps, "kube-api-qps", 20, "requests a second to the kube-apiserver, besides the watch")
	flags.IntVar(&o.burst, "kube-api-burst", 30, "requests to the kube-apiserver that may exceed --kube-api-qps for a moment")
}

func (o *kubernetesOptions) check(found *mistakes) {
	if o.qps <= 0 {
		found.addf("kube-api-qps", "%v: want more than 0", o.qps)
	}
	if o.burst < 1 {
		found.addf("kube-api-burst", "%d: want at least 1", o.burst)
	}
}

func (o *kubernetesOptions) config() (*rest.Config, error) {
	config, err := o.load()
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = o.qps, o.burst
	config.UserAgent = "causeway"
	return config, nil
}

func (o *kubernetesOptions) load() (*rest.Config, error) {
	if o.kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if errors.Is(err, rest.ErrNotInCluster) {
			return nil, usageError{errors.New("--kubeconfig is not set, and this is not a Pod: want the kubeconfig file of the cluster")}
		}
		return config, err
	}
	if _, err := os.Stat(o.kubeconfig); err != nil {
		return nil, usageError{fmt.Errorf("--kubeconfig: %w", err)}
	}
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, usageError{fmt.Errorf("--kubeconfig %s: %w", o.kubeconfig, err)}
	}
	return config, nil
}

// Times for the asking for the identity of the cluster. One request is short, because keys
// wait to be renewed; all of them leave time for a kube-apiserver that has just started to
// create the kube-system namespace.
const (
	identityRequest = 3 * time.Second
	identityTimeout = 15 * time.Second
)

// clusterUID returns the UID of the kube-system namespace, which identifies a cluster for
// as long as it exists.
func clusterUID(ctx context.Context, config *rest.Config) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
	config = rest.CopyConfig(config)
	config.Timeout = identityRequest
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", fmt.Errorf("configuring the Kubernetes client: %w", err)
	}
	for {
		namespace, err := clientset.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
		if err == nil {
			return string(namespace.UID), nil
		}
		if !startingUp(err) || !pause(ctx, 500*time.Millisecond) {
			return "", fmt.Errorf("reading namespace %s from the kube-apiserver at %s: %w", metav1.NamespaceSystem, config.Host, err)
		}
	}
}

// startingUp tells a kube-apiserver that is not complete yet from one that is away.
func startingUp(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err)
}

// memory remembers in etcd which cluster a kube-apiserver belongs to, by its certificate
// authorities, so that a controller which starts while Kubernetes is away knows whose keys
// to keep alive.
type memory struct {
	client *clientv3.Client
	key    string
}

func newMemory(client *clientv3.Client, prefix string, config *rest.Config) (memory, error) {
	if err := rest.LoadTLSFiles(config); err != nil {
		return memory{}, fmt.Errorf("reading the certificates of the kube-apiserver: %w", err)
	}
	known := config.CAData
	if len(known) == 0 {
		known = []byte(config.Host)
	}
	return memory{client: client, key: fmt.Sprintf("%s/apiservers/%x", prefix, sha256.Sum256(known))}, nil
}

// recall returns what was remembered, or an error if that is nothing.
func (m memory) recall(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, mirror.DefaultRequestTimeout)
	defer cancel()
	resp, err := m.client.Get(ctx, m.key)
	switch {
	case err != nil:
		return "", fmt.Errorf("reading %q from etcd: %w", m.key, err)
	case len(resp.Kvs) == 0:
		return "", errors.New("etcd holds nothing of this cluster yet")
	}
	return string(resp.Kvs[0].Value), nil
}

// remember notes the UID, as soon as etcd can be reached.
func (m memory) remember(ctx context.Context, uid string) {
	for {
		bounded, cancel := context.WithTimeout(ctx, mirror.DefaultRequestTimeout)
		_, err := m.client.Txn(bounded).
			If(clientv3.Compare(clientv3.Value(m.key), "=", uid)).
			Else(clientv3.OpPut(m.key, uid)).
			Commit()
		cancel()
		if err == nil || !pause(ctx, 5*time.Second) {
			return
		}
	}
}

// pause waits and reports whether the context still lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
