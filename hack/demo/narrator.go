package main

import (
	"fmt"
	"io"
	"strings"
)

// narrator tells a spectator what happens. It serves one goroutine.
type narrator struct {
	w      io.Writer
	colour bool
}

// Colours of the terminal.
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	cyan  = "36"
)

func (n *narrator) paint(colour, text string) string {
	if !n.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// say writes a line.
func (n *narrator) say(format string, args ...any) {
	fmt.Fprintf(n.w, format+"\n", args...)
}

// title opens a step.
func (n *narrator) title(text string) {
	n.say("\n%s", n.paint(bold, text))
}

// command shows a command before it runs, in a form that a shell takes.
func (n *narrator) command(words ...string) {
	quoted := make([]string, 0, len(words))
	for _, word := range words {
		quoted = append(quoted, quote(word))
	}
	n.say("  %s", n.paint(cyan, "$ "+strings.Join(quoted, " ")))
}

// output shows what a command printed.
func (n *narrator) output(text string) {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		n.say("  %s", line)
	}
}

// event shows what was seen, and when.
func (n *narrator) event(e event) {
	n.say("  %s  %s", n.paint(dim, e.at.Format("15:04:05.000")), e)
}

// found shows a figure.
func (n *narrator) found(text string) {
	n.say("  → %s", text)
}

// verdict closes a step.
func (n *narrator) verdict(passed bool) {
	n.say("  %s", n.verdictWord(passed))
}

func (n *narrator) verdictWord(passed bool) string {
	if passed {
		return n.paint(green, "PASS")
	}
	return n.paint(red, "FAIL")
}

// quote makes a word safe for a POSIX shell, and leaves alone what is so already.
func quote(word string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+/.,:@%"
	if word != "" && strings.Trim(word, safe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
