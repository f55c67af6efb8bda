//go:build cluster

package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// asShipped takes away the options with which tests start Java quicker. The image itself has the class data of Flink, for
// what is made by hand as well.
func asShipped(cluster *v1beta1.FlinkCluster) *v1beta1.FlinkCluster {
	cluster.Spec.EnvVars = nil
	return cluster
}

// awaitTasks asks Flink until a job runs with all its tasks, and returns the job's id.
func awaitTasks(b *testing.B, job *flinkcluster.Cluster, notThis string) string {
	b.Helper()
	var id string
	flinkcluster.Eventually(b, "all tasks running", func(ctx context.Context) error {
		jobs, err := job.ReadJobs(ctx)
		if err != nil {
			return err
		}
		if len(jobs) != 1 || jobs[0].ID == notThis {
			return errors.New("the job is not listed")
		}
		id = jobs[0].ID
		return expectRunning(ctx, job, id)
	})
	return id
}

// BenchmarkStart measures from the creation of a FlinkCluster to running tasks, in turn with the same objects created
// by hand: what is left between the two is the operator's.
func BenchmarkStart(b *testing.B) {
	byOperator := newFigure("by-operator", "apply -> all tasks running by REST", "<= 10", "s")
	byHand := newFigure("by-hand", "the same objects applied by hand", "", "s")
	namespace, other := suite.NewNamespace(b), suite.NewNamespace(b)
	for b.Loop() {
		for range repeats {
			began := time.Now()
			job := namespace.Create(b, asShipped(namespace.Counter("counter")))
			awaitTasks(b, job, "")
			byOperator.addDuration(time.Since(began))
			children := job.Children(b)
			job.DeleteAll(b)

			began = time.Now()
			copied := other.CreateByHand(b, job, children)
			awaitTasks(b, copied, "")
			byHand.addDuration(time.Since(began))
			copied.DeleteByHand(b)
		}
	}
	measured(b, byOperator, byHand)
}

// BenchmarkJobManagerLost measures from the end of the JobManager to running tasks of the next run.
func BenchmarkJobManagerLost(b *testing.B) {
	back := newFigure("back", "JobManager killed -> all tasks running again", "<= 20", "s")
	older := newFigure("lost", "checkpoints lost by it, of those that Flink had shown", "0", "checkpoints")
	namespace := suite.NewNamespace(b)
	wanted := asShipped(namespace.Counter("counter"))
	// Each loss counts as the first one.
	wanted.Spec.Job.RestartBackoff = &v1beta1.RestartBackoff{InitialSeconds: new(int32(0)), ResetAfterSeconds: new(int32(1))}
	job := namespace.Create(b, wanted)
	for b.Loop() {
		for range repeats {
			id := awaitTasks(b, job, "")
			var newest int64
			flinkcluster.Eventually(b, "three checkpoints", func(ctx context.Context) error {
				checkpoints, err := job.ReadCheckpoints(ctx, id)
				if err == nil && checkpoints.Counts.Completed < 3 {
					err = errors.New("not yet")
				}
				if err == nil {
					newest = checkpoints.Latest.Completed.ID
				}
				return err
			})
			pod := job.OnlyPod(b, v1beta1.ComponentJobManager)
			began := time.Now()
			job.DeletePod(b, pod)
			next := awaitTasks(b, job, id)
			back.addDuration(time.Since(began))
			checkpoints, err := job.ReadCheckpoints(b.Context(), next)
			require.NoError(b, err)
			require.NotNil(b, checkpoints.Latest.Restored, "the job began from nothing")
			older.add(float64(max(0, newest-checkpoints.Latest.Restored.ID)))
		}
	}
	measured(b, back, older)
	job.DeleteAll(b)
}
