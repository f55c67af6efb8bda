package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

func TestWatchFor(t *testing.T) {
	id, trigger := JobID(testUID, 1), TriggerID(testUID, 1)
	never := policy(v1beta1.RestartPolicyNever)
	session := func(c *v1beta1.FlinkCluster) { c.Spec.Job = nil }
	for name, test := range map[string]struct {
		edits    []clusterEdit
		expected Watch
	}{
		"session, no version yet":     {[]clusterEdit{session}, Watch{Pace: PaceStarting}},
		"session":                     {[]clusterEdit{session, func(c *v1beta1.FlinkCluster) { c.Status.FlinkVersion = "2.1.0" }}, Watch{Pace: PaceStable}},
		"no job recorded":             {nil, Watch{}},
		"pending":                     {[]clusterEdit{run(v1beta1.JobStatePending)}, Watch{}},
		"deploying":                   {[]clusterEdit{never, run(v1beta1.JobStateDeploying)}, Watch{JobID: id, Attempt: 1, Pace: PaceStarting}},
		"running":                     {[]clusterEdit{never, run(v1beta1.JobStateRunning)}, Watch{JobID: id, Attempt: 1, Pace: PaceStable}},
		"running, needs checkpoints":  {[]clusterEdit{run(v1beta1.JobStateRunning)}, Watch{JobID: id, Attempt: 1, Pace: PaceStable, FreshCheckpoints: true}},
		"a savepoint":                 {[]clusterEdit{never, run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateRequested)}, Watch{JobID: id, Attempt: 1, TriggerID: trigger, Pace: PaceOperation}},
		"a savepoint of an ended run": {[]clusterEdit{never, run(v1beta1.JobStateFailed), slot(v1beta1.SavepointStateInProgress)}, Watch{JobID: id, Attempt: 1, TriggerID: trigger, Pace: PaceOperation}},
		"a savepoint of another run":  {[]clusterEdit{never, run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateInProgress, func(s *v1beta1.SavepointStatus) { s.JobID = "x" })}, Watch{JobID: id, Attempt: 1, Pace: PaceStable}},
		"a savepoint that ended":      {[]clusterEdit{never, run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateSucceeded)}, Watch{JobID: id, Attempt: 1, Pace: PaceStable}},
		"cancel by spec":              {[]clusterEdit{never, cancelRequested, run(v1beta1.JobStateRunning)}, Watch{JobID: id, Attempt: 1, Pace: PaceOperation}},
		"cancel by annotation":        {[]clusterEdit{never, run(v1beta1.JobStateRunning), control(v1beta1.ControlJobCancel, v1beta1.ControlStateInProgress)}, Watch{JobID: id, Attempt: 1, Pace: PaceOperation}},
		"cancel, finished":            {[]clusterEdit{never, run(v1beta1.JobStateRunning), control(v1beta1.ControlJobCancel, v1beta1.ControlStateFailed)}, Watch{JobID: id, Attempt: 1, Pace: PaceStable}},
		"savepoint by annotation":     {[]clusterEdit{never, run(v1beta1.JobStateRunning), control(v1beta1.ControlSavepoint, v1beta1.ControlStateInProgress)}, Watch{JobID: id, Attempt: 1, Pace: PaceStable}},
		"failed":                      {[]clusterEdit{never, run(v1beta1.JobStateFailed)}, Watch{JobID: id, Attempt: 1}},
		"restarting":                  {[]clusterEdit{never, run(v1beta1.JobStateRestarting)}, Watch{JobID: id, Attempt: 1}},
		"finished":                    {[]clusterEdit{never, run(v1beta1.JobStateSucceeded)}, Watch{JobID: id, Attempt: 1}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.expected, WatchFor(newCluster(test.edits...))) })
	}
}
