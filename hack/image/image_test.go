package main

import (
	"bytes"
	"crypto/x509"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// TestArchive loads the archive as an engine would, and runs what is in it.
func TestArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	writeTestArchive(t, path, testSpec(buildProgram(t)))
	img, err := tarball.ImageFromPath(path, new(mustTag(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Fatalf("the image is not valid: %v", err)
	}
	files := extract(t, mutate.Extract(img))

	t.Run("configuration", func(t *testing.T) { checkConfiguration(t, img) })
	t.Run("user", func(t *testing.T) {
		if want := "nonroot:x:65532:65532:"; !strings.Contains(string(files["etc/passwd"].content), want) {
			t.Errorf("/etc/passwd has no line %q:\n%s", want, files["etc/passwd"].content)
		}
	})
	t.Run("root certificates", func(t *testing.T) {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(files[certificatesPath].content) {
			t.Fatalf("/%s holds no certificate", certificatesPath)
		}
		if got := bytes.Count(files[certificatesPath].content, []byte("BEGIN CERTIFICATE")); got < 100 {
			t.Errorf("/%s holds %d certificates, want at least 100", certificatesPath, got)
		}
	})
	t.Run("temporary folder", func(t *testing.T) {
		if got, want := files["tmp"].mode, fs.ModeDir|fs.ModeSticky|0o777; got != want {
			t.Errorf("/tmp has mode %s, want %s", got, want)
		}
	})
	t.Run("binary runs", func(t *testing.T) { checkBinaryRuns(t, files["causeway"]) })
}

// TestArchiveIsLayout reads the same archive as an OCI image layout, which is what containerd,
// podman and skopeo do.
func TestArchiveIsLayout(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "image.tar")
	writeTestArchive(t, path, testSpec(buildEmptyProgram(t)))
	unpack(t, path, filepath.Join(dir, "layout"))

	index, err := layout.ImageIndexFromPath(filepath.Join(dir, "layout"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("the layout is not valid: %v", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("the index names %d images, want 1", len(manifest.Manifests))
	}
	want := map[string]string{
		"org.opencontainers.image.ref.name": testVersion,
		"io.containerd.image.name":          testTag,
	}
	if diff := cmp.Diff(want, manifest.Manifests[0].Annotations); diff != "" {
		t.Errorf("names of the image (-want +got):\n%s", diff)
	}
}

// TestArchiveIsReproducible writes one image twice.
func TestArchiveIsReproducible(t *testing.T) {
	dir := t.TempDir()
	spec := testSpec(buildEmptyProgram(t))
	var archives [2][]byte
	for i := range archives {
		path := filepath.Join(dir, "image.tar")
		writeTestArchive(t, path, spec)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		archives[i] = content
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of one image differ")
	}
}

// TestBuildRefuses gives binaries that could not run in the image.
func TestBuildRefuses(t *testing.T) {
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	program := buildEmptyProgram(t)
	for _, tc := range []struct {
		name, binary, arch, want string
	}{
		{"another architecture", program, other, "not for " + other},
		{"unknown architecture", program, "pdp11", `"pdp11" is neither amd64 nor arm64`},
		{"not static", buildEmptyProgram(t, "-buildmode=pie"), runtime.GOARCH, "is not static"},
		{"not a program", "image_test.go", runtime.GOARCH, "bad magic number"},
		{"no file", filepath.Join(t.TempDir(), "none"), runtime.GOARCH, "no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := testSpec(tc.binary)
			spec.Architecture = tc.arch
			_, err := Build(spec)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Build returned %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func checkConfiguration(t *testing.T, img v1.Image) {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	type summary struct {
		OS, Architecture, User, Version, Revision, Created string
		Entrypoint                                         []string
	}
	got := summary{
		config.OS, config.Architecture, config.Config.User,
		config.Config.Labels["org.opencontainers.image.version"],
		config.Config.Labels["org.opencontainers.image.revision"],
		config.Created.Format(time.RFC3339),
		config.Config.Entrypoint,
	}
	want := summary{
		"linux", runtime.GOARCH, "65532:65532", testVersion, "0123abc", "2026-01-02T03:04:05Z", []string{"/causeway"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func checkBinaryRuns(t *testing.T, program file) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a Linux binary runs on Linux only")
	}
	if program.mode != 0o755 {
		t.Errorf("/causeway has mode %s, want executable by all", program.mode)
	}
	path := filepath.Join(t.TempDir(), "causeway")
	if err := os.WriteFile(path, program.content, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), path, "version").CombinedOutput()
	if err != nil {
		t.Fatalf("running the binary of the image: %v\n%s", err, out)
	}
	if !strings.Contains(string(out), testVersion) {
		t.Errorf("causeway version printed %q, want %q in it", out, testVersion)
	}
}
