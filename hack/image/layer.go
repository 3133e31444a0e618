package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// certificatesPath is where Go and most other programs look for root certificates.
const certificatesPath = "etc/ssl/certs/ca-certificates.crt"

// file is one entry of a tar archive, owned by root. Its path is relative; mode says whether
// it is a folder.
type file struct {
	path    string
	mode    fs.FileMode
	content []byte
}

func baseFiles() []file {
	folder := fs.ModeDir | 0o755
	return []file{
		{path: "etc/", mode: folder},
		{path: "etc/group", mode: 0o644, content: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{path: "etc/passwd", mode: 0o644, content: []byte("root:x:0:0:root:/:/sbin/nologin\n" +
			"nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		{path: "etc/ssl/", mode: folder},
		{path: "etc/ssl/certs/", mode: folder},
		{path: certificatesPath, mode: 0o644, content: rootCertificates()},
		{path: "tmp/", mode: fs.ModeDir | fs.ModeSticky | 0o777},
	}
}

// rootCertificates returns Mozilla's roots as PEM. Those which are trusted for some
// certificates only are left out: a PEM file cannot say for which.
func rootCertificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return out.Bytes()
}

// newLayer packs files, in their order, with no trace of the machine that it runs on.
func newLayer(files []file, modified time.Time) (v1.Layer, error) {
	var packed bytes.Buffer
	if err := writeTar(&packed, files, modified); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed.Bytes())), nil
	}
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

func writeTar(out io.Writer, files []file, modified time.Time) error {
	w := tar.NewWriter(out)
	for _, f := range files {
		if err := writeFile(w, f, modified); err != nil {
			return err
		}
	}
	return w.Close()
}

func writeFile(w *tar.Writer, f file, modified time.Time) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     f.path,
		Mode:     int64(f.mode.Perm()),
		Size:     int64(len(f.content)),
		ModTime:  modified,
		Format:   tar.FormatUSTAR,
	}
	if f.mode.IsDir() {
		header.Typeflag = tar.TypeDir
	}
	if f.mode&fs.ModeSticky != 0 {
		header.Mode |= 0o1000
	}
	if err := w.WriteHeader(header); err != nil {
		return fmt.Errorf("writing the header of %q: %w", f.path, err)
	}
	if _, err := w.Write(f.content); err != nil {
		return fmt.Errorf("writing %q: %w", f.path, err)
	}
	return nil
}
