package assets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// StagesFile is the file beside the programs that kwok takes as --config: the stages that
// make every node ready, and every Pod on a node ready at once and gone when it is deleted.
const StagesFile = "kwok-stages.yaml"

const kwokModule = "sigs.k8s.io/kwok"

// stageFiles are the parts of StagesFile, below the stages of kwok's own module.
func stageFiles() []string {
	return []string{
		"node/fast/node-initialize.yaml",
		"pod/fast/pod-ready.yaml",
		"pod/fast/pod-complete.yaml",
		"pod/fast/pod-delete.yaml",
	}
}

// copyStages puts the stages that kwok's module carries into one file of the folder.
func (l location) copyStages(ctx context.Context, staging string) error {
	for _, p := range l.sources {
		if p.module != kwokModule {
			continue
		}
		dir, err := moduleDir(ctx, p)
		if err != nil {
			return err
		}
		stages, err := joinFiles(filepath.Join(dir, "kustomize", "stage"), stageFiles())
		if err != nil {
			return fmt.Errorf("copying the stages of kwok: %w", err)
		}
		staged := filepath.Join(staging, StagesFile)
		if err := os.WriteFile(staged, []byte(stages), 0o644); err != nil {
			return fmt.Errorf("copying the stages of kwok: %w", err)
		}
		return l.publish(staged, StagesFile)
	}
	return nil
}

// joinFiles returns the YAML documents of several files below dir.
func joinFiles(dir string, names []string) (string, error) {
	var docs []string
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return "", err
		}
		docs = append(docs, strings.TrimSpace(string(content))+"\n")
	}
	return strings.Join(docs, "---\n"), nil
}

// moduleDir returns where the go command keeps the module of p.
func moduleDir(ctx context.Context, p pinned) (string, error) {
	out, err := goCommand(ctx, p.dir, "list", "-m", "-f", "{{.Dir}}", p.module).Output()
	if err != nil {
		return "", fmt.Errorf("locating module %s: %w", p.module, err)
	}
	return strings.TrimSpace(string(out)), nil
}
