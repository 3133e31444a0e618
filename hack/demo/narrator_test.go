package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuotedWordsPassThroughShell(t *testing.T) {
	words := []string{"plain", "--flag=a/b,c", "", "two words", `{"a":"$HOME"}`, "it's", "*"}
	quoted := make([]string, 0, len(words))
	for _, word := range words {
		quoted = append(quoted, quote(word))
	}
	script := `printf '%s\n' ` + strings.Join(quoted, " ")
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join(words, "\n")+"\n", string(out)); diff != "" {
		t.Errorf("words after the shell (-want +got):\n%s", diff)
	}
}

func TestPlainWordsAreNotQuoted(t *testing.T) {
	const word = "--field-selector=involvedObject.name=user-1"
	if got := quote(word); got != word {
		t.Errorf("quote(%q) = %q", word, got)
	}
}

func TestNarration(t *testing.T) {
	for name, test := range map[string]struct {
		colour bool
		want   string
	}{
		"plain": {false, "\n1/2  A step\n  $ kubectl get 'a b'\n  line 1\n  line 2\n  → 4 keys\n  PASS\n  FAIL\n"},
		"colour": {true, "\n\x1b[1m1/2  A step\x1b[0m\n  \x1b[36m$ kubectl get 'a b'\x1b[0m\n  line 1\n  line 2\n" +
			"  → 4 keys\n  \x1b[32mPASS\x1b[0m\n  \x1b[31mFAIL\x1b[0m\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var told strings.Builder
			n := &narrator{w: &told, colour: test.colour}
			n.title("1/2  A step")
			n.command("kubectl", "get", "a b")
			n.output("line 1\nline 2\n")
			n.output("")
			n.found("4 keys")
			n.verdict(true)
			n.verdict(false)
			if diff := cmp.Diff(test.want, told.String()); diff != "" {
				t.Errorf("narration (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSummaryTellsWhatWasNotReached(t *testing.T) {
	var told strings.Builder
	p := &play{out: &narrator{w: &told}}
	first := p.steps()[0].title
	p.results = []result{{title: first, figures: []string{"a figure"}, err: errNotSeen}}
	p.summarize()
	for _, want := range []string{"  FAIL  " + first + "\n", "  a figure\n", "  ----  " + p.steps()[1].title + ": not reached\n"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("summary lacks %q:\n%s", want, told.String())
		}
	}
	if strings.Contains(told.String(), "PASS") {
		t.Errorf("a step passed that did not run:\n%s", told.String())
	}
}
