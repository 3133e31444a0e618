package cli

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/causeway-io/causeway/registry/mirror"
)

// check finds mistakes that concern one flag.
func (o *controllerOptions) check(found *mistakes) {
	found.add("on-conflict", oneOf(o.onConflict, "report", "overwrite"))
	found.add("log-format", oneOf(o.logFormat, "text", "json"))
	for _, namespace := range o.namespaces {
		// An empty name would mean all namespaces.
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			found.addf("namespaces", "%q: want names of namespaces, separated by commas", namespace)
		}
	}
	found.add("metrics-bind-address", listenAddress(o.metricsAddress))
	found.add("health-probe-bind-address", listenAddress(o.probeAddress))
	found.add("bookkeeping-prefix", o.checkBookkeeping())
}

// checkBookkeeping keeps the bookkeeping out of what consumers read, and the other way
// round: a value that it cannot decode blinds many a consumer.
func (o *controllerOptions) checkBookkeeping() error {
	notes, keys := strings.TrimRight(o.bookkeepingPrefix, "/"), strings.TrimRight(o.jsonPrefix, "/")
	switch {
	case notes == "":
		return fmt.Errorf("%q: want a prefix such as %s", o.bookkeepingPrefix, mirror.DefaultPrefix)
	case keys == "": // a consumer reads below the name of its service
		return nil
	case strings.HasPrefix(notes+"/", keys+"/"), strings.HasPrefix(keys+"/", notes+"/"):
		return fmt.Errorf("%q overlaps with the keys of --json-prefix %q: want neither below the other", o.bookkeepingPrefix, o.jsonPrefix)
	}
	return nil
}

// checkMirror finds mistakes in what the mirror is told, alone and against each other.
func (o *controllerOptions) checkMirror(found *mistakes) {
	if o.clusterID != "" {
		found.add("cluster-id", mirror.Config{ClusterID: o.clusterID}.Validate())
	}
	if o.resync <= 0 {
		found.addf("resync", "%v: want more than 0", o.resync)
	}
	ttl, electionTTL := wholeSeconds(o.ttl), wholeSeconds(o.electionTTL)
	found.add("ttl", ttl)
	found.add("election-ttl", electionTTL)
	if ttl != nil || electionTTL != nil {
		return
	}
	times := mirror.Config{ClusterID: "any", TTL: o.ttl, ElectionTTL: o.electionTTL}
	found.add("ttl, --election-ttl", times.Validate())
	found.add("ttl, --etcd-keepalive-time, --etcd-keepalive-timeout",
		mirror.CheckKeepalive(o.ttl, o.etcd.keepaliveTime, o.etcd.keepaliveTimeout))
}

func wholeSeconds(d time.Duration) error {
	if d <= 0 || d%time.Second != 0 {
		return fmt.Errorf("%v: want a whole number of seconds, more than 0", d)
	}
	return nil
}

func listenAddress(address string) error {
	if address == nowhere {
		return nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("%q: want a host and a port, such as 127.0.0.1:8080 or :8080, or %s for nowhere", address, nowhere)
	}
	return nil
}

func podSelector(selector string) (labels.Selector, error) {
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, fmt.Errorf("%q: want a label selector such as app=user: %w", selector, err)
	}
	return parsed, nil
}

func logLevel(name string) (slog.Level, error) {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	return levels[name], oneOf(name, "debug", "info", "warn", "error")
}

func oneOf(value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return fmt.Errorf("%q: want one of %s", value, strings.Join(choices, ", "))
}
