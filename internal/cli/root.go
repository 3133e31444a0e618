// Package cli is the causeway command: its flags, and the wiring of the other packages.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes of the command.
const (
	exitOK    = 0
	exitError = 1 // it was asked for something right and could not do it
	exitUsage = 2 // it was asked for something wrong
)

// usageError is a mistake in flags, environment or arguments.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Main runs the command until it ends or is told to stop by SIGINT or SIGTERM, and returns
// its exit code. Errors go to stderr, each as one line.
func Main(version string, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return Run(ctx, version, args, stdout, stderr)
}

// Run is Main for a caller that has its own way to stop it.
func Run(ctx context.Context, version string, args []string, stdout, stderr io.Writer) int {
	root := newRoot(version) //nolint:contextcheck // commands get ctx when they run
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintln(stderr, "causeway: "+oneLine(err))
	if usage := (usageError{}); errors.As(err, &usage) {
		return exitUsage
	}
	return exitError
}

func newRoot(version string) *cobra.Command {
	root := &cobra.Command{
		Use:           "causeway",
		Short:         "Mirrors the ready Pods of a Kubernetes cluster into etcd",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usageArgs(cobra.NoArgs),
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fromEnvironment(cmd.Flags())
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newController(version), newVersion(version))
	return root
}

// usageArgs makes a complaint about arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// oneLine joins the parts of an error by semicolons.
func oneLine(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}
