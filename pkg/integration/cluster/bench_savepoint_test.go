//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// repeats is how often is measured what repeats.
const repeats = 10

// withoutCheckpoints makes Flink's history, which holds ten snapshots, one of savepoints. Flink takes the first
// checkpoint at a random moment of the interval.
func withoutCheckpoints(cluster *v1beta1.FlinkCluster) *v1beta1.FlinkCluster {
	cluster.Spec.FlinkProperties["execution.checkpointing.interval"] = "1000h"
	return cluster
}

// BenchmarkSavepoint measures from the annotation to the savepoint, on the clock of one machine.
func BenchmarkSavepoint(b *testing.B) {
	sent := newFigure("sent-to-trigger", "annotate sent -> savepoint triggered at Flink", "", "ms")
	accepted := newFigure("accepted-to-trigger", "annotate accepted -> savepoint triggered at Flink", "<= 30 median, <= 100 worst", "ms")
	visible := newFigure("accepted-to-status", "annotate accepted -> success with location in status", "<= 1000", "ms")
	made := newFigure("made", fmt.Sprintf("savepoints made for %d requests", repeats), fmt.Sprint(repeats), "savepoints")
	namespace := suite.NewNamespace(b)
	job := namespace.Create(b, withoutCheckpoints(namespace.Counter("counter")))
	id := job.AwaitRunning(b, 1).Status.Components.Job.ID
	for b.Loop() {
		before := len(namespace.SavepointFolders(b))
		for range repeats {
			began := time.Now()
			request := job.Annotate(b, v1beta1.ControlSavepoint)
			annotated := time.Now()
			location, seen := awaitSuccess(b, job, request)
			triggered := triggerTime(b, job, id, location)
			sent.addDuration(triggered.Sub(began))
			accepted.addDuration(triggered.Sub(annotated))
			visible.addDuration(seen.Sub(annotated))
		}
		made.add(float64(len(namespace.SavepointFolders(b)) - before))
	}
	measured(b, sent, accepted, visible, made)
	job.DeleteAll(b)
}

// awaitSuccess returns the location of the savepoint of a request, and when the status was seen to have it.
func awaitSuccess(b *testing.B, job *flinkcluster.Cluster, request int64) (string, time.Time) {
	b.Helper()
	var seen time.Time
	cluster := job.Await(b, "the savepoint", func(cluster *v1beta1.FlinkCluster) bool {
		slot := cluster.Status.Savepoint
		seen = time.Now()
		return slot != nil && slot.Request == request && slot.State == v1beta1.SavepointStateSucceeded
	})
	job.AwaitControl(b, request)
	return cluster.Status.Components.Job.SavepointLocation, seen
}

// triggerTime reads from Flink when it began a savepoint.
func triggerTime(b *testing.B, job *flinkcluster.Cluster, id, location string) time.Time {
	b.Helper()
	var triggered time.Time
	flinkcluster.Eventually(b, "the savepoint in Flink's statistics", func(ctx context.Context) error {
		checkpoints, err := job.ReadCheckpoints(ctx, id)
		if err != nil {
			return err
		}
		savepoints := checkpoints.Savepoints()
		i := slices.IndexFunc(savepoints, func(savepoint flinkcluster.Snapshot) bool { return savepoint.Path == location })
		if i < 0 {
			return fmt.Errorf("%s is not among %d", location, len(savepoints))
		}
		triggered = time.UnixMilli(savepoints[i].Triggered)
		return nil
	})
	return triggered
}

// BenchmarkSavepointOperatorKilled kills the operator after each request, at moments spread over 1.5 seconds.
func BenchmarkSavepointOperatorKilled(b *testing.B) {
	const requests, spread = 8, 1500 * time.Millisecond
	made := newFigure("made-with-kills", fmt.Sprintf("savepoints made for %d requests, operator killed after each", requests), fmt.Sprint(requests), "savepoints")
	succeeded := newFigure("reported-with-kills", "of these requests, reported as succeeded", fmt.Sprint(requests), "requests")
	namespace := suite.NewNamespace(b)
	// A savepoint takes a second, so that kills hit before, in and after it.
	job := namespace.Create(b, withoutCheckpoints(namespace.Counter("counter", "--slow-snapshot-millis", "500")))
	job.AwaitRunning(b, 1)
	for b.Loop() {
		good := 0
		for i := range requests {
			require.NoError(b, suite.Operator.AwaitLeading(b.Context()))
			killer, err := suite.Operator.ArmKiller(b.Context())
			require.NoError(b, err)
			request := job.Annotate(b, v1beta1.ControlSavepoint)
			window(b, time.Duration(i)*spread/(requests-1))
			require.NoError(b, killer.Kill(b.Context()))
			if job.AwaitControl(b, request).Status.Control.State == v1beta1.ControlStateSucceeded {
				good++
			}
		}
		made.add(float64(len(namespace.SavepointFolders(b))))
		succeeded.add(float64(good))
	}
	measured(b, made, succeeded)
	job.DeleteAll(b)
}
