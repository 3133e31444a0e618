package assets

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// lookUp returns the path of prog in the first folder of search that has it in the right
// version, or "".
func lookUp(ctx context.Context, prog program, version string, search []string) string {
	for _, dir := range search {
		path := filepath.Join(dir, prog.name)
		if dir != "" && exists(path) && hasVersion(ctx, path, prog.versionArgs, version) {
			return path
		}
	}
	return ""
}

// hasVersion asks the program at path for its version. One that cannot be run has none.
func hasVersion(ctx context.Context, path string, args []string, version string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).Output()
	return err == nil && mentionsVersion(string(out), version)
}

// copyProgram copies an executable, following links.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
