package lifecycle

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestAccept(t *testing.T) {
	const (
		savepoint = v1beta1.ControlSavepoint
		cancel    = v1beta1.ControlJobCancel
		kill      = v1beta1.ControlJobCancelWithoutSavepoint
	)
	session := func(c *v1beta1.FlinkCluster) { c.Spec.Job, c.Status.Components.Job = nil, nil }
	busy := slot(v1beta1.SavepointStateInProgress)
	for name, test := range map[string]struct {
		value    string
		edits    []clusterEdit
		expected v1beta1.ControlState
		message  string
		files    v1beta1.SavepointReason
	}{
		"savepoint":                {value: savepoint, expected: v1beta1.ControlStateInProgress, files: v1beta1.SavepointReasonUserRequested},
		"savepoint, spaces around": {value: " savepoint\n", expected: v1beta1.ControlStateInProgress, files: v1beta1.SavepointReasonUserRequested},
		"savepoint, no directory":  {value: savepoint, edits: []clusterEdit{noDirectory}, expected: v1beta1.ControlStateFailed, message: "spec.job.savepointsDir"},
		"savepoint, Flink's directory": {value: savepoint, edits: []clusterEdit{noDirectory, func(c *v1beta1.FlinkCluster) {
			c.Spec.FlinkProperties = map[string]string{"state.savepoints.dir": "s3://b"}
		}}, expected: v1beta1.ControlStateInProgress, files: v1beta1.SavepointReasonUserRequested},
		"savepoint, slot busy":               {value: savepoint, edits: []clusterEdit{busy}, expected: v1beta1.ControlStateRequested, message: "waits for the savepoint " + TriggerID(testUID, 1)},
		"savepoint, session":                 {value: savepoint, edits: []clusterEdit{session}, expected: v1beta1.ControlStateFailed, message: "session cluster"},
		"savepoint, no run":                  {value: savepoint, edits: []clusterEdit{run(v1beta1.JobStatePending)}, expected: v1beta1.ControlStateFailed, message: "has not been started"},
		"savepoint, nothing recorded":        {value: savepoint, edits: []clusterEdit{func(c *v1beta1.FlinkCluster) { c.Status.Components.Job = nil }}, expected: v1beta1.ControlStateFailed, message: "has not been started"},
		"savepoint, deploying":               {value: savepoint, edits: []clusterEdit{run(v1beta1.JobStateDeploying)}, expected: v1beta1.ControlStateFailed, message: "it is Deploying"},
		"savepoint, failed":                  {value: savepoint, edits: []clusterEdit{run(v1beta1.JobStateFailed)}, expected: v1beta1.ControlStateFailed, message: "it is Failed"},
		"cancel":                             {value: cancel, expected: v1beta1.ControlStateInProgress, files: v1beta1.SavepointReasonJobCancel},
		"cancel, no directory":               {value: cancel, edits: []clusterEdit{noDirectory}, expected: v1beta1.ControlStateInProgress},
		"cancel, no directory, slot busy":    {value: cancel, edits: []clusterEdit{noDirectory, busy}, expected: v1beta1.ControlStateInProgress},
		"cancel, slot busy":                  {value: cancel, edits: []clusterEdit{busy}, expected: v1beta1.ControlStateRequested},
		"cancel, deploying":                  {value: cancel, edits: []clusterEdit{run(v1beta1.JobStateDeploying)}, expected: v1beta1.ControlStateFailed, message: kill},
		"cancel, ended":                      {value: cancel, edits: []clusterEdit{run(v1beta1.JobStateSucceeded)}, expected: v1beta1.ControlStateFailed, message: "it is Succeeded"},
		"cancel without savepoint":           {value: kill, expected: v1beta1.ControlStateInProgress},
		"cancel without savepoint, starting": {value: kill, edits: []clusterEdit{run(v1beta1.JobStateDeploying)}, expected: v1beta1.ControlStateInProgress},
		"cancel without savepoint, restart":  {value: kill, edits: []clusterEdit{run(v1beta1.JobStateRestarting)}, expected: v1beta1.ControlStateInProgress},
		"cancel without savepoint, ended":    {value: kill, edits: []clusterEdit{run(v1beta1.JobStateLost)}, expected: v1beta1.ControlStateFailed, message: "it is Lost"},
		"unknown":                            {value: "job-explode", expected: v1beta1.ControlStateFailed, message: `unknown value "job-explode"`},
		"restart":                            {value: v1beta1.ControlJobRestart, expected: v1beta1.ControlStateInProgress},
		"restart, failed":                    {value: v1beta1.ControlJobRestart, edits: []clusterEdit{run(v1beta1.JobStateFailed)}, expected: v1beta1.ControlStateInProgress},
		"restart, suspended":                 {value: v1beta1.ControlJobRestart, edits: []clusterEdit{suspended}, expected: v1beta1.ControlStateFailed, message: "set it to running"},
		"restart, to be cancelled":           {value: v1beta1.ControlJobRestart, edits: []clusterEdit{cancelRequested}, expected: v1beta1.ControlStateFailed, message: "cancelRequested"},
		"empty":                              {value: "", expected: v1beta1.ControlStateFailed, message: `unknown value ""`},
		"capital letter":                     {value: "Savepoint", expected: v1beta1.ControlStateFailed},
		"very long":                          {value: strings.Repeat("ä", 10000), expected: v1beta1.ControlStateFailed},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning), annotated(test.value)}, test.edits...)...)
			before := cluster.DeepCopy()
			decision := decideControl(cluster, heard())
			require.Nil(t, decision.Annotations, "recorded first")
			control := decision.Status.Control
			require.Equal(t, test.expected, control.State, control.Message)
			require.Contains(t, control.Message, test.message)
			require.EqualValues(t, 1, control.Request)
			require.True(t, at(0).Equal(control.UpdateTime))
			require.LessOrEqual(t, len(control.Name), maxControlNameLength)
			if test.files != "" {
				request := decision.Status.Savepoint
				require.Equal(t, test.files, request.TriggerReason)
				require.Equal(t, test.files == v1beta1.SavepointReasonJobCancel, request.Stop)
				require.Equal(t, map[string]string{
					v1beta1.ControlDetailJobID: JobID(testUID, 1), v1beta1.ControlDetailSavepointTriggerID: request.TriggerID,
				}, control.Details)
			} else {
				require.Equal(t, before.Status.Savepoint, decision.Status.Savepoint)
			}
			if test.expected == v1beta1.ControlStateFailed {
				require.Empty(t, control.Details, "a refused request has touched nothing")
				before.Status.Control = control
				require.Equal(t, before.Status, decision.Status, "a refused request touches nothing")
			}

			cluster.Status = stored(t, decision.Status)
			second := decideControl(cluster, heard())
			require.True(t, apiequality.Semantic.DeepEqual(cluster.Status, second.Status), "decided once")
			if test.expected == v1beta1.ControlStateFailed {
				require.Equal(t, map[string]*string{v1beta1.ControlAnnotation: nil, v1beta1.ControlHandledAnnotation: new("1")}, second.Annotations)
			} else {
				require.Nil(t, second.Annotations)
			}
		})
	}
}

