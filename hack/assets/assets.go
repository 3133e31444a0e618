package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options says where else than in the cache folder programs may be found.
type Options struct {
	// Search lists folders in which programs of the right version are looked for before
	// anything is built. Empty entries are ignored.
	Search []string
	// SetupEnvtest has setup-envtest download what it can before the rest is built. It needs
	// the network beyond the module proxy; where that fails, everything is built.
	SetupEnvtest bool
}

// Dir returns the folder that holds all programs, or an error that says how to get them.
// The working directory must be inside the repository.
func Dir() (string, error) {
	l, err := locate(controlPlane())
	if err != nil {
		return "", err
	}
	if missing := l.missing(); len(missing) > 0 {
		return "", fmt.Errorf("%s not in %s: run `make assets`", strings.Join(missing, ", "), l.dir)
	}
	return l.dir, nil
}

// Ensure returns the folder that holds all programs, after finding or building those that
// are missing. It tells w what it does when that takes time, and nothing when nothing is
// missing. The working directory must be inside the repository.
func Ensure(ctx context.Context, w io.Writer, opts Options) (string, error) {
	l, err := locate(controlPlane())
	if err != nil {
		return "", err
	}
	return l.dir, l.ensure(ctx, w, opts)
}

// Etcd returns the path of an etcd server of an older minor version, "3.5" or "3.6", after
// building it if it is missing. The working directory must be inside the repository.
func Etcd(ctx context.Context, version string) (string, error) {
	folders := map[string]string{"3.5": "etcd35", "3.6": "etcd36"}
	folder, ok := folders[version]
	if !ok {
		return "", fmt.Errorf("etcd version %q is neither 3.5 nor 3.6", version)
	}
	l, err := locate([]source{etcdServer(folder)})
	if err != nil {
		return "", err
	}
	return filepath.Join(l.dir, "etcd"), l.ensure(ctx, io.Discard, Options{})
}

// controlPlane lists what the local control plane consists of. The first names the folder.
func controlPlane() []source { return []source{kubernetes(), etcd(), kwok()} }

// location is a cache folder and what belongs into it.
type location struct {
	dir     string
	sources []pinned
}

// locate works out the cache folder of sources without touching it.
func locate(sources []source) (location, error) {
	root, err := repository()
	if err != nil {
		return location{}, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return location{}, fmt.Errorf("locating the cache folder: %w", err)
	}
	var l location
	contents := append(stageFiles(), platform())
	for _, s := range sources {
		p, err := s.pin(root)
		if err != nil {
			return location{}, err
		}
		l.sources = append(l.sources, p)
		contents = append(contents, p.content, p.ldflags())
	}
	key := folderKey(sources[0].folder, l.sources[0].version, contents...)
	l.dir = filepath.Join(cache, "causeway", "assets", key)
	return l, nil
}

// repository returns the root of the repository that the working directory is in.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("locating the repository: %w", err)
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "hack", "assets", "kubernetes", "go.mod"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("locating the repository: %w", err)
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("locating the repository: the working directory is not inside it")
		}
		dir = filepath.Dir(dir)
	}
}

// missing names, in a fixed order, what is not yet in the folder.
func (l location) missing() []string {
	var names []string
	for _, p := range l.sources {
		for _, prog := range p.absent(l.dir) {
			names = append(names, prog.name)
		}
	}
	if l.wantsStages() && !exists(filepath.Join(l.dir, StagesFile)) {
		names = append(names, StagesFile)
	}
	return names
}

// wantsStages says whether kwok, and so its stages, belong into the folder.
func (l location) wantsStages() bool {
	return slices.ContainsFunc(l.sources, func(p pinned) bool { return p.module == kwokModule })
}

// absent lists the programs of p that are not in dir.
func (p pinned) absent(dir string) []program {
	return slices.DeleteFunc(slices.Clone(p.programs), func(prog program) bool {
		return exists(filepath.Join(dir, prog.name))
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
