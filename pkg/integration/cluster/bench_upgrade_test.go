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

// upgrades is how often is measured what takes as long as an upgrade.
const upgrades = 5

// BenchmarkUpgrade measures how long a job counts nothing while it is upgraded by savepoint, from its last number before to
// the first after: the job itself keeps the time of the last number with its state. In turn the same is done by hand with the
// same objects, without a look at what is still there of the old ones.
func BenchmarkUpgrade(b *testing.B) {
	byOperator := newFigure("by-operator", "upgrade by savepoint: last number before -> first number after", "", "s")
	byHand := newFigure("by-hand", "the same by hand, with everything prepared", "", "s")
	namespace, other := suite.NewNamespace(b), suite.NewNamespace(b)
	job := namespace.Create(b, asShipped(namespace.Counter("counter")))
	first := awaitTasks(b, job, "")
	children := job.Children(b)
	copied := other.CreateByHand(b, job, children)
	awaitTasks(b, copied, "")
	for b.Loop() {
		for i := range upgrades {
			id := job.Get(b).Status.Components.Job.ID
			job.AwaitCount(b, id, 100)
			job.Edit(b, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.Args = flinkcluster.Pace(paceMillis + i%2) })
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

// awaitGap waits for a restored job to count.
func awaitGap(b *testing.B, job *flinkcluster.Cluster, id string) time.Duration {
	b.Helper()
	var gap time.Duration
	flinkcluster.Eventually(b, "a number after the restore", func(ctx context.Context) error {
		var err error
		gap, err = job.ReadGap(ctx, id)
		if err == nil && gap == 0 {
			err = errors.New("the gap is zero")
		}
		return err
	})
	return gap
}