func TestFollow(t *testing.T) {
	const (
		requested  = v1beta1.ControlStateRequested
		inProgress = v1beta1.ControlStateInProgress
		succeeded  = v1beta1.ControlStateSucceeded
		failed     = v1beta1.ControlStateFailed
	)
	savepoint := control(v1beta1.ControlSavepoint, inProgress, follows(1))
	stopping := control(v1beta1.ControlJobCancel, inProgress, follows(1))
	cancelling := control(v1beta1.ControlJobCancelWithoutSavepoint, inProgress)
	second := func(job *v1beta1.JobStatus) { job.Attempt, job.ID = 2, JobID(testUID, 2) }
	for name, test := range map[string]struct {
		edits    []clusterEdit
		expected v1beta1.ControlState
		message  string
	}{
		"savepoint requested":             {[]clusterEdit{savepoint, slot(v1beta1.SavepointStateRequested)}, inProgress, ""},
		"savepoint in progress":           {[]clusterEdit{savepoint, slot(v1beta1.SavepointStateInProgress)}, inProgress, ""},
		"savepoint succeeded":             {[]clusterEdit{savepoint, slot(v1beta1.SavepointStateSucceeded)}, succeeded, ""},
		"savepoint succeeded, job ended":  {[]clusterEdit{savepoint, slot(v1beta1.SavepointStateSucceeded), run(v1beta1.JobStateSucceeded)}, succeeded, ""},
		"savepoint failed":                {[]clusterEdit{savepoint, slot(v1beta1.SavepointStateFailed)}, failed, "it broke"},
		"savepoint in the history":        {[]clusterEdit{savepoint, slot(v1beta1.SavepointStateFailed, func(s *v1beta1.SavepointStatus) { s.TriggerID = "x" }), history(v1beta1.SavepointRecord{TriggerID: TriggerID(testUID, 1)})}, succeeded, ""},
		"savepoint lost":                  {[]clusterEdit{savepoint, slot(v1beta1.SavepointStateSucceeded, func(s *v1beta1.SavepointStatus) { s.TriggerID = "x" })}, failed, "is gone"},
		"no slot at all":                  {[]clusterEdit{savepoint}, failed, "is gone"},
		"waits for the slot":              {[]clusterEdit{control(v1beta1.ControlSavepoint, requested), slot(v1beta1.SavepointStateInProgress)}, requested, "waits"},
		"gets the slot":                   {[]clusterEdit{control(v1beta1.ControlSavepoint, requested), slot(v1beta1.SavepointStateFailed)}, inProgress, ""},
		"waited, and the job failed":      {[]clusterEdit{control(v1beta1.ControlSavepoint, requested), run(v1beta1.JobStateFailed)}, failed, "it is Failed"},
		"no job any more":                 {[]clusterEdit{savepoint, func(c *v1beta1.FlinkCluster) { c.Status.Components.Job = nil }}, failed, "no job"},
		"stop in progress":                {[]clusterEdit{stopping, slot(v1beta1.SavepointStateInProgress, stop)}, inProgress, ""},
		"stop in progress, job failed":    {[]clusterEdit{stopping, slot(v1beta1.SavepointStateInProgress, stop), run(v1beta1.JobStateFailed), limit(0)}, inProgress, ""},
		"stop failed":                     {[]clusterEdit{stopping, slot(v1beta1.SavepointStateFailed, stop)}, failed, "it broke"},
		"stop succeeded, job still there": {[]clusterEdit{stopping, slot(v1beta1.SavepointStateSucceeded, stop)}, inProgress, ""},
		"stop succeeded, job lost":        {[]clusterEdit{stopping, slot(v1beta1.SavepointStateSucceeded, stop), run(v1beta1.JobStateLost), limit(0)}, inProgress, ""},
		"stop succeeded, job cancelled":   {[]clusterEdit{stopping, slot(v1beta1.SavepointStateSucceeded, stop), run(v1beta1.JobStateCancelled)}, succeeded, ""},
		"cancel, job still there":         {[]clusterEdit{cancelling}, inProgress, ""},
		"cancel, deploying":               {[]clusterEdit{cancelling, run(v1beta1.JobStateDeploying)}, inProgress, ""},
		"cancel, restarting":              {[]clusterEdit{cancelling, run(v1beta1.JobStateRestarting)}, inProgress, ""},
		"cancel, cancelled":               {[]clusterEdit{cancelling, run(v1beta1.JobStateCancelled)}, succeeded, ""},
		"cancel, finished":                {[]clusterEdit{cancelling, run(v1beta1.JobStateSucceeded)}, failed, "it is Succeeded"},
		"cancel, failed for good":         {[]clusterEdit{cancelling, run(v1beta1.JobStateFailed), limit(0)}, failed, "it is Failed"},
		"cancel, lost for good":           {[]clusterEdit{cancelling, run(v1beta1.JobStateLost), policy(v1beta1.RestartPolicyNever)}, failed, "it is Lost"},
		"cancel, failed before a restart": {[]clusterEdit{cancelling, run(v1beta1.JobStateFailed)}, inProgress, ""},
		"cancel, lost before a restart":   {[]clusterEdit{cancelling, run(v1beta1.JobStateLost)}, inProgress, ""},
		"cancel, another run":             {[]clusterEdit{cancelling, run(v1beta1.JobStateRunning, second)}, failed, "was restarted"},
		"requested, then another run":     {[]clusterEdit{control(v1beta1.ControlJobCancel, requested), run(v1beta1.JobStateRunning, second)}, inProgress, ""},
		"requested, of an older operator": {[]clusterEdit{control(v1beta1.ControlSavepoint, requested, func(c *v1beta1.ControlStatus) { c.Details = nil })}, inProgress, ""},
		"requested, session":              {[]clusterEdit{control(v1beta1.ControlSavepoint, requested), func(c *v1beta1.FlinkCluster) { c.Spec.Job = nil }}, failed, "no job"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning), annotated(v1beta1.ControlSavepoint)}, test.edits...)...)
			decision := decideControl(cluster, heard())
			require.Equal(t, test.expected, decision.Status.Control.State)
			require.Contains(t, decision.Status.Control.Message, test.message)
			require.Nil(t, decision.Annotations)
			if job := decision.Status.Components.Job; job != nil && decision.Status.Control.State == inProgress {
				require.Equal(t, job.ID, decision.Status.Control.Details[v1beta1.ControlDetailJobID])
			}
		})
	}
}

