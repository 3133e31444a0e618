// Command image packs a static causeway binary into an OCI image, with neither a container
// engine nor a base image: root certificates, one unprivileged user, and the binary.
//
// The archive is an OCI image layout that also holds what `docker load` looks for, so it can be
// given to docker, podman, containerd (`ctr images import`), skopeo and kind alike. Equal input
// gives an equal archive.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run() error {
	var spec Spec
	flag.StringVar(&spec.Binary, "binary", "", "`path` of the static Linux binary to pack")
	flag.StringVar(&spec.Architecture, "arch", runtime.GOARCH, "`architecture` of the binary: amd64 or arm64")
	flag.StringVar(&spec.Version, "version", "", "version for the image's labels")
	flag.StringVar(&spec.Revision, "revision", "", "commit for the image's labels")
	created := flag.Int64("created", 0, "time of creation and of all files, in Unix `seconds`")
	tag := flag.String("tag", "", "full image `name` with its tag")
	output := flag.String("o", "", "archive `file` to write")
	flag.Parse()
	spec.Created = time.Unix(*created, 0).UTC()

	ref, err := name.NewTag(*tag, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("parsing -tag: %w", err)
	}
	img, err := Build(spec)
	if err != nil {
		return err
	}
	return WriteArchive(*output, ref, img)
}
