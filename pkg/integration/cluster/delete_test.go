//go:build cluster

package cluster

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// TestDeleteDuringSavepoint: neither a savepoint that is under way nor a pending request keeps a cluster. The savepoint is
// given a minute.
func TestDeleteDuringSavepoint(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("slow", "--slow-snapshot-millis", "600000")
	wanted.Spec.FlinkProperties["execution.checkpointing.interval"] = "1h"
	job := namespace.Create(t, wanted)
	job.AwaitRunning(t, 1)
	job.Annotate(t, v1beta1.ControlSavepoint)
	job.Await(t, "a savepoint under way", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Savepoint != nil && cluster.Status.Savepoint.State == v1beta1.SavepointStateInProgress
	})
	job.DeleteAll(t)
}

// TestDeleteWithSavepoint deletes a job with a savepoint, which the event tells of, and another cluster goes on from it.
func TestDeleteWithSavepoint(t *testing.T) {
	t.Parallel()
	took := newFigure("", "kubectl delete, with a savepoint -> gone", "", "s")
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("counter", flinkcluster.Pace(paceMillis)...)
	wanted.Spec.Job.DeletionPolicy = v1beta1.DeletionPolicySavepoint
	job := namespace.Create(t, wanted)
	first := job.AwaitRunning(t, 1)
	require.Contains(t, first.Finalizers, v1beta1.Finalizer)
	reached := progress{count: job.AwaitCount(t, first.Status.Components.Job.ID, 1000)}
	began := time.Now()
	job.DeleteAll(t)
	took.addDuration(time.Since(began))
	savepoints := namespace.CompleteSavepoints(t)
	require.Len(t, savepoints, 1)
	// As the guide has it.
	note := namespace.Kubectl(t, "get", "events", "--field-selector", "reason=SavepointSucceeded", "--sort-by", ".metadata.creationTimestamp",
		"--output", "jsonpath={.items[-1:].message}")
	require.Contains(t, note, string(v1beta1.SavepointReasonJobDeletion))
	location := note[strings.LastIndex(note, " ")+1:]
	require.Equal(t, savepoints[0], path.Base(location))

	wanted = namespace.Counter("counter", flinkcluster.Pace(paceMillis)...)
	wanted.Spec.Job.FromSavepoint = location
	recreated := namespace.Create(t, wanted)
	second := recreated.AwaitRunning(t, 1).Status.Components.Job
	require.NotEqual(t, first.Status.Components.Job.ID, second.ID)
	require.Equal(t, location, requireContinued(t, recreated, second.ID, reached).Path)
	recreated.DeleteAll(t)
	require.Len(t, namespace.CompleteSavepoints(t), 1)
}

// TestDeleteWhileSilent stops the process of the JobManager, which then answers nothing and ends by no signal but the last:
// the deletion ends all the same. Of two such clusters one is let go by hand, as the guide has it.
func TestDeleteWhileSilent(t *testing.T) {
	t.Parallel()
	// Silence, the grace period of the pods, and some time for a busy machine.
	const bound = 30*time.Second + 30*time.Second + time.Minute
	took := newFigure("", "kubectl delete, JobManager silent -> gone", "<= 120", "s")
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("silent")
	wanted.Spec.Job.DeletionPolicy = v1beta1.DeletionPolicySavepoint
	wanted.Spec.FlinkProperties["heartbeat.timeout"] = "300000"
	job := namespace.Create(t, wanted)
	job.AwaitRunning(t, 1)
	job.PauseJava(t, job.OnlyPod(t, v1beta1.ComponentJobManager))
	began := time.Now()
	job.DeleteAll(t)
	took.addDuration(time.Since(began))
	require.Less(t, time.Since(began), bound)
	job.AwaitEvent(t, v1beta1.EventDeletionFallback, "does not answer")
	require.Empty(t, namespace.CompleteSavepoints(t))

	job = namespace.Create(t, namespace.Counter("silent"))
	job.AwaitRunning(t, 1)
	job.PauseJava(t, job.OnlyPod(t, v1beta1.ComponentJobManager))
	namespace.Kubectl(t, "delete", "flinkcluster", "silent", "--wait=false")
	job.Await(t, "the deletion", func(cluster *v1beta1.FlinkCluster) bool { return cluster.Status.Lifecycle == v1beta1.LifecycleDeleting })
	namespace.Kubectl(t, "patch", "flinkcluster", "silent", "--type", "merge", "--patch", `{"metadata":{"finalizers":null}}`)
	job.AwaitNothingLeft(t)
}
