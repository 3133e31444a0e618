package assets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEnsureFindsPrograms(t *testing.T) {
	l := fakeLocation(t)
	search := t.TempDir()
	fakeProgram(t, search, "one", "one v1.2.3")
	fakeProgram(t, search, "two", "two v1.2.3")
	if diff := cmp.Diff([]string{"one", "two"}, l.missing()); diff != "" {
		t.Fatalf("missing at first (-want +got):\n%s", diff)
	}

	var out bytes.Buffer
	if err := l.ensure(t.Context(), &out, Options{Search: []string{"", search}}); err != nil {
		t.Fatal(err)
	}
	if missing := l.missing(); len(missing) > 0 {
		t.Errorf("still missing: %q", missing)
	}
	if !hasVersion(t.Context(), filepath.Join(l.dir, "one"), []string{"--version"}, "v1.2.3") {
		t.Error("the copy does not run")
	}
	if exists(filepath.Join(l.dir, ".staging")) {
		t.Error("the staging folder is left")
	}
	if !strings.Contains(out.String(), "one v1.2.3 found in "+search) {
		t.Errorf("output %q does not say what was found", &out)
	}

	out.Reset()
	if err := l.ensure(t.Context(), &out, Options{}); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("with nothing missing it said %q", &out)
	}
}

func TestLookUpWantsTheVersion(t *testing.T) {
	old, broken, right := t.TempDir(), t.TempDir(), t.TempDir()
	fakeProgram(t, old, "one", "one v1.2.2")
	fakeProgram(t, right, "one", "one v1.2.3")
	if err := os.WriteFile(filepath.Join(broken, "one"), []byte("v1.2.3"), 0o600); err != nil {
		t.Fatal(err)
	}
	prog := program{name: "one", versionArgs: []string{"--version"}}
	for name, test := range map[string]struct {
		search []string
		want   string
	}{
		"nowhere to look":   {nil, ""},
		"empty name":        {[]string{""}, ""},
		"no such program":   {[]string{t.TempDir()}, ""},
		"another version":   {[]string{old}, ""},
		"cannot be run":     {[]string{broken}, ""},
		"second is the one": {[]string{old, right}, filepath.Join(right, "one")},
	} {
		t.Run(name, func(t *testing.T) {
			if got := lookUp(t.Context(), prog, "v1.2.3", test.search); got != test.want {
				t.Errorf("lookUp = %q, want %q", got, test.want)
			}
		})
	}
}

func TestEnsureReportsFailedBuild(t *testing.T) {
	l := fakeLocation(t)
	err := l.ensure(t.Context(), io.Discard, Options{})
	if err == nil {
		t.Fatal("programs that do not exist were built")
	}
	for _, want := range []string{"building example.com/fake v1.2.3", "example.com/fake/cmd/one"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if diff := cmp.Diff([]string{"one", "two"}, l.missing()); diff != "" {
		t.Errorf("missing after a failure (-want +got):\n%s", diff)
	}
}

func TestLockIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), io.Discard, path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	if _, err := lock(ctx, &out, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("locking what is locked gave %v, want a timeout", err)
	}
	if !strings.Contains(out.String(), "another process") {
		t.Errorf("the one who waits was told %q", &out)
	}
	unlock()
	unlock, err = lock(t.Context(), io.Discard, path)
	if err != nil {
		t.Fatalf("locking what was unlocked: %v", err)
	}
	unlock()
}

func TestEtcdKnowsItsVersions(t *testing.T) {
	if path, err := Etcd(t.Context(), "3.4"); err == nil {
		t.Errorf("etcd 3.4 is at %q", path)
	}
}

func TestStagesOfKwok(t *testing.T) {
	dir, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	stages, err := os.ReadFile(filepath.Join(dir, StagesFile))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(stages), "\nkind: Stage\n"); got != len(stageFiles()) {
		t.Errorf("%d stages, want %d", got, len(stageFiles()))
	}
}

// fakeLocation is a folder into which two programs belong that cannot be built.
func fakeLocation(t *testing.T) location {
	t.Helper()
	module := t.TempDir()
	gomod := "module example.com/pins\n\ngo 1.26.0\n"
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(gomod), 0o600); err != nil {
		t.Fatal(err)
	}
	var programs []program
	for _, name := range []string{"one", "two"} {
		programs = append(programs, program{
			name: name, built: name, pkg: "example.com/fake/cmd/" + name, versionArgs: []string{"--version"},
		})
	}
	s := source{folder: "fake", module: "example.com/fake", programs: programs}
	return location{
		dir:     filepath.Join(t.TempDir(), "folder"),
		sources: []pinned{{source: s, dir: module, version: "v1.2.3"}},
	}
}

// fakeProgram puts a program into dir that prints its version.
func fakeProgram(t *testing.T, dir, name, version string) {
	t.Helper()
	script := fmt.Sprintf("#!/bin/sh\necho '%s'\n", version)
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}
