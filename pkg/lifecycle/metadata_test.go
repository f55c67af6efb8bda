package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// withHA is a job with high availability and no place for savepoints, whose recorded run has it, too.
func withHA(cluster *v1beta1.FlinkCluster) {
	noDirectory(cluster)
	cluster.Spec.FlinkProperties = map[string]string{"high-availability.type": "kubernetes", "high-availability.storageDir": "s3://ha"}
	if job := cluster.Status.Components.Job; job != nil && job.Attempt > 0 {
		job.HighAvailability = &v1beta1.HighAvailabilityStatus{
			ClusterID: v1beta1.HAClusterID("counter", job.ID), StorageDir: "s3://ha", Image: "flink:2.1", FlinkVersion: "2.1",
		}
	}
}

func metadataIs(state v1beta1.MetadataState) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) { jobOf(cluster).HighAvailability.Metadata = state }
}

func wentOnFrom(number int64) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) { jobOf(cluster).HighAvailability.CheckpointID = number }
}

func transitionTo(purpose v1beta1.TransitionPurpose, state v1beta1.JobState) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) {
		job := jobOf(cluster)
		job.State, job.CompletionTime = state, at(-time.Minute)
		job.Transition = &v1beta1.JobTransition{Purpose: purpose, Mode: v1beta1.UpgradeModeLastState, StartTime: *at(-time.Minute), Attempt: 1, KeepsMetadata: true}
	}
}

// nextSpec is what an edit asks for.
type nextSpec struct {
	edit    clusterEdit
	version string
}

// decideHA decides on a cluster for which an upgrade to another image of the same Flink is wanted, unless next says otherwise.
func decideHA(cluster *v1beta1.FlinkCluster, next *nextSpec, children Children, observed flink.Observation) ClusterDecision {
	in := ClusterInput{Cluster: cluster, Revision: "counter-1", Version: "2.1", Children: children, Observation: observed, Now: start}
	if next != nil {
		wanted := cluster.DeepCopy()
		wanted.Spec.Image.Name = "flink:2.1.4"
		if next.edit != nil {
			next.edit(wanted)
		}
		in.NextRevision, in.Next, in.NextVersion, in.Changed = "counter-2", &wanted.Spec, next.version, []string{"spec.image.name"}
	}
	cluster.Status.Revision.Current = "counter-1"
	return DecideCluster(in)
}

var samePatch = &nextSpec{version: "2.1.4"}

// TestMetadataServes: which edits go through the metadata of the run before.
func TestMetadataServes(t *testing.T) {
	properties := func(name, value string) clusterEdit {
		return func(cluster *v1beta1.FlinkCluster) {
			cluster.Spec.FlinkProperties = map[string]string{"high-availability.type": "kubernetes", "high-availability.storageDir": "s3://ha"}
			cluster.Spec.FlinkProperties[name] = value
		}
	}
	image := func(name string) clusterEdit {
		return func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Image.Name = name }
	}
	for name, test := range map[string]struct {
		next   nextSpec
		serves bool
	}{
		"another patch of Flink":      {nextSpec{version: "2.1.4"}, true},
		"the same image":              {nextSpec{version: "2.1", edit: image("flink:2.1")}, true},
		"another option":              {nextSpec{version: "2.1", edit: both(image("flink:2.1"), properties("a", "b"))}, true},
		"another Flink":               {nextSpec{version: "2.2.0"}, false},
		"a Flink that is not known":   {nextSpec{version: ""}, false},
		"another storage":             {nextSpec{version: "2.1", edit: properties("high-availability.storageDir", "s3://elsewhere")}, false},
		"high availability goes":      {nextSpec{version: "2.1", edit: properties("high-availability.type", "NONE")}, false},
		"state that may be left out":  {nextSpec{version: "2.1", edit: spec(func(job *v1beta1.JobSpec) { job.AllowNonRestoredState = true })}, false},
		"a version of two characters": {nextSpec{version: "2."}, false},
	} {
		t.Run(name, func(t *testing.T) {
			decision := decideHA(newCluster(run(v1beta1.JobStateRunning, withCheckpoint), withHA), &test.next, up(1), heard())
			transition := decision.Status.Components.Job.Transition
			require.NotNil(t, transition)
			require.Equal(t, v1beta1.UpgradeModeLastState, transition.Mode)
			require.Equal(t, test.serves, transition.KeepsMetadata)
			require.Empty(t, decision.Effects, "what is recorded comes first")
		})
	}
	t.Run("both unknown, and another image", func(t *testing.T) {
		require.False(t, sameFlink(&v1beta1.HighAvailabilityStatus{Image: "acme/shop:1"}, "acme/shop:2", ""))
		require.True(t, sameFlink(&v1beta1.HighAvailabilityStatus{Image: "acme/shop:1"}, "acme/shop:1", ""))
	})
}

