package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// tools runs the command line tools that a user would, and shows each command and what it
// prints. It serves one goroutine.
type tools struct {
	out      *narrator
	programs string   // folder of kubectl and etcdctl
	env      []string // whole environment of the tools
}

// kubectl runs kubectl as the administrator.
func (t *tools) kubectl(ctx context.Context, args ...string) (string, error) {
	return t.run(ctx, "kubectl", args...)
}

// etcdctl runs etcdctl on the etcd for discovery.
func (t *tools) etcdctl(ctx context.Context, args ...string) (string, error) {
	return t.run(ctx, "etcdctl", args...)
}

// run returns what the tool wrote on standard output. Its exit code, if not 0, comes as an
// error with what it wrote on standard error.
func (t *tools) run(ctx context.Context, name string, args ...string) (string, error) {
	t.out.command(append([]string{name}, args...)...)
	command := exec.CommandContext(ctx, filepath.Join(t.programs, name), args...)
	command.Env = t.env
	shield(command)
	output, err := command.Output()
	t.out.output(string(output))
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return string(output), fmt.Errorf("running %s %s: %w", name, args[0], err)
	}
	return string(output), nil
}

// shield keeps a Ctrl-C at the terminal from reaching the command: this program decides
// what to end, and when.
func shield(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
