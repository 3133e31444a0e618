package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/causeway-io/causeway/hack/controlplane"
)

// stage is what rows share: the program under test, and a kube-apiserver.
type stage struct {
	dir    string
	binary string
	plane  *controlplane.ControlPlane
}

// newStage builds the program and starts a kube-apiserver.
func newStage(ctx context.Context) (*stage, error) {
	dir, err := os.MkdirTemp("", "causeway-chaos-")
	if err != nil {
		return nil, fmt.Errorf("creating a folder: %w", err)
	}
	st := &stage{dir: dir, binary: filepath.Join(dir, "causeway")}
	if err := st.set(ctx); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return st, nil
}

func (st *stage) set(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", st.binary, "github.com/causeway-io/causeway")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, out)
	}
	var err error
	st.plane, err = startPlane(ctx, filepath.Join(st.dir, "plane"))
	return err
}

func startPlane(ctx context.Context, dir string) (*controlplane.ControlPlane, error) {
	plane, err := controlplane.Start(ctx, controlplane.Options{APIServerOnly: true, Dir: dir})
	if err != nil {
		return nil, fmt.Errorf("starting the control plane: %w", err)
	}
	return plane, nil
}

// close ends what newStage started.
func (st *stage) close() error {
	var err error
	if st.plane != nil {
		err = st.plane.Stop()
	}
	return errors.Join(err, os.RemoveAll(st.dir))
}

// play plays one row from an empty scene to its verdict.
func (st *stage) play(ctx context.Context, r row) result {
	ctx, cancel := context.WithTimeoutCause(ctx, r.patience(), fmt.Errorf("the row took longer than %v", r.patience()))
	defer cancel()
	s := newScene(st, r)
	err := s.perform(ctx)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return s.conclude(err)
}