// TestStopThatKeepsMetadata: nothing is cancelled; the pods are removed in the pass after the record.
func TestStopThatKeepsMetadata(t *testing.T) {
	for name, observed := range map[string]flink.Observation{
		"runs": heard(), "restarts": heard(flinkSays(flink.JobRestarting)), "has been silent": silentFor(silenceWait), "never heard of": {Silent: true, JobID: JobID(testUID, 1), Attempt: 1},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(run(v1beta1.JobStateRunning, withCheckpoint), withHA)
			decision := decideHA(cluster, samePatch, up(1), observed)
			require.True(t, decision.Status.Components.Job.Transition.KeepsMetadata)
			cluster.Status = decision.Status
			decision = decideHA(cluster, samePatch, up(1), observed)
			job := decision.Status.Components.Job
			require.Empty(t, decision.Effects)
			require.Equal(t, v1beta1.JobStateUpdating, job.State)
			require.Equal(t, v1beta1.MetadataKept, job.HighAvailability.Metadata)
			require.Equal(t, Delete, decision.Plan.JobManager)
			require.Equal(t, Delete, decision.Plan.TaskManager)
		})
	}
	t.Run("no checkpoint yet", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateRunning), withHA)
		require.Nil(t, decideHA(cluster, samePatch, up(1), heard(noCheckpoints)).Status.Components.Job.Transition)
		inMemory := heard(func(observed *flink.Observation) {
			observed.Checkpoints.Completed.Location = "<checkpoint-not-externally-addressable>"
		})
		require.NotNil(t, decideHA(cluster, samePatch, up(1), inMemory).Status.Components.Job.Transition, "the metadata has it")
	})
}

// TestStartFromMetadata: what the next run starts from, once the pods of the last are gone.
func TestStartFromMetadata(t *testing.T) {
	kept := both(run(v1beta1.JobStateRunning, withCheckpoint), withHA, transitionTo(v1beta1.TransitionUpgrade, v1beta1.JobStateUpdating), metadataIs(v1beta1.MetadataKept))
	neverRecorded := both(kept, func(cluster *v1beta1.FlinkCluster) { jobOf(cluster).LastCheckpoint = nil })
	otherFlink := &nextSpec{version: "2.2"}
	for name, test := range map[string]struct {
		edit     clusterEdit
		next     *nextSpec
		metadata Metadata
		// number of the checkpoint that the run goes on from with its id; location else, with another.
		number   int64
		location string
		refused  string
	}{
		"goes on":                           {kept, samePatch, Metadata{Exists: true, CheckpointID: 7}, 7, "", ""},
		"the recorded one is the newest":    {kept, samePatch, Metadata{Exists: true, CheckpointID: 5}, 5, "", ""},
		"another Flink":                     {kept, otherFlink, Metadata{Exists: true, CheckpointID: 7}, 0, checkpointPath(1, 7), ""},
		"a newer savepoint":                 {both(kept, history(record(1, 9, 0))), samePatch, Metadata{Exists: true, CheckpointID: 7}, 0, savepointPath(1, 9), ""},
		"an older savepoint":                {both(kept, history(record(1, 6, 0))), samePatch, Metadata{Exists: true, CheckpointID: 7}, 7, "", ""},
		"gone":                              {kept, samePatch, Metadata{}, 0, checkpointPath(1, 5), ""},
		"gone, and nothing known":           {neverRecorded, samePatch, Metadata{}, 0, "", reasonMetadataMissing},
		"no checkpoint was ever completed":  {neverRecorded, samePatch, Metadata{Exists: true}, 0, "", ""},
		"known to the metadata alone":       {neverRecorded, samePatch, Metadata{Exists: true, CheckpointID: 7}, 7, "", ""},
		"that alone, and another Flink":     {neverRecorded, otherFlink, Metadata{Exists: true, CheckpointID: 7}, 0, "", reasonNoCheckpoint},
		"stateless, whatever there is":      {both(kept, mode(v1beta1.UpgradeModeStateless)), samePatch, Metadata{}, 0, "", ""},
		"what it was started from, by name": {both(neverRecorded, startedFrom(checkpointPath(9, 7))), otherFlink, Metadata{Exists: true, CheckpointID: 7}, 0, checkpointPath(9, 7), ""},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(test.edit)
			cluster.Status.Components.JobManager = nil
			stateless := cluster.Spec.Job.UpgradeMode == v1beta1.UpgradeModeStateless
			if !stateless {
				first := decideHA(cluster, test.next, Children{}, flink.Observation{})
				require.True(t, first.ReadMetadata, "it has to be looked at")
				require.Equal(t, cluster.Status, first.Status)
				require.Equal(t, Plan{}, first.Plan)
			}
			decision := decideHA(cluster, test.next, Children{Metadata: &test.metadata}, flink.Observation{})
			job := decision.Status.Components.Job
			if test.refused != "" {
				require.Equal(t, v1beta1.JobStateFailed, job.State)
				require.EqualValues(t, 1, job.Attempt)
				require.Contains(t, job.FailureReasons[0], "upgradeMode to stateless")
				return
			}
			require.Equal(t, v1beta1.JobStateDeploying, job.State)
			require.EqualValues(t, 2, job.Attempt)
			if test.number > 0 {
				require.Equal(t, JobID(testUID, 1), job.ID)
				require.Equal(t, test.number, job.HighAvailability.CheckpointID)
				require.Empty(t, job.FormerMetadata)
				return
			}
			require.Equal(t, JobID(testUID, 2), job.ID)
			require.Equal(t, test.location, job.FromSavepoint)
			require.Zero(t, job.HighAvailability.CheckpointID)
			require.Equal(t, []string{JobID(testUID, 1)}, job.FormerMetadata)
		})
	}
}

