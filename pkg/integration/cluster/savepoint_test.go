//go:build cluster

package cluster

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// testAnnotation is the savepoints guide, word by word.
func (r *running) testAnnotation(t *testing.T) {
	for range 2 {
		r.generation++
		r.namespace.Kubectl(t, "annotate", "flinkclusters", "counter", "flinkclusters.flinkoperator.k8s.io/user-control=savepoint")
		cluster := r.AwaitControl(t, int64(r.generation))
		job, control := cluster.Status.Components.Job, cluster.Status.Control
		assert.Equal(t, r.generation, job.SavepointGeneration)
		assert.Equal(t, r.jobID, job.ID)
		assert.Equal(t, v1beta1.JobStateRunning, job.State)
		assert.True(t, strings.HasPrefix(job.SavepointLocation, "file:/flink-data/savepoints/savepoint-"), job.SavepointLocation)
		assert.NotNil(t, job.LastSavepointTime)
		assert.Equal(t, "savepoint", control.Name)
		assert.Equal(t, v1beta1.ControlStateSucceeded, control.State)
		assert.Equal(t, map[string]string{"jobID": r.jobID, "savepointTriggerID": job.LastSavepointTriggerID}, control.Details)
		assert.Equal(t, v1beta1.SavepointStateSucceeded, cluster.Status.Savepoint.State)
		assert.Equal(t, job.LastSavepointTriggerID, cluster.Status.Savepoint.TriggerID)
		folders := r.namespace.SavepointFolders(t)
		require.Len(t, folders, int(r.generation))
		assert.Contains(t, folders, path.Base(job.SavepointLocation))
		r.AwaitEvent(t, v1beta1.EventSavepointSucceeded, job.SavepointLocation)
	}
	described := r.namespace.Kubectl(t, "describe", "flinkclusters", "counter")
	for _, line := range []string{"Savepoint Generation:", "Savepoint Location:", "Last Savepoint Trigger ID:", "Last Savepoint Time:", "Savepoint Trigger ID:"} {
		assert.Contains(t, described, line)
	}
}

func (r *running) testTenAnnotations(t *testing.T) {
	for range 10 {
		cluster := r.AwaitControl(t, r.Annotate(t, v1beta1.ControlSavepoint))
		require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
		r.generation++
		require.Equal(t, r.generation, cluster.Status.Components.Job.SavepointGeneration)
	}
	assert.Len(t, r.namespace.SavepointFolders(t), int(r.generation))
}

func (r *running) testGeneration(t *testing.T) {
	asked := r.generation + 1
	r.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.SavepointGeneration = asked })
	r.requireNext(t)
	// A larger jump is one request too, and a lower value is none: the next step would find its savepoint.
	r.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.SavepointGeneration = asked + 7 })
	r.requireNext(t)
	r.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.SavepointGeneration = asked })
}

func (r *running) testNonce(t *testing.T) {
	for _, nonce := range []int64{7, -8} {
		r.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.SavepointTriggerNonce = new(nonce) })
		r.requireNext(t)
	}
	// No request either; see above.
	r.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.SavepointTriggerNonce = nil })
}

// requireNext waits for the savepoint that was asked for. It has to be one more than before, in status and folder.
func (r *running) requireNext(t *testing.T) {
	t.Helper()
	r.generation++
	cluster := r.Await(t, "the savepoint", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.ObservedGeneration == cluster.Generation && cluster.Status.Components.Job.SavepointGeneration >= r.generation
	})
	require.Equal(t, r.generation, cluster.Status.Components.Job.SavepointGeneration)
	require.Equal(t, v1beta1.SavepointReasonUserRequested, cluster.Status.Savepoint.TriggerReason)
	require.Len(t, r.namespace.SavepointFolders(t), int(r.generation))
}

func (r *running) testSchedule(t *testing.T) {
	begin := r.generation
	for _, period := range []int32{2, 3} {
		r.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.AutoSavepointSeconds = new(period) })
		r.generation += 2
		r.Await(t, "two savepoints by schedule", func(cluster *v1beta1.FlinkCluster) bool {
			return cluster.Status.Components.Job.SavepointGeneration >= r.generation
		})
	}
	edited := r.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.AutoSavepointSeconds = nil })
	cluster := r.Await(t, "the end of the schedule", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.ObservedGeneration >= edited.Generation && cluster.Status.Savepoint.State == v1beta1.SavepointStateSucceeded
	})
	r.generation = cluster.Status.Components.Job.SavepointGeneration
	history := cluster.Status.SavepointHistory
	for i, record := range history[:r.generation-begin] {
		assert.Equal(t, v1beta1.SavepointReasonScheduled, record.Reason)
		assert.GreaterOrEqual(t, record.Time.Sub(history[i+1].Time.Time).Seconds(), 2.0)
	}
	r.requireUndisturbed(t)
}

func (r *running) testExternal(t *testing.T) {
	location := r.TriggerSavepoint(t, r.jobID)
	cluster := r.Await(t, "the savepoint taken past the operator in the history", func(cluster *v1beta1.FlinkCluster) bool {
		return slices.ContainsFunc(cluster.Status.SavepointHistory, func(record v1beta1.SavepointRecord) bool {
			return record.Location == location && record.Reason == v1beta1.SavepointReasonExternal
		})
	})
	assert.Equal(t, r.generation, cluster.Status.Components.Job.SavepointGeneration)
	assert.NotEqual(t, location, cluster.Status.Components.Job.SavepointLocation)
	r.AwaitEvent(t, v1beta1.EventSavepointFound, location)
}

func (r *running) testRefusedRequests(t *testing.T) {
	r.requireRefused(t, "take-savepoint", `"take-savepoint"`)
	r.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.SavepointsDir = "" })
	r.requireRefused(t, v1beta1.ControlSavepoint, "spec.job.savepointsDir")
	r.Edit(t, func(cluster *v1beta1.FlinkCluster) {
		cluster.Spec.Job.SavepointsDir = flinkcluster.SavepointsDirectory
	})
	r.requireUndisturbed(t)
}

// requireRefused makes a request by annotation that has to be refused with a reason, and to change nothing.
func (r *running) requireRefused(t *testing.T, value, reason string) {
	t.Helper()
	before := r.Get(t)
	folders := r.namespace.SavepointFolders(t)
	cluster := r.AwaitControl(t, r.Annotate(t, value))
	assert.Equal(t, v1beta1.ControlStateFailed, cluster.Status.Control.State)
	assert.Equal(t, value, cluster.Status.Control.Name)
	assert.Contains(t, cluster.Status.Control.Message, reason)
	assert.Equal(t, before.Status.Savepoint, cluster.Status.Savepoint)
	assert.Equal(t, folders, r.namespace.SavepointFolders(t))
	r.AwaitEvent(t, v1beta1.EventControlRefused, reason)
}
