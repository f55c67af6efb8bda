//go:build cluster

package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

const (
	// manyClusters is how many clusters run at a time, with two JVMs each.
	manyClusters = 10
	mebibyte     = 1 << 20
)

// BenchmarkCost measures what the operator takes: memory, and requests to the API server.
func BenchmarkCost(b *testing.B) {
	writes := newFigure("writes", "API writes from apply to running, without events", "<= 12", "requests")
	events := newFigure("events", "events from apply to running", "", "requests")
	reads := newFigure("reads", "API reads from apply to running", "", "requests")
	memoryOfOne := newFigure("memory-of-one", "operator resident memory, 1 cluster", "<= 40", "MiB")
	memoryOfMany := newFigure("memory-of-many", fmt.Sprintf("operator resident memory, %d clusters", manyClusters), "<= 45", "MiB")
	idle := newFigure("idle", "API requests in an idle minute and cluster, without lease and watches", "0", "requests")
	for b.Loop() {
		namespace := suite.NewNamespace(b)
		counter := suite.CountRequests(b)
		var jobs []*flinkcluster.Cluster
		for i := range manyClusters {
			before := counter.Now(b)
			job := namespace.Create(b, namespace.Counter(fmt.Sprintf("counter-%d", i), flinkcluster.Pace(100)...))
			job.AwaitRunning(b, 1)
			spent := counter.Now(b).Minus(before)
			writes.add(float64(spent.Writes))
			events.add(float64(spent.Events))
			reads.add(float64(spent.Reads))
			if jobs = append(jobs, job); i == 0 {
				sampleMemory(b, memoryOfOne, 30*time.Second)
			}
		}
		// The last one settles: its first checkpoint is recorded, and the last events are sent.
		window(b, 30*time.Second)
		before := counter.Now(b)
		sampleMemory(b, memoryOfMany, time.Minute)
		spent := counter.Now(b).Minus(before)
		b.Logf("requests in an idle minute with %d clusters: %+v", manyClusters, spent)
		idle.add(float64(spent.Writes+spent.Reads+spent.Events) / manyClusters)
		for _, job := range jobs {
			job.Delete(b)
		}
	}
	measured(b, writes, events, reads, memoryOfOne, memoryOfMany, idle)
}

// sampleMemory reads the operator's resident memory every five seconds.
func sampleMemory(b *testing.B, into *figure, duration time.Duration) {
	b.Helper()
	for range int(duration / (5 * time.Second)) {
		window(b, 5*time.Second)
		bytes, err := suite.Operator.Metric(b.Context(), "process_resident_memory_bytes")
		require.NoError(b, err)
		into.add(bytes / mebibyte)
	}
}