func startedFrom(location string) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) { jobOf(cluster).FromSavepoint = location }
}

// TestMissingMetadataStaysMissing: a job whose state is gone is not started from nothing, whatever becomes of the edit.
func TestMissingMetadataStaysMissing(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateFailed), withHA, metadataIs(v1beta1.MetadataMissing))
	for name, next := range map[string]*nextSpec{"edited": samePatch, "taken back": nil} {
		t.Run(name, func(t *testing.T) {
			decision := decideHA(cluster.DeepCopy(), next, Children{}, flink.Observation{})
			require.Equal(t, v1beta1.JobStateFailed, decision.Status.Components.Job.State)
			require.Equal(t, reasonMetadataMissing, conditionOf(decision.Status, v1beta1.ConditionDegraded).Reason)
			require.Contains(t, conditionOf(decision.Status, v1beta1.ConditionDegraded).Message, "app="+jobOf(cluster).HighAvailability.ClusterID)
		})
	}
	for name, edit := range map[string]clusterEdit{
		"stateless": mode(v1beta1.UpgradeModeStateless), "a snapshot is named": spec(func(job *v1beta1.JobSpec) { job.FromSavepoint = otherPath }),
	} {
		t.Run(name, func(t *testing.T) {
			edited := cluster.DeepCopy()
			edit(edited)
			require.Equal(t, v1beta1.JobStateUpdating, decideHA(edited, samePatch, Children{}, flink.Observation{}).Status.Components.Job.State)
		})
	}
}

