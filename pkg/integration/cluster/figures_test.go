//go:build cluster

package cluster

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// figure is one line of the table that is printed at the end.
type figure struct {
	measure string
	// short names the figure in the line that go test prints for a benchmark.
	short string
	// target of the project, in words.
	target string
	unit   string
	values []float64
}

var (
	// figuresLock is for tests that run at a time, also for their values.
	figuresLock sync.Mutex
	figures     []*figure
)

// newFigure adds a line to the table.
func newFigure(short, measure, target, unit string) *figure {
	figuresLock.Lock()
	defer figuresLock.Unlock()
	added := &figure{short: short, measure: measure, target: target, unit: unit}
	figures = append(figures, added)
	return added
}

func (f *figure) add(values ...float64) {
	figuresLock.Lock()
	defer figuresLock.Unlock()
	f.values = append(f.values, values...)
}

func (f *figure) addDuration(duration time.Duration) {
	switch f.unit {
	case "ms":
		f.add(float64(duration.Microseconds()) / 1000)
	default:
		f.add(duration.Seconds())
	}
}

func (f *figure) median() float64 {
	sorted := slices.Sorted(slices.Values(f.values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// measured reports figures as the benchmark's, too; the time of the whole benchmark means nothing.
func measured(b *testing.B, reported ...*figure) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	for _, figure := range reported {
		if len(figure.values) > 0 {
			b.ReportMetric(figure.median(), figure.short+"-"+figure.unit)
		}
	}
}

// skipped are the tests that the machine could not run: in the long output of all tests nobody would see it.
var (
	skippedMutex sync.Mutex
	skipped      []string
)

// skip skips a test and has it said at the end.
func skip(t *testing.T, reason string) {
	t.Helper()
	skippedMutex.Lock()
	skipped = append(skipped, t.Name()+": "+reason)
	skippedMutex.Unlock()
	t.Skip(reason)
}

func printSkipped() {
	for _, line := range skipped {
		fmt.Println("SKIPPED", line)
	}
}

func printFigures() {
	if len(figures) == 0 {
		return
	}
	lines := []string{"\nMEASURE\tTARGET\tMEDIAN\tWORST\tN\tUNIT"}
	for _, figure := range figures {
		if len(figure.values) == 0 {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%s", figure.measure, figure.target,
			number(figure.median()), number(slices.Max(figure.values)), len(figure.values), figure.unit))
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	// Where standard output cannot be written to, nobody reads.
	_, _ = table.Write([]byte(strings.Join(lines, "\n") + "\n"))
	_ = table.Flush()
}

func number(value float64) string {
	decimals := 1
	if value == float64(int64(value)) {
		decimals = 0
	}
	return strconv.FormatFloat(value, 'f', decimals, 64)
}

// window waits for a time in which something is measured.
func window(b *testing.B, duration time.Duration) {
	b.Helper()
	select {
	case <-time.After(duration):
	case <-b.Context().Done():
	}
}
