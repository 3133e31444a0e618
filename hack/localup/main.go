// Command localup runs a local control plane: Kubernetes, and an etcd for discovery, both on
// free loopback ports. It prints how to reach them, and runs until it is interrupted.
//
// With -o env it prints lines that a shell can evaluate:
//
//	go run ./hack/localup -o env > causeway.env
//	. ./causeway.env
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
	"github.com/causeway-io/causeway/hack/controlplane"
	"github.com/causeway-io/causeway/hack/etcdserver"
)

// options are the flags of the command.
type options struct {
	output  string
	dir     string
	nodes   int
	members int
}

func main() {
	opts, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2)
	}
	if err := run(opts); err != nil {
		fmt.Fprintf(os.Stderr, "localup: %v\n", err)
		os.Exit(1)
	}
}

// parse reads the flags; what is wrong with them has been printed when it returns.
func parse(args []string) (options, error) {
	var opts options
	flags := flag.NewFlagSet("localup", flag.ContinueOnError)
	flags.StringVar(&opts.output, "o", "text", "what to print: text or env")
	flags.StringVar(&opts.dir, "dir", "", "folder for data and logs (default a temporary one, removed in the end)")
	flags.IntVar(&opts.nodes, "nodes", 3, "number of nodes")
	flags.IntVar(&opts.members, "etcd-members", 1, "members of the etcd for discovery")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if _, ok := formats()[opts.output]; !ok {
		err := fmt.Errorf("-o %q is neither text nor env", opts.output)
		fmt.Fprintln(flags.Output(), err)
		return opts, err
	}
	return opts, nil
}

// run starts the control plane and keeps it until the command is interrupted.
func run(opts options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	programs, err := assets.Ensure(ctx, os.Stderr, assets.Options{Search: []string{os.Getenv("KUBEBUILDER_ASSETS")}})
	if err != nil {
		return fmt.Errorf("getting the programs: %w", err)
	}
	fmt.Fprintln(os.Stderr, "localup: starting")
	cp, err := controlplane.Start(ctx, controlplane.Options{
		Assets:    programs,
		Dir:       opts.dir,
		Nodes:     opts.nodes,
		Discovery: &etcdserver.Options{Members: opts.members},
	})
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return fmt.Errorf("starting the control plane: %w", err)
	}
	fmt.Print(formats()[opts.output](address{
		programs:   programs,
		dir:        cp.Dir(),
		kubeconfig: cp.Kubeconfig(),
		endpoints:  cp.Etcd().Endpoints(),
	}))
	<-ctx.Done()
	fmt.Fprintln(os.Stderr, "localup: stopping")
	if err := cp.Stop(); err != nil {
		return fmt.Errorf("stopping the control plane: %w", err)
	}
	return nil
}
