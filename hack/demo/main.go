// Command demo shows Causeway at work on this machine, with a real Kubernetes control plane
// and a real etcd: Pods turn ready and keys appear, Pods go and keys disappear, and the
// controller restarts unnoticed. It says what it does, measures what it sees, and fails if
// it does not see it. Run it from the root of the repository.
//
// It then leaves everything running until Ctrl-C, unless DEMO_ONCE is set. NO_COLOR turns
// colours off.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// pauseBetweenSteps gives a spectator time to read; nothing depends on it.
const pauseBetweenSteps = 3 * time.Second

// Exit codes of the command.
const (
	exitFailed      = 1
	exitInterrupted = 130
)

// options is what the environment asks for.
type options struct {
	once   bool          // end after the last step
	pause  time.Duration // before each step
	search []string      // folders to look for programs in
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once, and its children with it
	terminal := term.IsTerminal(int(os.Stdout.Fd()))
	opts := options{
		once:   os.Getenv("DEMO_ONCE") != "",
		search: []string{os.Getenv("KUBEBUILDER_ASSETS")},
	}
	if terminal && !opts.once {
		opts.pause = pauseBetweenSteps
	}
	out := &narrator{w: os.Stdout, colour: terminal && os.Getenv("NO_COLOR") == ""}
	if err := run(ctx, out, opts); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		if errors.Is(err, errInterrupted) {
			os.Exit(exitInterrupted)
		}
		os.Exit(exitFailed)
	}
}

var (
	errInterrupted = errors.New("interrupted")
	errNotSeen     = errors.New("not everything was seen")
)

// run sets the stage, plays, and clears up, whatever happens.
func run(ctx context.Context, out *narrator, opts options) (err error) {
	s := &stage{out: out}
	defer func() {
		out.say("")
		out.say("Stopping everything.")
		err = errors.Join(err, s.close())
	}()
	if err := s.set(ctx, opts.search); err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	p := &play{out: out, stage: s, pause: opts.pause}
	passed := p.perform(ctx)
	if ctx.Err() != nil {
		return errInterrupted
	}
	p.summarize()
	if !opts.once {
		p.leaveRunning(ctx)
	}
	if !passed {
		return errNotSeen
	}
	return nil
}
