package assets

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far a build is: on a terminal in one line that is written over and
// over, elsewhere in a line now and then. It serves one goroutine at a time.
type progress struct {
	w        io.Writer
	what     string
	terminal bool
	every    time.Duration // between two shows
	now      func() time.Time

	start      time.Time
	downloaded int
	stale      map[string]bool // packages to compile; true once compiling
	compiled   int
	counting   bool
}

func newProgress(w io.Writer, what string) *progress {
	p := &progress{w: w, what: what, every: 15 * time.Second, now: time.Now, start: time.Now()}
	if isTerminal(w) {
		p.terminal, p.every = true, 200*time.Millisecond
	}
	return p
}

// isTerminal says whether w is a character device, such as a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// compiling starts counting the packages that have to be compiled.
func (p *progress) compiling(stale []string) {
	p.stale = make(map[string]bool, len(stale))
	for _, pkg := range stale {
		p.stale[pkg] = false
	}
	p.counting = true
	p.show()
}

// see takes a line from the go command, and says whether it was about progress.
func (p *progress) see(line string) bool {
	if strings.HasPrefix(line, "go: downloading ") {
		p.downloaded++
		return true
	}
	seen, known := p.stale[line]
	if known && !seen {
		p.stale[line] = true
		p.compiled++
	}
	return known
}

// String tells how far the build is.
func (p *progress) String() string {
	elapsed := p.now().Sub(p.start).Round(time.Second)
	if !p.counting {
		return fmt.Sprintf("assets: %s: %d modules downloaded, %s", p.what, p.downloaded, elapsed)
	}
	if p.compiled == len(p.stale) {
		return fmt.Sprintf("assets: %s: linking, %s", p.what, elapsed)
	}
	return fmt.Sprintf("assets: %s: %d of %d packages compiled, %s", p.what, p.compiled, len(p.stale), elapsed)
}

// show writes how far the build is.
func (p *progress) show() {
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", p)
		return
	}
	fmt.Fprintln(p.w, p)
}

// done writes the last line.
func (p *progress) done() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintf(p.w, "assets: %s: built in %s\n", p.what, p.now().Sub(p.start).Round(time.Second))
}
