package etcdserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/causeway-io/causeway/hack/assets"
)

// Options says how to run etcd. The zero value is one member with the defaults of etcd.
type Options struct {
	// Binary is the path of the server; by default the one that `make assets` provides.
	Binary string
	// Dir is where data and logs go. By default it is a temporary folder which Close removes.
	Dir string
	// Members is the number of members; 0 means 1.
	Members int
	// QuotaBytes limits the size of the database; 0 leaves the default.
	QuotaBytes int64
	// MaxTxnOps limits the operations of a transaction; 0 leaves the default of 128.
	MaxTxnOps uint
	// AuthTokenTTL is how long a simple token lives, in whole seconds; 0 leaves the default.
	AuthTokenTTL time.Duration
	// UnsafeNoFsync lets etcd acknowledge writes before they are on disk: faster, and safe
	// against the death of the process, but not of the machine.
	UnsafeNoFsync bool
	// TLS, if set, makes the client URLs https.
	TLS *TLS
	// ExtraArgs are further flags for every member; they override the others.
	ExtraArgs []string
	// Env is the environment of every member; nothing is inherited.
	Env []string
}

// TLS names the files that serve clients. etcd reads certificate and key again for every
// connection, so replacing the files rotates them.
type TLS struct {
	CertFile, KeyFile string
	// TrustedCAFile, if set, makes client certificates mandatory.
	TrustedCAFile string
}

// withDefaults fills in what is not set. cleanup removes what it created.
func (o Options) withDefaults() (opts Options, cleanup func() error, err error) {
	cleanup = func() error { return nil }
	o.Members = max(1, o.Members)
	if o.Binary == "" {
		dir, err := assets.Dir()
		if err != nil {
			return o, cleanup, err
		}
		o.Binary = filepath.Join(dir, "etcd")
	}
	if o.Dir != "" {
		return o, cleanup, nil
	}
	o.Dir, err = os.MkdirTemp("", "causeway-etcd-")
	if err != nil {
		return o, cleanup, fmt.Errorf("creating a folder for etcd: %w", err)
	}
	return o, func() error { return os.RemoveAll(o.Dir) }, nil
}

// args are the flags that are the same for every member.
func (o Options) args() []string {
	args := []string{"--logger=zap", "--log-level=info", "--initial-cluster-token=causeway"}
	if o.QuotaBytes != 0 {
		args = append(args, "--quota-backend-bytes="+strconv.FormatInt(o.QuotaBytes, 10))
	}
	if o.MaxTxnOps != 0 {
		args = append(args, "--max-txn-ops="+strconv.FormatUint(uint64(o.MaxTxnOps), 10))
	}
	if o.AuthTokenTTL != 0 {
		args = append(args, "--auth-token-ttl="+strconv.Itoa(int(o.AuthTokenTTL.Seconds())))
	}
	if o.UnsafeNoFsync {
		args = append(args, "--unsafe-no-fsync")
	}
	if o.TLS != nil {
		args = append(args, "--cert-file="+o.TLS.CertFile, "--key-file="+o.TLS.KeyFile)
		if o.TLS.TrustedCAFile != "" {
			args = append(args, "--client-cert-auth", "--trusted-ca-file="+o.TLS.TrustedCAFile)
		}
	}
	return args
}

// scheme is that of the client URLs.
func (o Options) scheme() string {
	if o.TLS != nil {
		return "https"
	}
	return "http"
}
