package cli

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/causeway-io/causeway/registry/mirror"
)

// parse returns what `causeway controller` makes of flags.
func parse(t *testing.T, args ...string) (controllerOptions, settings, error) {
	t.Helper()
	var o controllerOptions
	flags := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	o.addTo(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	s, err := o.settings(io.Discard)
	return o, s, err
}

// A mistake is explained: which flag, which value, and what would be right.
func TestBadFlags(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want []string
	}{
		"annotation prefix":        {[]string{"--annotation-prefix=a_b"}, []string{"--annotation-prefix", `"a_b"`, "example.com"}},
		"format":                   {[]string{"--format=xml"}, []string{"--format", `"xml"`, "json"}},
		"pod selector":             {[]string{"--pod-selector=a in"}, []string{"--pod-selector", `"a in"`, "app=user"}},
		"log level":                {[]string{"--log-level=loud"}, []string{"--log-level", `"loud"`, "debug, info, warn, error"}},
		"log format":               {[]string{"--log-format=xml"}, []string{"--log-format", `"xml"`, "text, json"}},
		"on conflict":              {[]string{"--on-conflict=fight"}, []string{"--on-conflict", `"fight"`, "report, overwrite"}},
		"namespace":                {[]string{"--namespaces=a,B"}, []string{"--namespaces", `"B"`, "commas"}},
		"empty namespace":          {[]string{"--namespaces=a,"}, []string{"--namespaces", `""`, "commas"}},
		"metrics address":          {[]string{"--metrics-bind-address=8080"}, []string{"--metrics-bind-address", `"8080"`, ":8080", "0 for nowhere"}},
		"probes address":           {[]string{"--health-probe-bind-address="}, []string{"--health-probe-bind-address", `""`, ":8080", "0 for nowhere"}},
		"no bookkeeping prefix":    {[]string{"--bookkeeping-prefix=/"}, []string{"--bookkeeping-prefix", `"/"`, "/causeway"}},
		"bookkeeping among keys":   {[]string{"--bookkeeping-prefix=/services/x"}, []string{"--bookkeeping-prefix", `"/services/x"`, "--json-prefix", `"/services"`, "neither below the other"}},
		"keys among bookkeeping":   {[]string{"--json-prefix=/causeway/"}, []string{"--bookkeeping-prefix", `"/causeway"`, "--json-prefix", `"/causeway/"`}},
		"cluster ID":               {[]string{"--cluster-id=a/b"}, []string{"--cluster-id", `"a/b"`, "letters, digits"}},
		"resync":                   {[]string{"--resync=0s"}, []string{"--resync", "0s", "more than 0"}},
		"TTL":                      {[]string{"--ttl=30500ms"}, []string{"--ttl", "30.5s", "whole number of seconds"}},
		"no TTL":                   {[]string{"--ttl=0s"}, []string{"--ttl", "0s", "more than 0"}},
		"election TTL":             {[]string{"--election-ttl=-3s"}, []string{"--election-ttl", "-3s", "whole number of seconds"}},
		"election TTL in TTL":      {[]string{"--election-ttl=20s"}, []string{"--ttl, --election-ttl", "20s", "30s", "15s"}},
		"keepalive in TTL":         {[]string{"--etcd-keepalive-time=30s"}, []string{"--etcd-keepalive-time", "30s", "3s", "33s"}},
		"no keepalive":             {[]string{"--etcd-keepalive-timeout=0s"}, []string{"--etcd-keepalive-timeout", "0s", "more than 0"}},
		"requests to Kubernetes":   {[]string{"--kube-api-qps=-1"}, []string{"--kube-api-qps", "-1", "more than 0"}},
		"burst to Kubernetes":      {[]string{"--kube-api-burst=0"}, []string{"--kube-api-burst", "0", "at least 1"}},
		"no endpoints":             {[]string{"--etcd-endpoints="}, []string{"--etcd-endpoints", "empty", "https://etcd-0:2379"}},
		"endpoint":                 {[]string{"--etcd-endpoints=http://a:1,etcd:2379"}, []string{"--etcd-endpoints", `"etcd:2379"`, "https://etcd-0:2379"}},
		"endpoints of two kinds":   {[]string{"--etcd-endpoints=http://a:1,https://b:1"}, []string{"--etcd-endpoints", "http://a:1,https://b:1", "either"}},
		"certificate without key":  {[]string{"--etcd-certfile=c", "--etcd-endpoints=https://a:1"}, []string{"--etcd-certfile", `"c"`, "--etcd-keyfile", "both"}},
		"key without certificate":  {[]string{"--etcd-keyfile=k", "--etcd-endpoints=https://a:1"}, []string{"--etcd-keyfile", `"k"`, "--etcd-certfile", "both"}},
		"authority without TLS":    {[]string{"--etcd-cafile=c"}, []string{"--etcd-endpoints", `"http://127.0.0.1:2379"`, "--etcd-cafile", "https://"}},
		"user without password":    {[]string{"--etcd-username=u"}, []string{"--etcd-username", `"u"`, "--etcd-password-file", "both"}},
		"password without a user":  {[]string{"--etcd-password-file=p"}, []string{"--etcd-password-file", `"p"`, "--etcd-username", "both"}},
		"time to connect":          {[]string{"--etcd-dial-timeout=0s"}, []string{"--etcd-dial-timeout", "0s", "more than 0"}},
		"all mistakes in one line": {[]string{"--format=xml", "--etcd-dial-timeout=0s", "--resync=0s"}, []string{"--format", "--etcd-dial-timeout", "--resync"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := parse(t, tt.args...)
			if _, ok := errors.AsType[usageError](err); !ok {
				t.Fatalf("%v is accepted or is no usage error: %v", tt.args, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not mention %q", err, want)
				}
			}
			if mistakes := strings.Count(err.Error(), "\n") + 1; mistakes != max(1, strings.Count(name, "all")*len(tt.want)) {
				t.Errorf("%d mistakes are reported: %q", mistakes, err)
			}
		})
	}
}

