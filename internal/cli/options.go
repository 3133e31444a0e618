package cli

import (
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/causeway-io/causeway/controllers"
	"github.com/causeway-io/causeway/registry"
	"github.com/causeway-io/causeway/registry/format"
	"github.com/causeway-io/causeway/registry/mirror"
)

// controllerOptions is what `causeway controller` is told.
type controllerOptions struct {
	kubernetes kubernetesOptions
	etcd       etcdOptions

	clusterID         string
	bookkeepingPrefix string
	format            string
	jsonPrefix        string
	ttl               time.Duration
	electionTTL       time.Duration
	resync            time.Duration
	onConflict        string

	namespaces       []string
	podSelector      string
	annotationPrefix string

	metricsAddress string
	probeAddress   string
	logLevel       string
	logFormat      string
}

func (o *controllerOptions) addTo(flags *pflag.FlagSet) {
	o.kubernetes.addTo(flags)
	o.etcd.addTo(flags)
	flags.StringVar(&o.clusterID, "cluster-id", "", "name of this cluster among those that write to this etcd; the default is the UID of the kube-system namespace")
	flags.StringVar(&o.bookkeepingPrefix, "bookkeeping-prefix", mirror.DefaultPrefix, "where election, identity and leases are noted in etcd")
	flags.StringVar(&o.format, "format", "json", "format of the keys: json")
	flags.StringVar(&o.jsonPrefix, "json-prefix", format.JSONPrefix, "where the json format writes; may be empty")
	flags.DurationVar(&o.ttl, "ttl", mirror.DefaultTTL, "how long keys stay in etcd when no controller is left, in whole seconds")
	flags.DurationVar(&o.electionTTL, "election-ttl", mirror.DefaultElectionTTL, "how long a leader that died keeps the others waiting, in whole seconds")
	flags.DurationVar(&o.resync, "resync", mirror.DefaultResync, "mean time between two read-backs of etcd")
	flags.StringVar(&o.onConflict, "on-conflict", "report", "what to do where somebody else's key stands: report or overwrite")
	flags.StringSliceVar(&o.namespaces, "namespaces", nil, "namespaces to watch, comma separated; empty for all")
	flags.StringVar(&o.podSelector, "pod-selector", "", "label selector of the Pods to watch, so that a big cluster sends only those; empty for all")
	flags.StringVar(&o.annotationPrefix, "annotation-prefix", controllers.DefaultAnnotationPrefix, "prefix of the annotations")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8080", "where to serve Prometheus metrics; 0 for nowhere")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "where to serve /healthz and /readyz; 0 for nowhere")
	flags.StringVar(&o.logLevel, "log-level", "info", "least level to log: debug, info, warn or error")
	flags.StringVar(&o.logFormat, "log-format", "text", "format of the log: text or json")
}

// settings is what controllerOptions mean, once they are known to be right.
type settings struct {
	annotations controllers.Annotations
	format      registry.Format
	selector    labels.Selector
	log         slog.Handler
	mirror      mirror.Config // but for what only Kubernetes knows
}

// settings checks all options and says everything that is wrong with them.
func (o *controllerOptions) settings(stderr io.Writer) (settings, error) {
	var s settings
	var found mistakes
	var err error
	s.annotations, err = controllers.NewAnnotations(o.annotationPrefix)
	found.add("annotation-prefix", err)
	s.format, err = o.wireFormat()
	found.add("format", err)
	s.selector, err = podSelector(o.podSelector)
	found.add("pod-selector", err)
	level, err := logLevel(o.logLevel)
	found.add("log-level", err)
	s.log = o.logHandler(stderr, level)
	s.mirror = o.mirrorConfig()
	o.check(&found)
	o.checkMirror(&found)
	o.kubernetes.check(&found)
	o.etcd.check(&found)
	return s, found.err()
}

func (o *controllerOptions) wireFormat() (registry.Format, error) {
	if err := oneOf(o.format, "json"); err != nil {
		return nil, err
	}
	return format.JSON(o.jsonPrefix), nil
}

func (o *controllerOptions) mirrorConfig() mirror.Config {
	return mirror.Config{
		ClusterID:   o.clusterID,
		Prefix:      strings.TrimRight(o.bookkeepingPrefix, "/"),
		TTL:         o.ttl,
		ElectionTTL: o.electionTTL,
		Resync:      o.resync,
		Overwrite:   o.onConflict == "overwrite",
	}
}

func (o *controllerOptions) logHandler(w io.Writer, level slog.Level) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if o.logFormat == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}