func TestAcknowledge(t *testing.T) {
	done := control(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded, func(c *v1beta1.ControlStatus) { c.Request = 3 })
	for name, test := range map[string]struct {
		edits    []clusterEdit
		expected map[string]*string
		accepted int64
	}{
		"removed, and its number noted": {[]clusterEdit{annotated("savepoint")}, map[string]*string{v1beta1.ControlAnnotation: nil, v1beta1.ControlHandledAnnotation: new("3")}, 0},
		"the one before was handled":    {[]clusterEdit{annotated("savepoint"), handled("2")}, map[string]*string{v1beta1.ControlAnnotation: nil, v1beta1.ControlHandledAnnotation: new("3")}, 0},
		"handled is no number":          {[]clusterEdit{annotated("savepoint"), handled("three")}, map[string]*string{v1beta1.ControlAnnotation: nil, v1beta1.ControlHandledAnnotation: new("3")}, 0},
		"handled is negative":           {[]clusterEdit{annotated("savepoint"), handled("-3")}, map[string]*string{v1beta1.ControlAnnotation: nil, v1beta1.ControlHandledAnnotation: new("3")}, 0},
		"handled is beyond counting":    {[]clusterEdit{annotated("savepoint"), handled("9223372036854775807")}, map[string]*string{v1beta1.ControlAnnotation: nil, v1beta1.ControlHandledAnnotation: new("3")}, 0},
		"the user removed it":           {nil, map[string]*string{v1beta1.ControlHandledAnnotation: new("3")}, 0},
		"the user wants something else": {[]clusterEdit{annotated("job-cancel")}, map[string]*string{v1beta1.ControlHandledAnnotation: new("3")}, 0},
		"all is done":                   {[]clusterEdit{handled("3")}, nil, 0},
		"attached again":                {[]clusterEdit{annotated("savepoint"), handled("3")}, nil, 4},
		"another one attached":          {[]clusterEdit{annotated("job-cancel"), handled("3")}, nil, 4},
		"handled by a later life":       {[]clusterEdit{annotated("savepoint"), handled("7")}, nil, 8},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning), done}, test.edits...)...)
			decision := decideControl(cluster, heard())
			require.Equal(t, test.expected, decision.Annotations)
			if test.accepted == 0 {
				require.Equal(t, cluster.Status, decision.Status)
				return
			}
			require.Equal(t, test.accepted, decision.Status.Control.Request)
			require.Equal(t, v1beta1.ControlStateInProgress, decision.Status.Control.State)
		})
	}
	t.Run("a copied cluster", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateRunning), annotated("savepoint"), handled("3"))
		require.EqualValues(t, 4, decideControl(cluster, heard()).Status.Control.Request)
	})
	t.Run("nothing asked ever", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateRunning))
		require.Equal(t, ControlDecision{Status: cluster.Status}, decideControl(cluster, heard()))
	})
}

