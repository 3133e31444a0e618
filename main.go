// Causeway mirrors the ready Pods of a Kubernetes cluster into etcd, so that programs which
// discover services through etcd find them. See docs/design.md.
package main

import (
	"os"

	"github.com/causeway-io/causeway/internal/cli"
)

// version is set by the linker; see the Makefile.
var version = "devel"

func main() {
	os.Exit(cli.Main(version, os.Args[1:], os.Stdout, os.Stderr))
}