// TestMadeFromMetadata: the pods of a run that goes on from metadata are made once it has been seen to be there, and the graph
// of the job before is removed with that.
func TestMadeFromMetadata(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateDeploying, withCheckpoint), withHA, wentOnFrom(7))
	cluster.Status.Components.JobManager = nil
	require.True(t, decideHA(cluster, nil, Children{}, flink.Observation{}).ReadMetadata)
	decision := decideHA(cluster, nil, Children{Metadata: &Metadata{Exists: true, CheckpointID: 7}}, flink.Observation{})
	require.Equal(t, Apply, decision.Plan.JobManager)
	require.Equal(t, Delete, decision.Plan.StoredGraph)
	for name, transition := range map[string]*v1beta1.JobTransition{
		"upgrade": {Purpose: v1beta1.TransitionUpgrade, Mode: v1beta1.UpgradeModeLastState}, "resumed after a cancel": nil,
	} {
		t.Run("gone: "+name, func(t *testing.T) {
			gone := cluster.DeepCopy()
			jobOf(gone).Transition = transition
			decision := decideHA(gone, nil, Children{Metadata: &Metadata{}}, flink.Observation{})
			job := decision.Status.Components.Job
			require.Contains(t, []v1beta1.JobState{v1beta1.JobStateUpdating, v1beta1.JobStateRestarting}, job.State)
			require.Equal(t, v1beta1.MetadataMissing, job.HighAvailability.Metadata)
			require.Equal(t, Delete, decision.Plan.JobManager)
		})
	}
	t.Run("deleted before they are made", func(t *testing.T) {
		deleted := cluster.DeepCopy()
		deleted.Finalizers, deleted.DeletionTimestamp = []string{v1beta1.Finalizer}, at(-time.Minute)
		jobOf(deleted).Transition = &v1beta1.JobTransition{
			Purpose: v1beta1.TransitionDelete, Mode: v1beta1.UpgradeModeStateless, StartTime: *at(-time.Minute), Attempt: 1,
		}
		decision := decideHA(deleted, nil, Children{Confirmed: true}, flink.Observation{})
		require.Equal(t, v1beta1.JobStateCancelled, decision.Status.Components.Job.State)
		require.True(t, decision.Release)
		require.Equal(t, Delete, decision.Plan.AllMetadata)
	})
	t.Run("made", func(t *testing.T) {
		cluster.Status.Components.JobManager = &v1beta1.WorkloadStatus{Name: "counter-jobmanager"}
		decision := decideHA(cluster, nil, up(1), flink.Observation{})
		require.False(t, decision.ReadMetadata)
		require.Equal(t, Apply, decision.Plan.JobManager, "it is mended")
		require.Equal(t, Leave, decision.Plan.StoredGraph)
	})
}

// TestJobManagerWithHighAvailability: its end is not the end of the run, and it is given the time to recover its job.
func TestJobManagerWithHighAvailability(t *testing.T) {
	gone := up(1)
	gone.Pods = nil
	away := up(1)
	away.JobManager = Workload{}
	missing := func(since time.Duration) flink.Observation {
		return heard(unlisted(5), func(observed *flink.Observation) { observed.MissingSince = start.Add(-since) })
	}
	restarted := up(1)
	restarted.Pods = []Pod{{Name: "counter-jobmanager-0", Component: v1beta1.ComponentJobManager, Attempt: 1, Restarts: 1, ExitCode: new(int32(2)), Message: "Caused by: no such class"}}
	deploying, running := v1beta1.JobStateDeploying, v1beta1.JobStateRunning
	for name, test := range map[string]struct {
		state, expected v1beta1.JobState
		children        Children
		observed        flink.Observation
		requeue         time.Duration
	}{
		"pod gone":                        {running, running, gone, heard(silent), 0},
		"StatefulSet gone":                {running, running, away, heard(silent), 0},
		"job not listed yet":              {running, running, up(1), missing(20 * time.Second), 40 * time.Second},
		"job not listed, silent since":    {running, running, up(1), heard(unlisted(5)), 0},
		"job not listed for a minute":     {running, v1beta1.JobStateLost, up(1), missing(time.Minute), 0},
		"the main method takes its time":  {deploying, deploying, up(1), missing(time.Hour), 0},
		"ended and started without a job": {deploying, v1beta1.JobStateLost, restarted, missing(time.Minute), 0},
		"failed for good":                 {running, v1beta1.JobStateFailed, up(1), heard(flinkSays(flink.JobFailed)), 0},
	} {
		t.Run(name, func(t *testing.T) {
			decision := decideHA(newCluster(policy(v1beta1.RestartPolicyNever), run(test.state, withCheckpoint), withHA), nil, test.children, test.observed)
			require.Equal(t, test.expected, decision.Status.Components.Job.State)
			require.False(t, decision.Confirm)
			if test.requeue > 0 {
				require.Equal(t, test.requeue, decision.RequeueAfter)
			}
			if test.expected == test.state {
				require.Equal(t, Apply, decision.Plan.JobManager)
			}
		})
	}
}

// TestAnotherRunOfTheSameJob: what was heard of the run before does not count, though it has the same job id.
func TestAnotherRunOfTheSameJob(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateDeploying, withCheckpoint), withHA, wentOnFrom(5))
	jobOf(cluster).Attempt = 2
	children := up(2)
	decision := decideHA(cluster, nil, children, heard())
	require.Equal(t, v1beta1.JobStateDeploying, decision.Status.Components.Job.State)
	decision = decideHA(cluster, nil, children, heard(func(observed *flink.Observation) { observed.Attempt = 2 }))
	require.Equal(t, v1beta1.JobStateRunning, decision.Status.Components.Job.State)
}

