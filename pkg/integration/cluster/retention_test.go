//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// TestSavepointRetention: of savepoints that are taken every few seconds two are left, beside the user's own, and the folder
// holds what the history tells.
func TestSavepointRetention(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("counter")
	wanted.Spec.Job.SavepointRetention = &v1beta1.SavepointRetention{MaxCount: new(int32(2))}
	job := namespace.Create(t, wanted)
	job.AwaitRunning(t, 1)
	users := job.AwaitControl(t, job.Annotate(t, v1beta1.ControlSavepoint)).Status.Components.Job.SavepointLocation

	job.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.AutoSavepointSeconds = new(int32(2)) })
	job.Await(t, "savepoints by schedule", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Components.Job.SavepointGeneration >= 7
	})
	job.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.AutoSavepointSeconds = nil })
	cluster := job.Await(t, "the older ones to be gone", func(cluster *v1beta1.FlinkCluster) bool {
		slot := cluster.Status.Savepoint
		return cluster.Spec.Job.AutoSavepointSeconds == nil && cluster.Status.ObservedGeneration == cluster.Generation &&
			slot.State == v1beta1.SavepointStateSucceeded && len(cluster.Status.SavepointHistory) == 3
	})
	job.AwaitEvent(t, v1beta1.EventSavepointDisposed, "savepoint-")

	kept := savepointsInHistory(t, cluster)
	assert.Contains(t, kept, path.Base(users))
	assert.Contains(t, kept, path.Base(cluster.Status.Components.Job.SavepointLocation))
	//nolint:contextcheck // The folder is read with the context of the test.
	flinkcluster.Eventually(t, "the folder to hold what the history tells", func(context.Context) error {
		folders := namespace.SavepointFolders(t)
		slices.Sort(folders)
		if !slices.Equal(kept, folders) {
			return fmt.Errorf("there are %v, and the history tells of %v", folders, kept)
		}
		return nil
	})
	// Flink names those that are gone, and they are not taken for somebody else's.
	job.AwaitCount(t, cluster.Status.Components.Job.ID, 1)
	require.Equal(t, kept, savepointsInHistory(t, job.Get(t)))
	job.DeleteAll(t)
}

// savepointsInHistory returns the folders of the savepoints that the status tells of, none of which is being disposed of. What
// else a record has, such as the checkpoint's number, may follow.
func savepointsInHistory(t *testing.T, cluster *v1beta1.FlinkCluster) []string {
	t.Helper()
	var folders []string
	for _, record := range cluster.Status.SavepointHistory {
		assert.Nil(t, record.Disposal)
		folders = append(folders, path.Base(record.Location))
	}
	slices.Sort(folders)
	return folders
}
