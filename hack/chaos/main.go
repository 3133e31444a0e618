// Command chaos breaks things around Causeway on this machine, one row of the failure table
// after the other, with real processes: kube-apiserver, etcd, and replicas of the
// controller. While it does, a watcher of the keys writes down every event that a consumer
// would have seen, and the row passes if each of them is explained by a change of a Pod or,
// where the table says so, by the fault. It prints a table, and fails if a row does. Run it
// from inside the repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// options are the flags of the command.
type options struct {
	rows     []row
	parallel int
}

func main() { os.Exit(chaos(os.Args[1:])) }

// chaos returns the exit code of the command.
func chaos(args []string) int {
	opts, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, opts)
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: %v\n", err)
	}
	if failed || err != nil {
		return 1
	}
	return 0
}

// parse reads the flags; what is wrong with them has been printed when it returns.
func parse(args []string) (options, error) {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	pattern := flags.String("run", "", "run only the rows whose name matches this regular expression")
	parallel := flags.Int("parallel", 3, "how many rows run at once")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	matcher, err := regexp.Compile(*pattern)
	if err != nil {
		fmt.Fprintf(flags.Output(), "-run: %v\n", err)
		return options{}, err
	}
	rows := slices.DeleteFunc(allRows(), func(r row) bool { return !matcher.MatchString(r.name) })
	return options{rows: rows, parallel: max(1, *parallel)}, nil
}

// run plays the rows and prints what came of them.
func run(ctx context.Context, opts options) (failed bool, err error) {
	started := time.Now()
	fmt.Printf("Starting a control plane for %d rows.\n", len(opts.rows))
	st, err := newStage(ctx)
	if err != nil {
		return true, err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	results := make([]result, len(opts.rows))
	var group errgroup.Group
	group.SetLimit(opts.parallel)
	for i, r := range opts.rows {
		group.Go(func() error {
			results[i] = st.play(ctx, r)
			fmt.Printf("%5.0f s  %s\n", time.Since(started).Seconds(), results[i].headline())
			return nil
		})
	}
	_ = group.Wait() // results carry the errors
	printTable(os.Stdout, results)
	fmt.Printf("\n%d rows in %v\n", len(results), time.Since(started).Round(time.Second))
	return slices.ContainsFunc(results, func(r result) bool { return r.err != nil }), nil
}
