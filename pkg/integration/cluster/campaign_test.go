//go:build cluster

package cluster

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

const (
	// kills is how often the operator is killed, and killsWithin how long after a request at most.
	kills       = 20
	killsWithin = 1500 * time.Millisecond
	// restarts and creates are how often the other jobs are lost and created meanwhile; more would only keep the
	// machine busy.
	restarts, creates = 2, 4
)

var seed = flag.Uint64("seed", 0, "repeats the moments of TestOperatorKilledAtRandom; 0 chooses some")

// storm kills the operator again and again while three jobs need it.
type storm struct {
	random *rand.Rand
	// calm is held while the operator is killed and comes back, and by who needs one that has seen the jobs: what an
	// operator knows in memory alone, and a JobManager that dies at the same moment, are lost together.
	calm sync.Mutex

	leading, reported, restarted, created *figure
}

// TestOperatorKilledAtRandom kills the operator with kill -9 at random moments: during savepoints of one job, while
// another is restarted after the loss of its JobManager, and while a third is created and deleted again and again.
// It is not parallel: other tests need the operator.
func TestOperatorKilledAtRandom(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("repeat with -seed=%d", *seed)
	killed := &storm{
		random:    rand.New(rand.NewPCG(*seed, 0)),
		leading:   newFigure("", fmt.Sprintf("operator killed (%d times) -> the next one leads", kills), "", "s"),
		reported:  newFigure("", "operator killed in a savepoint -> success in status", "", "s"),
		restarted: newFigure("", "JobManager deleted, operators killed meanwhile -> running", "", "s"),
		created:   newFigure("", "created, operators killed meanwhile -> running", "", "s"),
	}
	t.Run("savepoints", killed.testSavepoints)
	t.Run("restarts", killed.testRestarts)
	t.Run("creates", killed.testCreates)
}

// testSavepoints kills the operator after each request.
func (s *storm) testSavepoints(t *testing.T) {
	t.Parallel()
	job := newSteady(t, "300")
	for range kills {
		request := job.Annotate(t, v1beta1.ControlSavepoint)
		moment(t, time.Duration(s.random.Int64N(int64(killsWithin))))
		began := s.kill(t)
		job.requireSuccess(t, request)
		s.reported.addDuration(time.Since(began))
	}
	job.requireUndisturbed(t)
	t.Logf("%d kills, %d savepoints, counted to %d", kills, job.savepoints, job.count)
	job.DeleteAll(t)
}

// kill returns when the next operator works. The lease of the dead one is taken away: TestOutages waits for its expiry.
func (s *storm) kill(t *testing.T) time.Time {
	t.Helper()
	s.calm.Lock()
	defer s.calm.Unlock()
	began := time.Now()
	require.NoError(t, suite.Operator.Crash(t.Context()))
	require.NoError(t, suite.Operator.ReleaseLease(t.Context()))
	require.NoError(t, suite.Operator.AwaitLeading(t.Context()))
	s.leading.addDuration(time.Since(began))
	return began
}

// testRestarts deletes the JobManager of one job.
func (s *storm) testRestarts(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("restarted", flinkcluster.Pace(paceMillis)...)
	// Each loss counts as the first one.
	wanted.Spec.Job.RestartBackoff = &v1beta1.RestartBackoff{InitialSeconds: new(int32(0)), ResetAfterSeconds: new(int32(1))}
	job := namespace.Create(t, wanted)
	run := job.AwaitRunning(t, 1).Status.Components.Job
	for range restarts {
		before := awaitProgress(t, job, run.ID)
		began := s.loseJobManager(t, job, run.Attempt)
		run = job.AwaitRunning(t, run.Attempt+1).Status.Components.Job
		s.restarted.addDuration(time.Since(began))
		restored := requireContinued(t, job, run.ID, before)
		t.Logf("run %d continued from snapshot %d; at least %d was reached before", run.Attempt, restored.ID, before.checkpoint)
	}
	requireOnePodPerRun(t, job, int(run.Attempt))
	job.DeleteAll(t)
}

// loseJobManager returns when the operator has recorded what the run had reached.
func (s *storm) loseJobManager(t *testing.T, job *flinkcluster.Cluster, attempt int32) time.Time {
	t.Helper()
	s.calm.Lock()
	defer s.calm.Unlock()
	// A new operator asks all of them at once.
	flinkcluster.Eventually(t, "the operator to have asked all JobManagers", func(ctx context.Context) error {
		const jobManagers = 3
		looks, err := suite.Operator.Metric(ctx, `flink_operator_flink_polls_total{outcome="ok"}`)
		if err == nil && looks < jobManagers {
			err = fmt.Errorf("it has asked %v times", looks)
		}
		return err
	})
	began := time.Now()
	job.DeletePod(t, job.OnlyPod(t, v1beta1.ComponentJobManager))
	job.Await(t, "the loss to be noticed", func(cluster *v1beta1.FlinkCluster) bool {
		run := cluster.Status.Components.Job
		return run.Attempt > attempt || run.State != v1beta1.JobStateRunning
	})
	return began
}

// testCreates creates and deletes clusters.
func (s *storm) testCreates(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	for i := range creates {
		began := time.Now()
		job := namespace.Create(t, namespace.Counter(fmt.Sprintf("created-%d", i)))
		run := job.AwaitRunning(t, 1).Status.Components.Job
		s.created.addDuration(time.Since(began))
		job.AwaitCount(t, run.ID, 1)
		requireOnePodPerRun(t, job, 1)
		job.DeleteAll(t)
	}
}
