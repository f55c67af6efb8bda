package lifecycle

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

func TestEvents(t *testing.T) {
	const normal, warning = "Normal", "Warning"
	condition := func(conditionType string, status metav1.ConditionStatus, reason string, generation int64) clusterEdit {
		return func(c *v1beta1.FlinkCluster) {
			c.Status.Conditions = append(c.Status.Conditions, metav1.Condition{Type: conditionType, Status: status, Reason: reason, ObservedGeneration: generation, Message: "because"})
		}
	}
	clusterState := func(state v1beta1.ClusterState) clusterEdit {
		return func(c *v1beta1.FlinkCluster) { c.Status.State = state }
	}
	refused := control("job-explode", v1beta1.ControlStateFailed, func(c *v1beta1.ControlStatus) { c.Details, c.Message = nil, "unknown" })
	for name, test := range map[string]struct {
		before, after []clusterEdit
		expected      []v1beta1.Event
	}{
		"nothing":               {nil, nil, nil},
		"job starts":            {nil, []clusterEdit{run(v1beta1.JobStateDeploying)}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventJobStarting, Message: "run 1 of the job (" + JobID(testUID, 1) + ") starts from nothing"}}},
		"job pending":           {nil, []clusterEdit{run(v1beta1.JobStatePending)}, nil},
		"job runs":              {[]clusterEdit{run(v1beta1.JobStateDeploying)}, []clusterEdit{run(v1beta1.JobStateRunning)}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventJobRunning}}},
		"job still runs":        {[]clusterEdit{run(v1beta1.JobStateRunning)}, []clusterEdit{run(v1beta1.JobStateRunning, withCheckpoint)}, nil},
		"job finished":          {[]clusterEdit{run(v1beta1.JobStateRunning)}, []clusterEdit{run(v1beta1.JobStateSucceeded)}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventJobSucceeded}}},
		"job cancelled":         {[]clusterEdit{run(v1beta1.JobStateRunning)}, []clusterEdit{run(v1beta1.JobStateCancelled)}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventJobCancelled}}},
		"job failed":            {[]clusterEdit{run(v1beta1.JobStateRunning)}, []clusterEdit{run(v1beta1.JobStateFailed)}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventJobFailed, Message: "run 1 of the job (" + JobID(testUID, 1) + ") failed: it broke"}}},
		"job lost":              {[]clusterEdit{run(v1beta1.JobStateRunning)}, []clusterEdit{run(v1beta1.JobStateLost)}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventJobLost}}},
		"job restarting":        {[]clusterEdit{run(v1beta1.JobStateFailed)}, []clusterEdit{run(v1beta1.JobStateRestarting)}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventJobRestarting}}},
		"savepoint requested":   {nil, []clusterEdit{slot(v1beta1.SavepointStateRequested)}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventSavepointRequested}}},
		"savepoint triggered":   {[]clusterEdit{slot(v1beta1.SavepointStateRequested)}, []clusterEdit{slot(v1beta1.SavepointStateInProgress)}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventSavepointTriggered}}},
		"savepoint completed":   {[]clusterEdit{slot(v1beta1.SavepointStateInProgress)}, []clusterEdit{slot(v1beta1.SavepointStateSucceeded, func(s *v1beta1.SavepointStatus) { s.Location = "there" })}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventSavepointSucceeded, Message: "savepoint " + TriggerID(testUID, 1) + " (user requested) completed: there"}}},
		"savepoint failed":      {[]clusterEdit{slot(v1beta1.SavepointStateInProgress)}, []clusterEdit{slot(v1beta1.SavepointStateFailed)}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventSavepointFailed}}},
		"savepoint unchanged":   {[]clusterEdit{slot(v1beta1.SavepointStateFailed)}, []clusterEdit{slot(v1beta1.SavepointStateFailed)}, nil},
		"next one requested":    {[]clusterEdit{slot(v1beta1.SavepointStateRequested)}, []clusterEdit{slot(v1beta1.SavepointStateRequested, func(s *v1beta1.SavepointStatus) { s.TriggerID = "x" })}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventSavepointRequested}}},
		"external savepoint":    {nil, []clusterEdit{history(v1beta1.SavepointRecord{Location: "there", Reason: v1beta1.SavepointReasonExternal})}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventSavepointFound}}},
		"own savepoint":         {nil, []clusterEdit{history(record(1, 1, 0))}, nil},
		"known external one":    {[]clusterEdit{history(v1beta1.SavepointRecord{Location: "there"})}, []clusterEdit{history(v1beta1.SavepointRecord{Location: "there", Reason: v1beta1.SavepointReasonExternal})}, nil},
		"control refused":       {nil, []clusterEdit{refused}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventControlRefused, Message: "user control job-explode refused: unknown"}}},
		"control refused again": {[]clusterEdit{refused}, []clusterEdit{refused, func(c *v1beta1.FlinkCluster) { c.Status.Control.Request = 2 }}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventControlRefused}}},
		"control failed":        {[]clusterEdit{control("savepoint", v1beta1.ControlStateInProgress)}, []clusterEdit{control("savepoint", v1beta1.ControlStateFailed)}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventControlFailed}}},
		"control succeeded":     {[]clusterEdit{control("savepoint", v1beta1.ControlStateInProgress)}, []clusterEdit{control("savepoint", v1beta1.ControlStateSucceeded)}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventControlSucceeded}}},
		"control accepted":      {nil, []clusterEdit{control("savepoint", v1beta1.ControlStateInProgress)}, nil},
		"spec invalid":          {nil, []clusterEdit{condition(v1beta1.ConditionSpecValid, metav1.ConditionFalse, ReasonSpecInvalid, 1)}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventSpecInvalid, Message: "because"}}},
		"still invalid":         {[]clusterEdit{condition(v1beta1.ConditionSpecValid, metav1.ConditionFalse, ReasonSpecInvalid, 1)}, []clusterEdit{condition(v1beta1.ConditionSpecValid, metav1.ConditionFalse, ReasonSpecInvalid, 1)}, nil},
		"edited, and invalid":   {[]clusterEdit{condition(v1beta1.ConditionSpecValid, metav1.ConditionFalse, ReasonSpecInvalid, 1)}, []clusterEdit{condition(v1beta1.ConditionSpecValid, metav1.ConditionFalse, ReasonSpecInvalid, 2)}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventSpecInvalid}}},
		"valid":                 {nil, []clusterEdit{condition(v1beta1.ConditionSpecValid, metav1.ConditionTrue, ReasonSpecValid, 1)}, nil},
		"degraded":              {nil, []clusterEdit{condition(v1beta1.ConditionDegraded, metav1.ConditionTrue, "CrashLoop", 1)}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventDegraded, Message: "CrashLoop: because"}}},
		"degraded otherwise":    {[]clusterEdit{condition(v1beta1.ConditionDegraded, metav1.ConditionTrue, "CrashLoop", 1)}, []clusterEdit{condition(v1beta1.ConditionDegraded, metav1.ConditionTrue, "NoSavepoint", 1)}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventDegraded}}},
		"stopped":               {[]clusterEdit{clusterState(v1beta1.ClusterStateStopping)}, []clusterEdit{clusterState(v1beta1.ClusterStateStopped)}, []v1beta1.Event{{Type: normal, Reason: v1beta1.EventClusterStopped}}},
		"several at once":       {[]clusterEdit{run(v1beta1.JobStateRunning)}, []clusterEdit{run(v1beta1.JobStateFailed), slot(v1beta1.SavepointStateFailed)}, []v1beta1.Event{{Type: warning, Reason: v1beta1.EventSavepointFailed}, {Type: warning, Reason: v1beta1.EventJobFailed}}},
	} {
		t.Run(name, func(t *testing.T) {
			events := Events(newCluster(test.before...), newCluster(test.after...))
			require.Len(t, events, len(test.expected))
			for i, event := range events {
				require.Equal(t, test.expected[i].Type, event.Type)
				require.Equal(t, test.expected[i].Reason, event.Reason)
				require.NotEmpty(t, event.Message)
				if test.expected[i].Message != "" {
					require.Equal(t, test.expected[i].Message, event.Message)
				}
			}
		})
	}
	t.Run("bounded", func(t *testing.T) {
		long := run(v1beta1.JobStateFailed, func(job *v1beta1.JobStatus) { job.FailureReasons = []string{strings.Repeat("x", 5000)} })
		require.LessOrEqual(t, len(Events(newCluster(), newCluster(long))[0].Message), maxEventLength)
	})
}
