package main

import (
	"fmt"
	"slices"
	"time"
)

// latencies returns the time from each cause to the effect on the same key. Within events a
// key has at most one of each. Both are told by watches of their own, so the effect may be
// seen first, and the time is then below zero.
func latencies(events []event, cause, effect kind) []time.Duration {
	caused := map[string]time.Time{}
	for _, e := range events {
		if e.kind == cause {
			caused[e.key] = e.at
		}
	}
	var all []time.Duration
	for _, e := range events {
		if since, ok := caused[e.key]; ok && e.kind == effect {
			all = append(all, e.at.Sub(since))
		}
	}
	return all
}

// spread sums up measured times.
type spread struct {
	n                   int
	least, median, most time.Duration
}

// spreadOf returns the spread of times, in any order. The median of an even number is the
// mean of the two in the middle.
func spreadOf(times []time.Duration) spread {
	if len(times) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(times))
	n := len(sorted)
	return spread{
		n:      n,
		least:  sorted[0],
		median: (sorted[(n-1)/2] + sorted[n/2]) / 2,
		most:   sorted[n-1],
	}
}

// String gives milliseconds, and explains what may surprise.
func (s spread) String() string {
	var text string
	switch s.n {
	case 0:
		return "not measured"
	case 1:
		text = fmt.Sprintf("%.1f ms", milliseconds(s.median))
	default:
		text = fmt.Sprintf("median %.1f ms, min %.1f, max %.1f (%d measured)",
			milliseconds(s.median), milliseconds(s.least), milliseconds(s.most), s.n)
	}
	if s.least < 0 {
		text += "; below 0 where the controller heard of a Pod before the demo did"
	}
	return text
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// readable gives a longer time, for people.
func readable(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.0f ms", milliseconds(d))
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