func TestGoodFlags(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"none":                   nil,
		"no prefix for the keys": {"--json-prefix="},
		"prefixes alike":         {"--json-prefix=/causeways"},
		"servers off":            {"--metrics-bind-address=0", "--health-probe-bind-address=0"},
		"TLS":                    {"--etcd-endpoints=https://a:1,https://b:1", "--etcd-cafile=c", "--etcd-certfile=c", "--etcd-keyfile=k"},
		"short":                  {"--ttl=12s", "--election-ttl=2s", "--etcd-keepalive-time=1s", "--etcd-keepalive-timeout=1s"},
		"namespaces":             {"--namespaces=a,b-1"},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := parse(t, args...); err != nil {
				t.Errorf("%v: %v", args, err)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, s, err := parse(t, "--cluster-id=c", "--bookkeeping-prefix=/notes/", "--ttl=1m", "--election-ttl=20s",
		"--resync=5s", "--on-conflict=overwrite", "--pod-selector=app=user", "--log-level=warn")
	if err != nil {
		t.Fatal(err)
	}
	got := s.mirror
	if got.ClusterID != "c" || got.Prefix != "/notes" || got.TTL != time.Minute || got.ElectionTTL != 20*time.Second ||
		got.Resync != 5*time.Second || !got.Overwrite {
		t.Errorf("mirror is told %+v", got)
	}
	if s.selector.String() != "app=user" || s.format.Name() != "json" {
		t.Errorf("selector %v and format %v", s.selector, s.format.Name())
	}
	if s.log.Enabled(t.Context(), slog.LevelInfo) || !s.log.Enabled(t.Context(), slog.LevelWarn) {
		t.Error("the log does not start at level warn")
	}
	if _, s, _ := parse(t); s.mirror.Overwrite || s.mirror.TTL != mirror.DefaultTTL {
		t.Errorf("without flags the mirror is told %+v", s.mirror)
	}
}
