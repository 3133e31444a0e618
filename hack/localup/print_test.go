package main

import (
	"errors"
	"flag"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvIsEvaluatedByShell(t *testing.T) {
	a := address{
		programs:   "/cache/it's here",
		kubeconfig: "/tmp/a b/$HOME/admin.kubeconfig",
		endpoints:  []string{"http://127.0.0.1:1", "http://127.0.0.1:2"},
	}
	script := env(a) + `printf '%s\n' "$KUBECONFIG" "$CAUSEWAY_ETCD_ENDPOINTS" "$ETCDCTL_ENDPOINTS" "$CAUSEWAY_ASSETS"`
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	const endpoints = "http://127.0.0.1:1,http://127.0.0.1:2"
	want := []string{a.kubeconfig, endpoints, endpoints, a.programs}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(string(out)), "\n")); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func TestTextNamesWholePaths(t *testing.T) {
	out := text(address{programs: "/bin-folder", kubeconfig: "/k", endpoints: []string{"http://127.0.0.1:1"}})
	for _, want := range []string{
		"/bin-folder/kubectl --kubeconfig=/k ",
		"/bin-folder/etcdctl --endpoints=http://127.0.0.1:1 ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q lacks %q", out, want)
		}
	}
}

func TestParse(t *testing.T) {
	if _, err := parse([]string{"-o", "env", "-nodes", "5"}); err != nil {
		t.Errorf("parsing good flags: %v", err)
	}
	if _, err := parse([]string{"-o", "yaml"}); err == nil {
		t.Error("an unknown output was accepted")
	}
	if _, err := parse([]string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("asking for help gave %v", err)
	}
}
