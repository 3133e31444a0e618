package main

import (
	"debug/elf"
	"fmt"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is the unprivileged user and group of the image, by number so that Kubernetes can check
// runAsNonRoot without looking into the image.
const user = "65532:65532"

// Spec says what goes into an image.
type Spec struct {
	// Binary is the path of a static Linux binary built for Architecture.
	Binary string
	// Architecture is amd64 or arm64.
	Architecture string
	// Version and Revision become labels; an empty one is left out.
	Version, Revision string
	// Created is the time of the image and of every file in it.
	Created time.Time
}

// Build returns the image: one layer that seldom changes, and one with the binary.
func Build(spec Spec) (v1.Image, error) {
	binary, err := readStaticBinary(spec.Binary, spec.Architecture)
	if err != nil {
		return nil, err
	}
	base, err := newLayer(baseFiles(), spec.Created)
	if err != nil {
		return nil, fmt.Errorf("packing the base layer: %w", err)
	}
	program, err := newLayer([]file{{path: "causeway", mode: 0o755, content: binary}}, spec.Created)
	if err != nil {
		return nil, fmt.Errorf("packing the binary: %w", err)
	}

	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	img, err = mutate.ConfigFile(img, configFile(spec))
	if err != nil {
		return nil, fmt.Errorf("setting the image's configuration: %w", err)
	}
	history := v1.History{Created: v1.Time{Time: spec.Created}}
	img, err = mutate.Append(img,
		mutate.Addendum{Layer: base, History: described(history, "root certificates and the nonroot user")},
		mutate.Addendum{Layer: program, History: described(history, "causeway "+spec.Version)},
	)
	if err != nil {
		return nil, fmt.Errorf("appending the layers: %w", err)
	}
	return img, nil
}

func configFile(spec Spec) *v1.ConfigFile {
	labels := map[string]string{
		"org.opencontainers.image.title":       "causeway",
		"org.opencontainers.image.description": "Mirrors the IPs of ready, annotated Pods into etcd",
		"org.opencontainers.image.source":      "https://github.com/causeway-io/causeway",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.created":     spec.Created.Format(time.RFC3339),
	}
	if spec.Version != "" {
		labels["org.opencontainers.image.version"] = spec.Version
	}
	if spec.Revision != "" {
		labels["org.opencontainers.image.revision"] = spec.Revision
	}
	return &v1.ConfigFile{
		OS:           "linux",
		Architecture: spec.Architecture,
		Created:      v1.Time{Time: spec.Created},
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       user,
			Entrypoint: []string{"/causeway"},
			Env:        []string{"PATH=/", "SSL_CERT_FILE=/" + certificatesPath},
			WorkingDir: "/",
			Labels:     labels,
		},
	}
}

func described(h v1.History, what string) v1.History {
	h.CreatedBy = what
	return h
}

// readStaticBinary refuses a binary that could not run in the image: another system's or
// another architecture's, or one that asks for a dynamic loader, which the image has not.
func readStaticBinary(path, architecture string) ([]byte, error) {
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	machine, ok := machines[architecture]
	if !ok {
		return nil, fmt.Errorf("architecture %q is neither amd64 nor arm64", architecture)
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the binary %q: %w", path, err)
	}
	defer f.Close()
	if f.Machine != machine {
		return nil, fmt.Errorf("binary %q is for %s, not for %s", path, f.Machine, architecture)
	}
	for _, segment := range f.Progs {
		if segment.Type == elf.PT_INTERP {
			return nil, fmt.Errorf("binary %q is not static: build it with CGO_ENABLED=0", path)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the binary: %w", err)
	}
	return content, nil
}
