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

// TestOutages takes away what the operator needs in the middle of savepoints. It is not parallel: other tests need the
// operator and the API server.
func TestOutages(t *testing.T) {
	job := newSteady(t, "2000")
	require.True(t, t.Run("API server restarted", func(t *testing.T) { testAPIServerRestarted(t, job) }))
	t.Run("two replicas", func(t *testing.T) {
		require.NoError(t, suite.Operator.Scale(t.Context(), 2))
		defer func() { require.NoError(t, suite.Operator.Scale(t.Context(), 1)) }()
		require.True(t, t.Run("leader killed", func(t *testing.T) { testLeaderKilled(t, job) }))
		require.True(t, t.Run("leader paused", func(t *testing.T) { testLeaderPaused(t, job) }))
	})
	job.requireUndisturbed(t)
	t.Logf("%d savepoints asked for and made, counted to %d", job.savepoints, job.count)
	job.DeleteAll(t)
}

func testAPIServerRestarted(t *testing.T, job *steady) {
	if refusal := suite.CanRestartAPIServer(); refusal != "" {
		skip(t, refusal)
	}
	outage := newFigure("", "API server killed -> it is ready again", "", "s")
	back := newFigure("", "API server ready again -> success of the savepoint in status", "", "s")
	request := job.Annotate(t, v1beta1.ControlSavepoint)
	job.awaitInProgress(t, request)
	began := time.Now()
	require.NoError(t, suite.RestartAPIServer(t.Context()))
	outage.addDuration(time.Since(began))
	began = time.Now()
	job.requireOne(t, request)
	back.addDuration(time.Since(began))
	// And the next one as if nothing had been.
	require.NoError(t, suite.Operator.AwaitLeading(t.Context()))
	job.requireOne(t, job.Annotate(t, v1beta1.ControlSavepoint))
}

func testLeaderKilled(t *testing.T, job *steady) {
	taken := newFigure("", "leader of two killed -> the other one leads", "", "s")
	reported := newFigure("", "leader of two killed in a savepoint -> success in status", "", "s")
	require.NoError(t, suite.Operator.AwaitLeading(t.Context()))
	leader, err := suite.Operator.Leader(t.Context())
	require.NoError(t, err)
	killer, err := suite.Operator.ArmKiller(t.Context())
	require.NoError(t, err)
	request := job.Annotate(t, v1beta1.ControlSavepoint)
	job.awaitInProgress(t, request)
	began := time.Now()
	require.NoError(t, killer.Kill(t.Context()))
	require.NoError(t, suite.Operator.AwaitOtherLeader(t.Context(), leader))
	taken.addDuration(time.Since(began))
	job.requireOne(t, request)
	reported.addDuration(time.Since(began))
}

// testLeaderPaused: the leader is stopped in the middle of its work for longer than its lease lasts, and goes on while
// the next leader has a savepoint under way. For as long as it takes it to give up the lease, two of them are at work.
func testLeaderPaused(t *testing.T, job *steady) {
	taken := newFigure("", "leader of two paused -> the other one leads", "", "s")
	ended := newFigure("", "paused leader goes on beside the next one -> it has ended itself", "", "s")
	require.NoError(t, suite.Operator.AwaitLeading(t.Context()))
	leader, err := suite.Operator.Leader(t.Context())
	require.NoError(t, err)
	restarts, err := suite.Operator.Restarts(t.Context(), leader)
	require.NoError(t, err)

	first := job.Annotate(t, v1beta1.ControlSavepoint)
	began := time.Now()
	require.NoError(t, suite.Operator.Pause(t.Context(), leader))
	require.NoError(t, suite.Operator.AwaitOtherLeader(t.Context(), leader))
	taken.addDuration(time.Since(began))
	job.requireOne(t, first)
	second := job.Annotate(t, v1beta1.ControlSavepoint)
	job.awaitInProgress(t, second)
	require.NoError(t, suite.Operator.Resume(t.Context(), leader))
	resumed := time.Now()
	t.Logf("the leader was paused for %s", time.Since(began).Round(100*time.Millisecond))
	job.requireOne(t, second)
	job.requireOne(t, job.Annotate(t, v1beta1.ControlSavepoint))
	flinkcluster.Eventually(t, "the old leader to end itself", func(ctx context.Context) error {
		now, err := suite.Operator.Restarts(ctx, leader)
		if err == nil && now <= restarts {
			err = errors.New("it has not been restarted")
		}
		return err
	})
	ended.addDuration(time.Since(resumed))
}
