// Command assets makes the programs of the local control plane available: it finds them,
// downloads them or builds them, and keeps them in the user's cache folder. With -print it
// prints that folder, and nothing else, on standard output.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/causeway-io/causeway/hack/assets"
)

func main() {
	printDir := flag.Bool("print", false, "print only the folder on standard output")
	envtest := flag.Bool("setup-envtest", false, "let setup-envtest download what it can before the rest is built")
	flag.Parse()

	dir, err := ensure(assets.Options{
		Search:       []string{os.Getenv("KUBEBUILDER_ASSETS")},
		SetupEnvtest: *envtest,
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "assets: %v\n", err)
		os.Exit(1)
	}
	if *printDir {
		fmt.Println(dir)
		return
	}
	fmt.Printf("assets: ready in %s\n", dir)
}

// ensure makes the programs available, unless it is interrupted.
func ensure(opts assets.Options) (string, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := assets.Ensure(ctx, os.Stderr, opts)
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(os.Stderr)
		return "", errors.New("interrupted; the next run goes on from here")
	}
	return dir, err
}
