package cli

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/spf13/pflag"
)

// operations returns the lines of the page that operators read.
func operations(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(page), "\n")
}

// The table of flags says what `causeway controller --help` says.
func TestFlagsAreDocumented(t *testing.T) {
	t.Parallel()
	page := operations(t)
	var rows []string
	newController("test").LocalFlags().VisitAll(func(f *pflag.Flag) {
		row := flagRow(f)
		rows = append(rows, row)
		if !slices.Contains(page, row) {
			t.Errorf("docs/operations.md lacks the row:\n%s", row)
		}
	})
	for _, line := range page {
		if strings.HasPrefix(line, "| `--") && strings.Contains(line, " | `CAUSEWAY_") && !slices.Contains(rows, line) {
			t.Errorf("docs/operations.md has a row that is no flag:\n%s", line)
		}
	}
}

func flagRow(f *pflag.Flag) string {
	value := f.DefValue
	if strings.HasSuffix(f.Value.Type(), "Slice") {
		value = strings.Trim(value, "[]")
	}
	if value != "" {
		value = code(value)
	}
	usage := strings.TrimSuffix(f.Usage, " [$"+variable(f.Name)+"]")
	return fmt.Sprintf("| %s | %s | %s | %s |", code("--"+f.Name), code(variable(f.Name)), value, usage)
}

// code is a word in Markdown that is not prose.
func code(word string) string { return "`" + word + "`" }

// The table of metrics names every metric with its labels, its type, and the kinds that it
// counts, and the page names no other.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	page := operations(t)
	families := servedMetrics(t)
	for _, family := range families {
		start := metricRow(family)
		i := slices.IndexFunc(page, func(line string) bool { return strings.HasPrefix(line, start) })
		if i < 0 {
			t.Errorf("docs/operations.md lacks a row that starts with:\n%s", start)
			continue
		}
		for _, kind := range labelValues(family, "kind") {
			if !strings.Contains(page[i], code(kind)) {
				t.Errorf("the row of %s lacks the kind %q", family.GetName(), kind)
			}
		}
	}
	for _, name := range regexp.MustCompile(`causeway_[a-z_]+`).FindAllString(strings.Join(page, "\n"), -1) {
		if !slices.ContainsFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name }) {
			t.Errorf("docs/operations.md names %s, which is no metric", name)
		}
	}
}

// servedMetrics returns what a run has registered once it has a mirror.
func servedMetrics(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	o, s, err := parse(t, "--cluster-id=test", "--etcd-endpoints=http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	client, err := o.etcd.client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	c := newRun("test", o, s, discard())
	if _, err := c.newMirror(client); err != nil {
		t.Fatal(err)
	}
	families, err := c.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func metricRow(family *dto.MetricFamily) string {
	var labels []string
	for _, label := range family.Metric[0].Label {
		labels = append(labels, label.GetName())
	}
	name := family.GetName()
	if len(labels) > 0 {
		name += "{" + strings.Join(labels, ",") + "}"
	}
	return fmt.Sprintf("| %s | %s | ", code(name), strings.ToLower(family.GetType().String()))
}

func labelValues(family *dto.MetricFamily, name string) []string {
	var values []string
	for _, metric := range family.Metric {
		for _, label := range metric.Label {
			if label.GetName() == name {
				values = append(values, label.GetValue())
			}
		}
	}
	return values
}
