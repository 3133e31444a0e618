package assets

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProgressCounts(t *testing.T) {
	start := time.Now()
	var out bytes.Buffer
	p := newProgress(&out, "mod v1")
	p.start = start
	p.now = func() time.Time { return start.Add(42 * time.Second) }

	var got []string
	for _, step := range []func(){
		func() {},
		func() { p.see("go: downloading example.com/x v1.0.0") },
		func() { p.compiling([]string{"fmt", "example.com/x"}) },
		func() { p.see("fmt"); p.see("fmt") },
		func() { p.see("not/stale") },
		func() { p.see("example.com/x") },
	} {
		step()
		got = append(got, strings.TrimPrefix(p.String(), "assets: mod v1: "))
	}
	want := []string{
		"0 modules downloaded, 42s",
		"1 modules downloaded, 42s",
		"0 of 2 packages compiled, 42s",
		"1 of 2 packages compiled, 42s",
		"1 of 2 packages compiled, 42s",
		"linking, 42s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestProgressShows(t *testing.T) {
	for name, test := range map[string]struct {
		terminal bool
		want     string
	}{
		"file": {false, "assets: m: 0 modules downloaded, 0s\nassets: m: built in 0s\n"},
		"terminal": {
			true,
			"\r\x1b[Kassets: m: 0 modules downloaded, 0s\r\x1b[Kassets: m: built in 0s\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			p := newProgress(&out, "m")
			p.terminal = test.terminal
			p.now = func() time.Time { return p.start }
			p.show()
			p.done()
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWatchKeepsWhatIsNoProgress(t *testing.T) {
	p := newProgress(new(bytes.Buffer), "m")
	p.compiling([]string{"fmt"})
	said := "go: downloading example.com/x v1.0.0\nfmt\n# example.com/x\nx.go:1: undefined: y\n"
	got := watch(strings.NewReader(said), p)
	if diff := cmp.Diff([]string{"# example.com/x", "x.go:1: undefined: y"}, got); diff != "" {
		t.Errorf("tail (-want +got):\n%s", diff)
	}
	if p.compiled != 1 || p.downloaded != 1 {
		t.Errorf("%d compiled and %d downloaded, want 1 and 1", p.compiled, p.downloaded)
	}
}
