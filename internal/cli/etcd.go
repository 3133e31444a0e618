package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// etcdOptions says how to reach the etcd that consumers read.
type etcdOptions struct {
	endpoints        []string
	caFile           string
	certFile         string
	keyFile          string
	username         string
	passwordFile     string
	dialTimeout      time.Duration
	keepaliveTime    time.Duration
	keepaliveTimeout time.Duration
}

func (o *etcdOptions) addTo(flags *pflag.FlagSet) {
	flags.StringSliceVar(&o.endpoints, "etcd-endpoints", []string{"http://127.0.0.1:2379"}, "URLs of the members of etcd, comma separated; all of them, so that one may fail")
	flags.StringVar(&o.caFile, "etcd-cafile", "", "file with the certificate authorities of etcd")
	flags.StringVar(&o.certFile, "etcd-certfile", "", "file with the client certificate for etcd; read again for each connection")
	flags.StringVar(&o.keyFile, "etcd-keyfile", "", "file with the key of the client certificate for etcd")
	flags.StringVar(&o.username, "etcd-username", "", "user of etcd")
	flags.StringVar(&o.passwordFile, "etcd-password-file", "", "file with the password of the user of etcd")
	flags.DurationVar(&o.dialTimeout, "etcd-dial-timeout", 5*time.Second, "how long one attempt to connect to a member of etcd may take")
	flags.DurationVar(&o.keepaliveTime, "etcd-keepalive-time", 10*time.Second, "how long a connection to etcd may be silent before it is probed; gRPC raises less than 10s to that")
	flags.DurationVar(&o.keepaliveTimeout, "etcd-keepalive-timeout", 3*time.Second, "how long the answer to a probe may take before the connection is given up")
}

func (o *etcdOptions) check(found *mistakes) {
	found.add("etcd-endpoints", o.checkEndpoints())
	if (o.certFile == "") != (o.keyFile == "") {
		found.addf("etcd-certfile", "%q, and --etcd-keyfile is %q: want both or neither", o.certFile, o.keyFile)
	}
	if !o.secure() && (o.caFile != "" || o.certFile != "") {
		found.addf("etcd-endpoints", "%q: want https:// with --etcd-cafile or --etcd-certfile", strings.Join(o.endpoints, ","))
	}
	if (o.username == "") != (o.passwordFile == "") {
		found.addf("etcd-username", "%q, and --etcd-password-file is %q: want both or neither", o.username, o.passwordFile)
	}
	if o.dialTimeout <= 0 {
		found.addf("etcd-dial-timeout", "%v: want more than 0", o.dialTimeout)
	}
}

func (o *etcdOptions) checkEndpoints() error {
	if len(o.endpoints) == 0 {
		return errors.New("empty: want the URLs of etcd, such as https://etcd-0:2379,https://etcd-1:2379")
	}
	schemes := map[string]struct{}{}
	for _, endpoint := range o.endpoints {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("%q: want a URL such as https://etcd-0:2379", endpoint)
		}
		schemes[u.Scheme] = struct{}{}
	}
	if len(schemes) > 1 {
		return fmt.Errorf("%q: want either https:// or http:// for all of them", strings.Join(o.endpoints, ","))
	}
	return nil
}

// secure reports whether connections are encrypted; the endpoints agree in that.
func (o *etcdOptions) secure() bool {
	return len(o.endpoints) > 0 && strings.HasPrefix(o.endpoints[0], "https://")
}

// client returns a client of etcd. It does not wait for a connection.
func (o *etcdOptions) client() (*clientv3.Client, error) {
	config := clientv3.Config{
		Endpoints:            o.endpoints,
		DialTimeout:          o.dialTimeout,
		DialKeepAliveTime:    o.keepaliveTime,
		DialKeepAliveTimeout: o.keepaliveTimeout,
		Username:             o.username,
		Logger:               zap.NewNop(), // what matters comes back as an error
	}
	var err error
	if config.Password, err = o.password(); err != nil {
		return nil, err
	}
	if config.TLS, err = o.tls(); err != nil {
		return nil, err
	}
	client, err := clientv3.New(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to etcd at %s: %w", strings.Join(o.endpoints, ","), err)
	}
	return client, nil
}

func (o *etcdOptions) password() (string, error) {
	if o.passwordFile == "" {
		return "", nil
	}
	password, err := os.ReadFile(o.passwordFile)
	if err != nil {
		return "", usageError{fmt.Errorf("--etcd-password-file: %w", err)}
	}
	return strings.TrimRight(string(password), "\r\n"), nil
}

func (o *etcdOptions) tls() (*tls.Config, error) {
	if !o.secure() {
		return nil, nil //nolint:nilnil // the client takes nil for plain connections
	}
	info := transport.TLSInfo{TrustedCAFile: o.caFile, CertFile: o.certFile, KeyFile: o.keyFile}
	config, err := info.ClientConfig()
	if err != nil {
		return nil, usageError{fmt.Errorf("--etcd-cafile, --etcd-certfile, --etcd-keyfile: %w", err)}
	}
	return config, nil
}
