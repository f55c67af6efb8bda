//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// paceMillis is the pause before each number in tests that compare counts.
const paceMillis = 10

// progress is what a job has reached for good: a checkpoint that holds at least this count.
type progress struct {
	count      int64
	checkpoint int64
}

// awaitProgress waits until the job has counted so far that one which began again would be told from it, and until a
// checkpoint has this count. Flink's statistics and the checkpoint that is under way may be older than the count, so
// it is one of the next but few.
func awaitProgress(t *testing.T, job *flinkcluster.Cluster, id string) progress {
	t.Helper()
	const enough, behind = 1000, 4
	reached := progress{count: job.AwaitCount(t, id, enough)}
	var begin int64
	flinkcluster.Eventually(t, "a checkpoint with the count", func(ctx context.Context) error {
		checkpoints, err := job.ReadCheckpoints(ctx, id)
		if err != nil || checkpoints.Latest.Completed == nil {
			return fmt.Errorf("no checkpoint yet: %w", err)
		}
		newest := checkpoints.Latest.Completed.ID
		if begin == 0 {
			begin = newest
		}
		if newest < begin+behind {
			return fmt.Errorf("the newest checkpoint is %d", newest)
		}
		reached.checkpoint = newest
		return nil
	})
	return reached
}

// requireContinued fails unless a run of the job was restored from a snapshot, and from one that is not older than
// what had been reached before. The job itself fails if its parts are not restored to the same number.
func requireContinued(t *testing.T, job *flinkcluster.Cluster, id string, before progress) *flinkcluster.Snapshot {
	t.Helper()
	count, sinceSubmitted := job.AwaitFirstCount(t, id)
	require.GreaterOrEqual(t, count, before.count, "the count went back")
	require.Greater(t, count, int64(sinceSubmitted/time.Millisecond)/paceMillis, "a job that began from nothing could have counted as far")
	checkpoints, err := job.ReadCheckpoints(t.Context(), id)
	require.NoError(t, err)
	restored := checkpoints.Latest.Restored
	require.NotNil(t, restored, "Flink says that it restored nothing")
	require.GreaterOrEqual(t, restored.ID, before.checkpoint)
	job.AwaitCount(t, id, count+1)
	return restored
}
