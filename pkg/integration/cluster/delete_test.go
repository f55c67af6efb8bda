//go:build cluster

package cluster

import (
	"testing"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// TestDeleteDuringSavepoint: neither a savepoint that is under way nor a pending request keeps a cluster.
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