// TestMetadataMismatch compares what Flink restored with what was in the metadata.
func TestMetadataMismatch(t *testing.T) {
	restored := func(snapshot *flink.Snapshot) func(*flink.Observation) {
		return func(observed *flink.Observation) { observed.Checkpoints.Restored = snapshot }
	}
	for name, test := range map[string]struct {
		restored *flink.Snapshot
		mismatch bool
	}{
		"the newest":       {checkpoint(1, 7), false},
		"after a failover": {checkpoint(1, 9), false},
		"an older one":     {checkpoint(1, 6), true},
		"nothing":          {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			decision := decideHA(newCluster(run(v1beta1.JobStateRunning, withCheckpoint), withHA, wentOnFrom(7)), nil, up(1), heard(restored(test.restored)))
			require.Equal(t, test.mismatch, conditionOf(decision.Status, v1beta1.ConditionDegraded).Reason == reasonRestoreMismatch)
		})
	}
}

// TestFormerMetadata is removed when the run is up, and forgotten when it is gone.
func TestFormerMetadata(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning, withCheckpoint), withHA)
	jobOf(cluster).FormerMetadata = []string{"ab"}
	require.True(t, decideHA(cluster, nil, up(1), heard()).ReadMetadata)
	decision := decideHA(cluster, nil, withMetadata(up(1), Metadata{Exists: true, Former: true}), heard())
	require.Equal(t, Delete, decision.Plan.FormerMetadata)
	require.Positive(t, decision.RequeueAfter)
	require.Equal(t, []string{"ab"}, decision.Status.Components.Job.FormerMetadata)
	decision = decideHA(cluster, nil, withMetadata(up(1), Metadata{Exists: true}), heard())
	require.Empty(t, decision.Status.Components.Job.FormerMetadata)
	require.Equal(t, Leave, decision.Plan.FormerMetadata)
	jobOf(cluster).State = v1beta1.JobStateDeploying
	require.False(t, decideHA(cluster, nil, up(1), flink.Observation{}).ReadMetadata, "not before the run is up")
}

func withMetadata(children Children, metadata Metadata) Children {
	children.Metadata = &metadata
	return children
}

// TestFormerMetadataIsBounded: the newest are kept.
func TestFormerMetadataIsBounded(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning), withHA)
	pass := newJobPass(ClusterInput{Cluster: cluster, Now: start}, &cluster.Status)
	for range 2 * mostFormerMetadata {
		pass.startRun(restorePoint{})
	}
	require.Len(t, pass.job.FormerMetadata, mostFormerMetadata)
	require.Equal(t, JobID(testUID, pass.job.Attempt-1), pass.job.FormerMetadata[mostFormerMetadata-1])
}

// TestMetadataInWords: events and conditions tell what the job goes on from.
func TestMetadataInWords(t *testing.T) {
	before := newCluster(run(v1beta1.JobStateRunning, withCheckpoint), withHA, transitionTo(v1beta1.TransitionUpgrade, v1beta1.JobStateUpdating), metadataIs(v1beta1.MetadataKept))
	message := func(metadata Metadata) string {
		after := before.DeepCopy()
		after.Status.Components.JobManager = nil
		after.Status = decideHA(after, samePatch, withMetadata(Children{}, metadata), flink.Observation{}).Status
		events := Events(before, after)
		require.Equal(t, v1beta1.EventJobStarting, events[0].Reason)
		return events[0].Message
	}
	require.Contains(t, message(Metadata{Exists: true, CheckpointID: 7}), "goes on from its high-availability metadata, with checkpoint 7")
	require.Contains(t, message(Metadata{}), "chk-5, and not from the high-availability metadata of the run before")

	waiting := up(1)
	waiting.Pods = []Pod{{Name: "counter-jobmanager-0", Component: v1beta1.ComponentJobManager, Attempt: 1, Waiting: "jobmanager: CrashLoopBackOff: back-off", ExitCode: new(int32(2)), Message: "Caused by: no such class"}}
	degraded := conditionOf(decideHA(newCluster(run(v1beta1.JobStateDeploying), withHA), nil, waiting, flink.Observation{}).Status, v1beta1.ConditionDegraded)
	require.Equal(t, "CrashLoop", degraded.Reason)
	require.Contains(t, degraded.Message, "no such class")
}
