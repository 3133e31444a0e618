package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// Every flag can be given as a variable; tests of the environment cannot be parallel.
func TestEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"CAUSEWAY_ETCD_ENDPOINTS": "http://a:1,http://b:1",
		"CAUSEWAY_TTL":            "45s",
		"CAUSEWAY_KUBE_API_QPS":   "7.5",
		"CAUSEWAY_JSON_PREFIX":    "",
		"CAUSEWAY_CLUSTER_ID":     "from-environment",
		"CAUSEWAY_FORMAT":         "",
		"CAUSEWAY_PORT":           "tcp://10.0.0.1:80", // from a Service that is named causeway
	} {
		t.Setenv(name, value)
	}
	var o controllerOptions
	flags := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	o.addTo(flags)
	if err := flags.Parse([]string{"--cluster-id=from-flag", "--format=json"}); err != nil {
		t.Fatal(err)
	}
	if err := fromEnvironment(flags); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"http://a:1", "http://b:1"}, o.etcd.endpoints); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
	if o.ttl != 45*time.Second || o.kubernetes.qps != 7.5 {
		t.Errorf("TTL %v and QPS %v, want those of the environment", o.ttl, o.kubernetes.qps)
	}
	if o.jsonPrefix != "" {
		t.Errorf("prefix %q, want the empty one of the environment", o.jsonPrefix)
	}
	if o.clusterID != "from-flag" || o.format != "json" {
		t.Errorf("cluster ID %q and format %q, want those of the flags", o.clusterID, o.format)
	}
	if o.logLevel != "info" {
		t.Errorf("log level %q, want the default", o.logLevel)
	}
}

func TestBadEnvironment(t *testing.T) {
	t.Setenv("CAUSEWAY_TTL", "soon")
	t.Setenv("CAUSEWAY_KUBE_API_BURST", "many")
	var o controllerOptions
	flags := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	o.addTo(flags)
	err := fromEnvironment(flags)
	if _, ok := errors.AsType[usageError](err); !ok {
		t.Fatalf("error %v, want a usage error", err)
	}
	for _, want := range []string{"CAUSEWAY_TTL", `"soon"`, "CAUSEWAY_KUBE_API_BURST", `"many"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not mention %s", err, want)
		}
	}
}

// No two flags share a variable, and the help of each names its own.
func TestVariables(t *testing.T) {
	t.Parallel()
	var seen []string
	newController("test").LocalFlags().VisitAll(func(f *pflag.Flag) {
		name := variable(f.Name)
		if slices.Contains(seen, name) {
			t.Errorf("--%s shares the variable %s", f.Name, name)
		}
		seen = append(seen, name)
		if !strings.HasSuffix(f.Usage, "[$"+name+"]") {
			t.Errorf("the help of --%s does not name %s: %q", f.Name, name, f.Usage)
		}
	})
	if len(seen) < 20 {
		t.Errorf("%d flags seen, want all", len(seen))
	}
}
