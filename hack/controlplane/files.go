package controlplane

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/causeway-io/causeway/hack/controlplane/pki"
)

// Users of the API server, each with a kubeconfig of this name.
const (
	admin             = "admin"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kwok              = "kwok"
)

// users says as whom each of them is known to the API server.
func users() map[string]pki.Subject {
	masters := []string{"system:masters"}
	return map[string]pki.Subject{
		admin:             {CommonName: "admin", Organizations: masters},
		kwok:              {CommonName: "kwok", Organizations: masters},
		controllerManager: {CommonName: "system:kube-controller-manager"},
		scheduler:         {CommonName: "system:kube-scheduler"},
	}
}

// files are the keys and certificates of a control plane, in one folder.
type files struct {
	dir    string
	ca     []byte
	issued map[string]pki.Pair // by user
}

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

func (f files) kubeconfig(user string) string { return f.path(user + ".kubeconfig") }

// writeFiles makes an authority and all that is signed by it.
func writeFiles(dir string) (files, error) {
	f := files{dir: filepath.Join(dir, "config"), issued: map[string]pki.Pair{}}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return f, fmt.Errorf("creating a folder for certificates: %w", err)
	}
	ca, err := pki.NewCA("causeway-local")
	if err != nil {
		return f, err
	}
	f.ca = ca.Cert()
	for user, subject := range users() {
		if f.issued[user], err = ca.Issue(subject); err != nil {
			return f, err
		}
	}
	return f, f.writeServing(ca)
}

// writeServing writes what the API server reads.
func (f files) writeServing(ca *pki.CA) error {
	serving, err := ca.Issue(pki.Subject{
		CommonName: "kube-apiserver",
		Hosts:      []string{"127.0.0.1", "localhost", "kubernetes.default.svc"},
	})
	if err != nil {
		return err
	}
	if err := serving.WriteFiles(f.path("apiserver.crt"), f.path("apiserver.key")); err != nil {
		return err
	}
	tokens, err := pki.NewKey()
	if err != nil {
		return err
	}
	if err := pki.WriteFile(f.path("serviceaccount.key"), tokens); err != nil {
		return err
	}
	return pki.WriteFile(f.path("ca.crt"), f.ca)
}

// writeKubeconfigs writes a kubeconfig for every user.
func (f files) writeKubeconfigs(server string) error {
	for user, pair := range f.issued {
		auth := &clientcmdapi.AuthInfo{ClientCertificateData: pair.Cert, ClientKeyData: pair.Key}
		if err := f.writeKubeconfig(server, user, "default", auth); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfig writes a kubeconfig with one context.
func (f files) writeKubeconfig(server, user, namespace string, auth *clientcmdapi.AuthInfo) error {
	const name = "causeway-local"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: f.ca}
	config.AuthInfos[user] = auth
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user, Namespace: namespace}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, f.kubeconfig(user)); err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
	}
	return nil
}
