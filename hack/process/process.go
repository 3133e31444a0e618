package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Command says what to run.
type Command struct {
	Path string
	Args []string
	// Env is the whole environment of the child; nothing is inherited.
	Env []string
	// Log is the file that the child's output is appended to.
	Log string
}

// Process is a child that has been started. Its methods may be called concurrently.
type Process struct {
	name    string
	log     string
	process *os.Process
	ended   chan struct{}
	result  error // how it ended; valid once ended is closed
}

// Start starts a child in a process group of its own, so that an interrupt typed at the
// terminal reaches the parent alone.
func Start(command Command) (*Process, error) {
	name := filepath.Base(command.Path)
	log, err := os.OpenFile(command.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer log.Close()
	cmd := exec.Command(command.Path, command.Args...)
	cmd.Env = append([]string{}, command.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()

	p := &Process{name: name, log: command.Log, ended: make(chan struct{})}
	started := make(chan error)
	go p.run(cmd, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

// run starts the child and waits for it on one thread, because the kernel takes the end of
// the thread that started a child for the end of its parent.
func (p *Process) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	p.process = cmd.Process
	started <- err
	if err != nil {
		return
	}
	p.result = cmd.Wait()
	close(p.ended)
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.ended }

// Alive says whether the child has not ended.
func (p *Process) Alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Signal sends sig. A child that has ended already is no error.
func (p *Process) Signal(sig syscall.Signal) error {
	err := p.process.Signal(sig)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to %s: %w", sig, p.name, err)
	}
	return nil
}

// Kill ends the child at once and returns when it has ended.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.ended
	return nil
}

// Terminate asks the child to end, also if it is stopped, kills it after grace, and returns
// when it has ended.
func (p *Process) Terminate(grace time.Duration) error {
	if err := errors.Join(p.Signal(syscall.SIGTERM), p.Signal(syscall.SIGCONT)); err != nil {
		return err
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.ended:
		return nil
	case <-timer.C:
		return p.Kill()
	}
}

// Explain adds to err how the child ended, if it did, and the last lines of its log.
func (p *Process) Explain(err error) error {
	if !p.Alive() {
		err = fmt.Errorf("%w: %s ended: %s", err, p.name, p.outcome())
	}
	return fmt.Errorf("%w\n--- end of %s ---\n%s", err, p.log, Tail(p.log, tailLines))
}

// outcome tells how the child ended; it may be called once it has.
func (p *Process) outcome() string {
	if p.result == nil {
		return "exit status 0"
	}
	return p.result.Error()
}
