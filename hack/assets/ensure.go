package assets

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ensure brings what is missing into the folder.
func (l location) ensure(ctx context.Context, w io.Writer, opts Options) error {
	if len(l.missing()) == 0 {
		return nil
	}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return fmt.Errorf("creating the cache folder: %w", err)
	}
	unlock, err := lock(ctx, w, filepath.Join(l.dir, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()

	missing := l.missing() // another process may have been at work
	if len(missing) == 0 {
		return nil
	}
	start := time.Now()
	fmt.Fprintf(w, "assets: %s missing in %s\n", strings.Join(missing, ", "), l.dir)
	if err := l.fill(ctx, w, opts); err != nil {
		return err
	}
	fmt.Fprintf(w, "assets: complete in %s after %s\n", l.dir, time.Since(start).Round(time.Second))
	return nil
}

// fill finds or builds each program, in a folder of its own until it is whole.
func (l location) fill(ctx context.Context, w io.Writer, opts Options) error {
	staging := filepath.Join(l.dir, ".staging")
	if err := os.RemoveAll(staging); err != nil { // of a run that was killed
		return fmt.Errorf("emptying the cache folder: %w", err)
	}
	if err := os.Mkdir(staging, 0o755); err != nil {
		return fmt.Errorf("creating the cache folder: %w", err)
	}
	defer os.RemoveAll(staging)

	search := slices.Clone(opts.Search)
	if opts.SetupEnvtest {
		search = append(search, setupEnvtest(ctx, w, l)...)
	}
	for _, p := range l.sources {
		if err := l.find(ctx, w, p, search, staging); err != nil {
			return err
		}
		if err := l.build(ctx, w, p, staging); err != nil {
			return err
		}
	}
	if !l.wantsStages() {
		return nil
	}
	return l.copyStages(ctx, staging)
}

// find copies those absent programs of p that lie in a folder of search.
func (l location) find(ctx context.Context, w io.Writer, p pinned, search []string, staging string) error {
	for _, prog := range p.absent(l.dir) {
		found := lookUp(ctx, prog, p.version, search)
		if found == "" {
			continue
		}
		fmt.Fprintf(w, "assets: %s %s found in %s\n", prog.name, p.version, filepath.Dir(found))
		staged := filepath.Join(staging, prog.name)
		if err := copyProgram(found, staged); err != nil {
			return fmt.Errorf("copying %s: %w", found, err)
		}
		if err := l.publish(staged, prog.name); err != nil {
			return err
		}
	}
	return nil
}

// build compiles the absent programs of p.
func (l location) build(ctx context.Context, w io.Writer, p pinned, staging string) error {
	absent := p.absent(l.dir)
	if len(absent) == 0 {
		return nil
	}
	if err := compile(ctx, w, p, absent, staging); err != nil {
		return fmt.Errorf("building %s %s: %w", p.module, p.version, err)
	}
	for _, prog := range absent {
		if err := l.publish(filepath.Join(staging, prog.built), prog.name); err != nil {
			return err
		}
	}
	return nil
}

// publish moves a whole file to its name in the folder.
func (l location) publish(staged, name string) error {
	if err := os.Rename(staged, filepath.Join(l.dir, name)); err != nil {
		return fmt.Errorf("publishing %s: %w", name, err)
	}
	return nil
}
