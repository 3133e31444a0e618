package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock returns a moment so many milliseconds after the start of a test's time.
func clock(ms int) time.Time {
	return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond)
}

func TestLatenciesPairByKey(t *testing.T) {
	events := []event{
		{at: clock(0), kind: podServes, key: "a"},
		{at: clock(1), kind: podServes, key: "b"},
		{at: clock(2), kind: keyCreated, key: "c"}, // seen before its Pod
		{at: clock(3), kind: keyCreated, key: "b"},
		{at: clock(5), kind: podServes, key: "c"},
		{at: clock(7), kind: keyCreated, key: "a"},
		{at: clock(8), kind: keyDeleted, key: "a"},
		{at: clock(9), kind: keyCreated, key: "stray"},
	}
	want := []time.Duration{-3 * time.Millisecond, 2 * time.Millisecond, 7 * time.Millisecond}
	if diff := cmp.Diff(want, latencies(events, podServes, keyCreated)); diff != "" {
		t.Errorf("latencies (-want +got):\n%s", diff)
	}
}

func TestSpread(t *testing.T) {
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		times []time.Duration
		want  string
	}{
		"none":      {nil, "not measured"},
		"one":       {[]time.Duration{1500 * time.Microsecond}, "1.5 ms"},
		"odd":       {[]time.Duration{9 * ms, 1 * ms, 2 * ms}, "median 2.0 ms, min 1.0, max 9.0 (3 measured)"},
		"even":      {[]time.Duration{4 * ms, 1 * ms, 2 * ms, 9 * ms}, "median 3.0 ms, min 1.0, max 9.0 (4 measured)"},
		"below 0":   {[]time.Duration{-1 * ms}, "-1.0 ms; below 0 where the controller heard of a Pod before the demo did"},
		"identical": {[]time.Duration{ms, ms}, "median 1.0 ms, min 1.0, max 1.0 (2 measured)"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, spreadOf(test.times).String()); diff != "" {
				t.Errorf("spread (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSpreadLeavesItsInputAlone(t *testing.T) {
	times := []time.Duration{3, 1, 2}
	spreadOf(times)
	if diff := cmp.Diff([]time.Duration{3, 1, 2}, times); diff != "" {
		t.Errorf("times (-before +after):\n%s", diff)
	}
}

func TestReadable(t *testing.T) {
	for d, want := range map[time.Duration]string{
		34 * time.Millisecond:    "34 ms",
		10049 * time.Millisecond: "10.0 s",
	} {
		if got := readable(d); got != want {
			t.Errorf("readable(%v) = %q, want %q", d, got, want)
		}
	}
}
