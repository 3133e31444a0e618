package cli

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// kubeconfig returns a file that points to a kube-apiserver.
func kubeconfig(t *testing.T, server string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	config := `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
"clusters":[{"name":"c","cluster":{"server":"` + server + `"}}],"users":[{"name":"u","user":{}}]}`
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs the command to its end.
func run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Run(ctx, "v1.2.3", args, &out, &errs)
	return code, out.String(), errs.String()
}

// The runs share the loggers of libraries, so they come one after the other.
func TestExitCodes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	malformed := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(malformed, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		code int
		out  string // part of the standard output
		err  string // part of the standard error
	}{
		"help":                  {[]string{"--help"}, 0, "controller", ""},
		"nothing":               {nil, 0, "controller", ""},
		"version":               {[]string{"version"}, 0, "causeway v1.2.3 go", ""},
		"help of a command":     {[]string{"controller", "--help"}, 0, "[$CAUSEWAY_TTL]", ""},
		"unknown command":       {[]string{"mirror"}, 2, "", `"mirror"`},
		"unknown flag":          {[]string{"controller", "--nope"}, 2, "", "--nope"},
		"value of a wrong kind": {[]string{"controller", "--ttl=soon"}, 2, "", `"soon"`},
		"argument":              {[]string{"controller", "now"}, 2, "", `"now"`},
		"argument of version":   {[]string{"version", "now"}, 2, "", `"now"`},
		"wrong value":           {[]string{"controller", "--format=xml", "--resync=0s"}, 2, "", "--format"},
		"no kubeconfig":         {[]string{"controller", "--log-level=error", "--kubeconfig=/no/such/file"}, 2, "", "/no/such/file"},
		"malformed kubeconfig":  {[]string{"controller", "--log-level=error", "--kubeconfig=" + malformed}, 2, "", malformed},
		"port is taken": {
			[]string{"controller", "--log-level=error", "--kubeconfig=" + kubeconfig(t, "https://127.0.0.1:1"), "--health-probe-bind-address=" + listener.Addr().String()},
			1, "", "listening for probes",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			code, stdout, stderr := run(ctx, tt.args...)
			if code != tt.code || !strings.Contains(stdout, tt.out) || !strings.Contains(stderr, tt.err) {
				t.Errorf("exit code %d, output %q, error %q; want %d, %q, %q", code, stdout, stderr, tt.code, tt.out, tt.err)
			}
			if lines := strings.Count(stderr, "\n"); lines != min(tt.code, 1) {
				t.Errorf("%d lines of errors, want %d: %q", lines, min(tt.code, 1), stderr)
			}
		})
	}
}
