package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// WriteArchive writes img under its name to the file at path, an OCI image layout packed by
// tar, with a manifest.json beside it for engines that know Docker's format only. The file
// appears by rename, whole or not at all.
func WriteArchive(path string, ref name.Tag, img v1.Image) error {
	entries, err := archiveEntries(ref, img)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("creating the archive: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if err := writeTar(tmp, entries, time.Unix(0, 0)); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	if err := tmp.Chmod(0o644); err != nil {
		return fmt.Errorf("making the archive readable: %w", err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("closing the archive: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("moving the archive into place: %w", err)
	}
	return nil
}

// archiveEntries returns the files of the archive: the two indexes and the blobs.
func archiveEntries(ref name.Tag, img v1.Image) ([]file, error) {
	blobs, layers, err := layerBlobs(img)
	if err != nil {
		return nil, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	configDigest, err := img.ConfigName()
	if err != nil {
		return nil, fmt.Errorf("digesting the configuration: %w", err)
	}
	manifest, err := img.RawManifest()
	if err != nil {
		return nil, fmt.Errorf("encoding the manifest: %w", err)
	}
	descriptor, err := describe(ref, img)
	if err != nil {
		return nil, err
	}
	indexes, err := indexFiles(
		v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{descriptor}},
		tarball.Manifest{{Config: blobPath(configDigest), RepoTags: []string{ref.Name()}, Layers: layers}},
	)
	if err != nil {
		return nil, err
	}
	return append(append(indexes, blobs...),
		file{path: blobPath(configDigest), mode: 0o644, content: config},
		file{path: blobPath(descriptor.Digest), mode: 0o644, content: manifest},
	), nil
}

func layerBlobs(img v1.Image) (blobs []file, paths []string, err error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, nil, fmt.Errorf("listing the layers: %w", err)
	}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return nil, nil, fmt.Errorf("digesting a layer: %w", err)
		}
		compressed, err := layer.Compressed()
		if err != nil {
			return nil, nil, fmt.Errorf("opening layer %s: %w", digest, err)
		}
		content, err := io.ReadAll(compressed)
		if err != nil {
			return nil, nil, fmt.Errorf("compressing layer %s: %w", digest, err)
		}
		blobs = append(blobs, file{path: blobPath(digest), mode: 0o644, content: content})
		paths = append(paths, blobPath(digest))
	}
	return blobs, paths, nil
}

// describe names the image in the ways that importers look for: the annotation of the OCI
// specification, and containerd's.
func describe(ref name.Tag, img v1.Image) (v1.Descriptor, error) {
	d, err := partial.Descriptor(img)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("describing the image: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("reading the configuration: %w", err)
	}
	d.Platform = &v1.Platform{OS: config.OS, Architecture: config.Architecture}
	d.Annotations = map[string]string{
		"org.opencontainers.image.ref.name": ref.TagStr(),
		"io.containerd.image.name":          ref.Name(),
	}
	return *d, nil
}

func indexFiles(index v1.IndexManifest, docker tarball.Manifest) ([]file, error) {
	indexJSON, err := json.Marshal(index)
	if err != nil {
		return nil, fmt.Errorf("encoding index.json: %w", err)
	}
	dockerJSON, err := json.Marshal(docker)
	if err != nil {
		return nil, fmt.Errorf("encoding manifest.json: %w", err)
	}
	return []file{
		{path: "oci-layout", mode: 0o644, content: []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{path: "index.json", mode: 0o644, content: indexJSON},
		{path: "manifest.json", mode: 0o644, content: dockerJSON},
	}, nil
}

func blobPath(digest v1.Hash) string {
	return "blobs/" + digest.Algorithm + "/" + digest.Hex
}
