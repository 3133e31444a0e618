package assets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// requiredVersion returns the version at which a go.mod file requires module.
func requiredVersion(gomod, module string) (string, error) {
	for line := range strings.Lines(gomod) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && fields[0] == module && strings.HasPrefix(fields[1], "v") {
			return fields[1], nil
		}
	}
	return "", fmt.Errorf("no requirement of %s in its go.mod", module)
}

// majorMinor splits "v1.36.3" into "1" and "36".
func majorMinor(version string) (major, minor string) {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ = strings.Cut(rest, ".")
	return major, minor
}

// folderKey names a folder of programs: readable by the version that matters most, and
// unique by everything that decides what is in it.
func folderKey(label, version string, contents ...string) string {
	sum := sha256.New()
	for _, c := range contents {
		fmt.Fprintf(sum, "%d:%s", len(c), c)
	}
	return label + "-" + version + "-" + hex.EncodeToString(sum.Sum(nil))[:8]
}

// mentionsVersion says whether what a program prints about itself names exactly version,
// with or without the leading v.
func mentionsVersion(output, version string) bool {
	bare := strings.TrimPrefix(version, "v")
	for word := range strings.FieldsSeq(output) {
		if strings.TrimPrefix(word, "v") == bare {
			return true
		}
	}
	return false
}

// pinned is a source together with what its go.mod and go.sum say.
type pinned struct {
	source
	dir     string // that holds its go.mod
	version string
	content string // of go.mod and go.sum
}

// pin reads what the module of s in repository root pins.
func (s source) pin(root string) (pinned, error) {
	dir := filepath.Join(root, "hack", "assets", s.folder)
	gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return pinned{}, fmt.Errorf("reading pinned versions: %w", err)
	}
	gosum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return pinned{}, fmt.Errorf("reading pinned versions: %w", err)
	}
	version, err := requiredVersion(string(gomod), s.module)
	if err != nil {
		return pinned{}, fmt.Errorf("reading %s: %w", dir, err)
	}
	return pinned{source: s, dir: dir, version: version, content: string(gomod) + string(gosum)}, nil
}

// ldflags are the linker flags of the programs of p.
func (p pinned) ldflags() string {
	flags := []string{"-s", "-w"}
	set := func(vars []string, value string) {
		for _, name := range vars {
			flags = append(flags, "-X", name+"="+value)
		}
	}
	major, minor := majorMinor(p.version)
	set(p.versionVars, p.version)
	set(p.majorVars, major)
	set(p.minorVars, minor)
	return strings.Join(flags, " ")
}
