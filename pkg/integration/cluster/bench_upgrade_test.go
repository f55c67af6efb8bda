//go:build cluster

package cluster

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// upgrades is how often is measured what takes as long as an upgrade.
const upgrades = 5

// BenchmarkUpgrade measures how long a job counts nothing, from its last number before to the first after, in each way in
// which the operator stops it and starts it again: the job itself keeps the time of its last number.
func BenchmarkUpgrade(b *testing.B) {
	b.Run("savepoint", benchmarkUpgradeBySavepoint)
	for _, way := range []interruptedWay{
		{"last-state", "upgrade by last-state", 1, withMode(v1beta1.UpgradeModeLastState), editPace},
		{"high-availability", "upgrade with high availability", 1, func(cluster *v1beta1.FlinkCluster) {
			withMode(v1beta1.UpgradeModeLastState)(highlyAvailable(cluster))
		}, editPace},
		{"stateless", "upgrade without state", 1, withMode(v1beta1.UpgradeModeStateless), editPace},
		{"suspend-and-resume", "suspended, and resumed at once", 1, withMode(v1beta1.UpgradeModeSavepoint), suspendAndResume},
		{"rollback", "upgrade whose main method fails, and rollback", 2, withRollback, breakMain},
	} {
		b.Run(way.name, way.benchmark)
	}
}

// benchmarkUpgradeBySavepoint in turn does the same by hand with the same objects, without a look at what is still there of the
// old ones.
func benchmarkUpgradeBySavepoint(b *testing.B) {
	byOperator := newFigure("by-operator", "upgrade by savepoint: last number before -> first number after", "<= 1.3 by hand", "s")
	byHand := newFigure("by-hand", "the same by hand, with everything prepared", "", "s")
	namespace, other := suite.NewNamespace(b), suite.NewNamespace(b)
	job := namespace.Create(b, asShipped(namespace.Counter("counter", timedCounter(0)...)))
	first := awaitTasks(b, job, "")
	children := job.Children(b)
	copied := other.CreateByHand(b, job, children)
	awaitTasks(b, copied, "")
	for b.Loop() {
		for round := range upgrades {
			id := job.Get(b).Status.Components.Job.ID
			job.AwaitCount(b, id, 100)
			editPace(b, job, round+1)
			byOperator.addDuration(awaitGap(b, job, awaitTasks(b, job, id)))

			// By hand the job keeps its id.
			copied.AwaitCount(b, first, 100)
			copied.UpgradeByHand(b, first, job, children)
			byHand.addDuration(awaitGap(b, copied, awaitTasks(b, copied, "")))
		}
	}
	require.Len(b, namespace.CompleteSavepoints(b), upgrades)
	measured(b, byOperator, byHand)
	job.DeleteAll(b)
	copied.DeleteByHand(b)
}

// timedCounter are arguments of a job that keeps the time of its last number where it also finds it when it starts from an
// older state, or from none. Two rounds in a row have different ones.
func timedCounter(round int) []string {
	return append(flinkcluster.Pace(paceMillis+round%2), "--time-file", flinkcluster.DataPath+"/last-time")
}

// interruptedWay is a way to stop a job and to start it again.
type interruptedWay struct {
	name, measure string
	// runs is how many more runs there are after it.
	runs    int32
	prepare edit
	// begin sets it going for the first, second or later time.
	begin func(b *testing.B, job *flinkcluster.Cluster, round int)
}

func (w interruptedWay) benchmark(b *testing.B) {
	downtime := newFigure("downtime", w.measure+": the same", "", "s")
	namespace := suite.NewNamespace(b)
	wanted := asShipped(namespace.Counter("counter", timedCounter(0)...))
	w.prepare(wanted)
	job := namespace.Create(b, wanted)
	run := awaitRun(b, job, 1)
	for b.Loop() {
		for round := range upgrades {
			job.AwaitCount(b, run.ID, 100)
			w.begin(b, job, round+1)
			run = awaitRun(b, job, run.Attempt+w.runs)
			downtime.addDuration(awaitGap(b, job, run.ID))
		}
	}
	measured(b, downtime)
	job.DeleteAll(b)
}

func awaitRun(b *testing.B, job *flinkcluster.Cluster, attempt int32) *v1beta1.JobStatus {
	b.Helper()
	return job.Await(b, fmt.Sprintf("run %d", attempt), func(cluster *v1beta1.FlinkCluster) bool {
		run := cluster.Status.Components.Job
		return run != nil && run.Attempt == attempt && run.State == v1beta1.JobStateRunning
	}).Status.Components.Job
}

func withMode(mode v1beta1.UpgradeMode) edit {
	return func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.UpgradeMode = mode }
}

func withRollback(cluster *v1beta1.FlinkCluster) {
	cluster.Spec.Rollback = &v1beta1.RollbackSpec{Enabled: true}
	cluster.Spec.Job.RestartPolicy = v1beta1.RestartPolicyNever
}

func editPace(b *testing.B, job *flinkcluster.Cluster, round int) {
	b.Helper()
	job.Edit(b, withArguments(timedCounter(round)...))
}

func suspendAndResume(b *testing.B, job *flinkcluster.Cluster, _ int) {
	b.Helper()
	setState(b, job, v1beta1.DesiredJobStateSuspended)
	job.Await(b, "the suspended job", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Lifecycle == v1beta1.LifecycleSuspended
	})
	setState(b, job, v1beta1.DesiredJobStateRunning)
}

func breakMain(b *testing.B, job *flinkcluster.Cluster, round int) {
	b.Helper()
	job.Await(b, "a stable revision", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Revision.Stable == cluster.Status.Revision.Current
	})
	job.Edit(b, func(cluster *v1beta1.FlinkCluster) {
		cluster.Spec.Job.ClassName = flinkcluster.BrokenClass
		withArguments(timedCounter(round)...)(cluster)
	})
}

// awaitGap waits for a job that was started again to count.
func awaitGap(b *testing.B, job *flinkcluster.Cluster, id string) time.Duration {
	b.Helper()
	var gap time.Duration
	flinkcluster.Eventually(b, "a number after the start", func(ctx context.Context) error {
		var err error
		gap, err = job.ReadGap(ctx, id)
		if err == nil && gap == 0 {
			err = errors.New("the gap is zero")
		}
		return err
	})
	return gap
}