// controlRun is a user, a savepoint loop and a control loop that lose every step that can be lost.
type controlRun struct {
	t       *testing.T
	cluster *v1beta1.FlinkCluster
	// taken counts the savepoints.
	taken int
}

// pass runs the control loop once; a lost pass decides and stores nothing.
func (r *controlRun) pass(lost bool) {
	r.t.Helper()
	decision := decideControl(r.cluster, heard())
	if lost {
		return
	}
	if !apiequality.Semantic.DeepEqual(decision.Status, r.cluster.Status) {
		r.cluster.Status = stored(r.t, decision.Status)
		return
	}
	for key, value := range decision.Annotations {
		if value == nil {
			delete(r.cluster.Annotations, key)
		} else {
			r.cluster.Annotations[key] = *value
		}
	}
}

func (r *controlRun) serve() {
	if slot := r.cluster.Status.Savepoint; SavepointBusy(slot) {
		r.taken++
		observed := heard(operation(flink.OperationSucceeded, func(o *flink.Operation) { o.TriggerID = slot.TriggerID }))
		r.cluster.Status = stored(r.t, decideSavepoint(r.cluster, observed, 0).Status)
	}
}

// TestAttachedAgain: the same value attached again is a new request, wherever the operator crashed in between.
func TestAttachedAgain(t *testing.T) {
	// Passes to the end: accept, follow, remove; each may be lost once.
	for lost := range 1 << 4 {
		r := &controlRun{t: t, cluster: newCluster(run(v1beta1.JobStateRunning))}
		for round := 1; round <= 3; round++ {
			annotated(v1beta1.ControlSavepoint)(r.cluster)
			for step := range 4 {
				if lost&(1<<step) != 0 {
					r.pass(true)
				}
				r.pass(false)
				r.serve()
			}
			require.Equal(t, round, r.taken)
			require.NotContains(t, r.cluster.Annotations, v1beta1.ControlAnnotation)
			require.EqualValues(t, round, r.cluster.Status.Control.Request)
			require.EqualValues(t, round, jobOf(r.cluster).SavepointGeneration)
		}
	}
}

// TestRemovedAndOverwritten: what users do to the annotation while its request is served.
func TestRemovedAndOverwritten(t *testing.T) {
	finish := func(r *controlRun) {
		for range 8 {
			r.pass(false)
			r.serve()
		}
	}
	for step := range 4 {
		r := &controlRun{t: t, cluster: newCluster(run(v1beta1.JobStateRunning), annotated(v1beta1.ControlSavepoint))}
		for range step {
			r.pass(false)
			r.serve()
		}
		delete(r.cluster.Annotations, v1beta1.ControlAnnotation)
		finish(r)
		require.Equal(t, min(step, 1), r.taken, "removed before it was read, it asks for nothing; later, it is served")

		r = &controlRun{t: t, cluster: newCluster(run(v1beta1.JobStateRunning), annotated(v1beta1.ControlSavepoint))}
		for range step {
			r.pass(false)
			r.serve()
		}
		annotated("job-explode")(r.cluster)
		finish(r)
		require.Equal(t, min(step, 1), r.taken)
		require.Equal(t, "job-explode", r.cluster.Status.Control.Name, "the overwriting value is a request of its own")
		require.NotContains(t, r.cluster.Annotations, v1beta1.ControlAnnotation)
	}
}
