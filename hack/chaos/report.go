package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// result is what came of a row.
type result struct {
	row       row
	explained int // events that changes of Pods, or the fault, explain
	strange   int // events that nothing explains
	took      time.Duration
	notes     []string
	err       error
	logs      string // of the controllers, if err is set
}

func (r result) outcome() string {
	if r.err != nil {
		return "FAIL"
	}
	return "pass"
}

// headline is the result in a line, or in several if the row failed.
func (r result) headline() string {
	line := r.outcome() + "  " + r.row.name
	if len(r.notes) > 0 {
		line += ": " + strings.Join(r.notes, "; ")
	}
	if r.err != nil {
		line += fmt.Sprintf("\n%v\n%s", r.err, r.logs)
	}
	return line
}

// printTable prints all results.
func printTable(w io.Writer, results []result) {
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT HAPPENS\tCONSUMERS MAY SEE\tEVENTS\tEXPLAINED\tUNEXPLAINED\tCONVERGED\t")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%.2f s\t%s\n",
			r.row.name, r.row.consumers, r.explained+r.strange, r.explained, r.strange, r.took.Seconds(), r.outcome())
	}
	_ = table.Flush() // w is the terminal
	for _, r := range results {
		for _, note := range r.notes {
			fmt.Fprintf(w, "\n%s: %s", r.row.name, note)
		}
	}
	fmt.Fprintln(w)
}
