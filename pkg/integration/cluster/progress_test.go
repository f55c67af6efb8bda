//go:build cluster

package cluster

import (
	"context"
	"errors"
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

// awaitProgress waits until the job has counted so far that one which began again would be told from it, until a
// checkpoint has this count, and until the operator has had the time to see that. Flink's statistics and the
// checkpoint that is under way may be older than the count, so it is one of the next but few. The operator looks at
// the statistics at least every ten seconds, which is how much a JobManager that dies without notice can take with it;
// BenchmarkJobManagerLost measures what it does take. Checkpoints are taken every second.
func awaitProgress(t *testing.T, job *flinkcluster.Cluster, id string) progress {
	t.Helper()
	const enough, behind, unseen = 1000, 4, 10
	reached := progress{count: job.AwaitCount(t, id, enough)}
	flinkcluster.Eventually(t, "checkpoints with the count", func(ctx context.Context) error {
		checkpoints, err := job.ReadCheckpoints(ctx, id)
		if err != nil {
			return err
		}
		if checkpoints.Latest.Completed == nil {
			return errors.New("no checkpoint yet")
		}
		newest := checkpoints.Latest.Completed.ID
		if reached.checkpoint == 0 {
			reached.checkpoint = newest + behind
		}
		if newest < reached.checkpoint+unseen {
			return fmt.Errorf("the newest checkpoint is %d", newest)
		}
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
