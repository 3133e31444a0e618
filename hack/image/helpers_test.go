package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

const (
	testVersion = "v0.0.0-image-test"
	testTag     = "ghcr.io/causeway-io/causeway:" + testVersion
)

func testSpec(binary string) Spec {
	return Spec{
		Binary:       binary,
		Architecture: runtime.GOARCH,
		Version:      testVersion,
		Revision:     "0123abc",
		Created:      time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

// buildProgram builds the command at the root of the repository, as the Makefile does.
func buildProgram(t *testing.T) string {
	t.Helper()
	return goBuild(t, "../..", "-ldflags", "-s -w -X main.version="+testVersion, ".")
}

// buildEmptyProgram builds a program that does nothing, for tests that do not run it.
func buildEmptyProgram(t *testing.T, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	source := "package main\n\nfunc main() {}\n"
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return goBuild(t, dir, append(flags, "main.go")...)
}

func goBuild(t *testing.T, dir string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "causeway")
	build := exec.CommandContext(t.Context(), "go", append([]string{"build", "-trimpath", "-o", path}, args...)...)
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %v in %s: %v\n%s", args, dir, err, out)
	}
	return path
}

func mustTag(t *testing.T) name.Tag {
	t.Helper()
	tag, err := name.NewTag(testTag, name.StrictValidation)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func writeTestArchive(t *testing.T, path string, spec Spec) {
	t.Helper()
	img, err := Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteArchive(path, mustTag(t), img); err != nil {
		t.Fatal(err)
	}
}

// extract reads a tar stream and closes it.
func extract(t *testing.T, in io.ReadCloser) map[string]file {
	t.Helper()
	defer in.Close()
	files := map[string]file{}
	for r := tar.NewReader(in); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Clean(header.Name)
		files[path] = file{path: path, mode: header.FileInfo().Mode(), content: content}
	}
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	in, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	for path, f := range extract(t, in) {
		target := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, f.content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
