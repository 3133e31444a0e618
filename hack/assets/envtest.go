package assets

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
)

// setupEnvtest has setup-envtest download kube-apiserver, kubectl and etcd, and returns the
// folder they are in. Where that fails or takes too long it says so and returns none.
func setupEnvtest(ctx context.Context, w io.Writer, l location) []string {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	root := filepath.Join(l.sources[0].dir, "..", "..", "..")
	version := strings.TrimPrefix(l.sources[0].version, "v")
	cmd := goCommand(ctx, root, "tool", "-modfile="+filepath.Join("hack", "tools", "go.mod"), "setup-envtest",
		"use", version, "--bin-dir", filepath.Join(filepath.Dir(l.dir), "envtest"), "--print", "path")
	fmt.Fprintf(w, "assets: asking setup-envtest for %s\n", version)
	out, err := cmd.Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || !filepath.IsAbs(dir) {
		fmt.Fprintln(w, "assets: setup-envtest has nothing for us, building instead")
		return nil
	}
	return []string{dir}
}
