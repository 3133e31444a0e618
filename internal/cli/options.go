package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
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
	var errs []error
	keep := func(flag string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	var err error
	s.annotations, err = controllers.NewAnnotations(o.annotationPrefix)
	keep("annotation-prefix", err)
	s.format, err = o.wireFormat()
	keep("format", err)
	s.selector, err = labels.Parse(o.podSelector)
	keep("pod-selector", err)
	keep("on-conflict", oneOf(o.onConflict, "report", "overwrite"))
	keep("log-format", oneOf(o.logFormat, "text", "json"))
	var level slog.Level
	keep("log-level", level.UnmarshalText([]byte(o.logLevel)))
	s.log = o.logHandler(stderr, level)
	errs = append(errs, o.etcd.validate())
	s.mirror, err = o.mirrorConfig()
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return s, usageError{err}
	}
	return s, nil
}

func (o *controllerOptions) wireFormat() (registry.Format, error) {
	if err := oneOf(o.format, "json"); err != nil {
		return nil, err
	}
	return format.JSON(o.jsonPrefix), nil
}

func (o *controllerOptions) mirrorConfig() (mirror.Config, error) {
	config := mirror.Config{
		ClusterID:   o.clusterID,
		Prefix:      strings.TrimRight(o.bookkeepingPrefix, "/"),
		TTL:         o.ttl,
		ElectionTTL: o.electionTTL,
		Resync:      o.resync,
		Overwrite:   o.onConflict == "overwrite",
	}
	var errs []error
	for flag, d := range map[string]time.Duration{"ttl": o.ttl, "election-ttl": o.electionTTL} {
		if d%time.Second != 0 || d <= 0 {
			errs = append(errs, fmt.Errorf("--%s: %v is not a whole number of seconds", flag, d))
		}
	}
	if o.resync <= 0 {
		errs = append(errs, fmt.Errorf("--resync: %v is not more than 0", o.resync))
	}
	checked := config
	if checked.ClusterID == "" {
		checked.ClusterID = "asked-of-kubernetes-later"
	}
	errs = append(errs, checked.Validate(), mirror.CheckKeepalive(o.ttl, o.etcd.keepaliveTime, o.etcd.keepaliveTimeout))
	return config, errors.Join(errs...)
}

func (o *controllerOptions) logHandler(w io.Writer, level slog.Level) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if o.logFormat == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

func oneOf(value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return fmt.Errorf("%q is not one of %s", value, strings.Join(choices, ", "))
}
