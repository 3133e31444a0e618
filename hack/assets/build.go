package assets

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// compile builds programs of p into dir, under the names that go build gives them.
func compile(ctx context.Context, w io.Writer, p pinned, programs []program, dir string) error {
	flags := []string{"-trimpath", "-ldflags", p.ldflags()}
	pkgs := make([]string, 0, len(programs))
	for _, prog := range programs {
		pkgs = append(pkgs, prog.pkg)
	}
	meter := newProgress(w, p.module+" "+p.version)
	stale, err := listStale(ctx, meter, p.dir, flags, pkgs)
	if err != nil {
		return err
	}
	meter.compiling(stale)
	args := append([]string{"build", "-v", "-o", dir + string(filepath.Separator)}, flags...)
	if _, err := run(goCommand(ctx, p.dir, append(args, pkgs...)...), meter); err != nil {
		return err
	}
	meter.done()
	return nil
}

// listStale downloads what pkgs need, and returns the packages which the Go build cache
// does not hold.
func listStale(ctx context.Context, meter *progress, dir string, flags, pkgs []string) ([]string, error) {
	const uncached = `{{if and .Stale (ne .StaleReason "not installed but available in build cache")}}{{.ImportPath}}{{end}}`
	args := append([]string{"list", "-deps", "-f", uncached}, flags...)
	out, err := run(goCommand(ctx, dir, append(args, pkgs...)...), meter)
	if err != nil {
		return nil, err
	}
	return strings.Fields(out), nil
}

// goCommand is the go command in a module of this folder. It is interrupted rather than
// killed, so that the build cache keeps what has been compiled.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// run runs cmd, shows meter what it says, and returns its standard output. An error holds
// the last lines of what it said.
func run(cmd *exec.Cmd, meter *progress) (string, error) {
	var out strings.Builder
	cmd.Stdout = &out
	reader, writer := io.Pipe()
	cmd.Stderr = writer
	tail := make(chan []string, 1)
	go func() { tail <- watch(reader, meter) }()
	err := cmd.Run()
	writer.Close()
	said := <-tail
	if err != nil {
		return "", errors.Join(fmt.Errorf("running go %s: %w", cmd.Args[1], err), errors.New(strings.Join(said, "\n")))
	}
	return out.String(), nil
}

// watch feeds meter the lines of r until r ends, and returns the last of those that meter
// does not understand.
func watch(r io.Reader, meter *progress) []string {
	const keep = 20
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	tick := time.NewTicker(meter.every)
	defer tick.Stop()
	var tail []string
	for {
		select {
		case line, more := <-lines:
			if !more {
				return tail
			}
			if !meter.see(line) {
				tail = append(tail, line)
				tail = tail[max(0, len(tail)-keep):]
			}
		case <-tick.C:
			meter.show()
		}
	}
}
