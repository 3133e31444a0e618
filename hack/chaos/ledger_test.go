package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script    string // "+state" is wanted, "=state" is seen, "." settles; "-" is absent
		explained int
		strange   int
	}{
		"each change is seen":            {"+1 =1 +- =- +2 =2", 3, 0},
		"changes passed over":            {"+1 =1 +- +2 +3 =3", 2, 0},
		"seen late, in order":            {"+1 +- +2 =1 =- =2", 3, 0},
		"repeated":                       {"+1 =1 =1", 1, 1},
		"wrong value":                    {"+1 =2", 0, 1},
		"before it was wanted":           {"=1 +1", 0, 1},
		"back to an earlier value":       {"+1 =1 +2 =2 =1", 2, 1},
		"out of order":                   {"+1 +2 =2 =1", 1, 1},
		"lost and repaired":              {"+1 =1 =- =1", 1, 2},
		"passed over, after quiet":       {"+1 =1 +- +1 . =- =1", 1, 2},
		"passed over, without quiet":     {"+1 =1 +- +1 =- =1", 3, 0},
		"deleted though it was never so": {"+- =-", 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			explained, strange := enact(tt.script).verdict()
			if explained != tt.explained || len(strange) != tt.strange {
				t.Errorf("%d events explained and %q not, want %d and %d", explained, strange, tt.explained, tt.strange)
			}
		})
	}
}

func TestLedgerPending(t *testing.T) {
	t.Parallel()
	l := enact("+1 =1")
	l.expect("other", "x")
	middle := time.Now()
	l.expect("late", "y")
	if diff := cmp.Diff([]string{"other"}, l.pending(middle)); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"key": "1", "other": "x", "late": "y"}, l.wanted()); diff != "" {
		t.Errorf("wanted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"key": "1"}, l.held()); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
}

func TestLedgerExpectsLossOnce(t *testing.T) {
	t.Parallel()
	l := enact("+1 =1")
	l.expectLoss()
	for range 2 {
		l.observe("key", absent)
		l.observe("key", "1")
	}
	if explained, strange := l.verdict(); explained != 3 || len(strange) != 2 {
		t.Errorf("%d events explained and %q not, want 3 and 2", explained, strange)
	}
}

func enact(script string) *ledger {
	l := newLedger()
	for word := range strings.FieldsSeq(script) {
		state := strings.TrimPrefix(word[1:], "-")
		switch word[0] {
		case '+':
			l.expect("key", state)
		case '=':
			l.observe("key", state)
		case '.':
			l.settle()
		}
	}
	return l
}
