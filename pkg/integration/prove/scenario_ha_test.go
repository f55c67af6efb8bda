//go:build prove

package prove

import (
	"slices"
	"strings"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// highAvailability is a job that another JobManager goes on with, and that is upgraded through its metadata. The version of its
// images is known.
var highAvailability = []builders.ClusterOption{
	noSavepoint, builders.FlinkProperty("execution.checkpointing.dir", "file:/checkpoints"),
	builders.FlinkProperty("high-availability.type", "kubernetes"), builders.FlinkProperty("high-availability.storageDir", "file:/ha"),
}

// patched is the same Flink in another image.
var (
	patchedImage = "flink:1.20.3"
	newPatch     = builders.Image(patchedImage)
)

func runHA(options ...builders.ClusterOption) func(w *world.World) {
	return runJob(append(slices.Clone(highAvailability), options...)...)
}

// sameJob says whether a run goes on with the first job id.
func sameJob(w *world.World) bool {
	job := cluster(w).Status.Components.Job
	return job.HighAvailability != nil && job.ID == w.Ledger().Starts[0].JobID
}

// onlyMetadataOf says whether there is no metadata but that of the job that runs.
func onlyMetadata(w *world.World) bool {
	job := cluster(w).Status.Components.Job
	for name := range w.Metadata("a") {
		if job.HighAvailability == nil || !strings.HasPrefix(name, job.HighAvailability.ClusterID+"-") {
			return false
		}
	}
	return len(job.FormerMetadata) == 0
}

func nothingOpen(w *world.World) bool { return openRequests(w) == "" }

func hasMetadata(w *world.World, wanted bool) {
	if found := w.Metadata("a"); (len(found) > 0) != wanted {
		w.Violate(oracleStory, "the metadata is %v", found)
	}
}

// killJobManager ends the process of the JobManager, which starts anew in its pod.
func killJobManager(w *world.World) { w.ExitPod(jobManagerPod(w), world.OOMKilled) }

// highAvailabilityScenarios: Flink itself goes on after the loss of a JobManager, and the operator uses what Flink keeps for that.
func highAvailabilityScenarios() []scenario {
	return slices.Concat(recoveryScenarios(), forgottenScenarios(), metadataScenarios(), noMetadataScenarios())
}

func recoveryScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: []string{"nothing"}, state: stateRunning},
			name: "create with high availability", prepare: nothing, brief: true, leaders: true, done: all(running(1), sameJob),
			act: func(w *world.World) { w.Apply(jobCluster(highAvailability...)) },
		},
		{
			// It is no end of the run, and no failure.
			want: &want{restored: []string{"nothing", "chk-3", "chk-3"}, state: stateRunning},
			name: "JobManager with high availability lost", prepare: runHA(), brief: true, keepsJobManager: true, later: 1,
			act: func(w *world.World) {
				w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
				killJobManager(w)
				w.Settle(time.Minute)
				w.DeletePod(jobManagerPod(w))
			},
			done: all(running(1), sameJob, ready, func(w *world.World) bool {
				job := cluster(w).Status.Components.Job
				return job.RestartCount == 0 && len(w.Ledger().Starts) == 3
			}),
		},
		{
			want: &want{restored: []string{"nothing", "chk-2"}, state: stateRunning},
			name: "JobManager that takes its time to recover", prepare: runHA(), brief: true,
			act: func(w *world.World) {
				w.SlowRecovery(40 * time.Second)
				killJobManager(w)
				w.Settle(20 * time.Second)
				if ready(w) {
					w.Violate(oracleStory, "the cluster is told to be ready, and its job is not listed")
				}
			},
			done: all(running(1), sameJob, ready, func(w *world.World) bool { return len(w.Ledger().Starts) == 2 }),
		},
		{
			want: &want{restored: []string{"nothing", "chk-2"}, state: stateRunning},
			name: "StatefulSet of a JobManager with high availability deleted", prepare: runHA(), brief: true,
			act:  func(w *world.World) { w.Remove("StatefulSet/a-jobmanager") },
			done: all(running(1), sameJob, ready, func(w *world.World) bool { return len(w.Ledger().Starts) == 2 }),
		},
		{
			want: &want{restored: []string{"nothing", "chk-2"}, state: stateRunning},
			name: "another JobManager takes over", brief: true,
			prepare: runHA(builders.Spec(func(spec *v1beta1.FlinkClusterSpec) { spec.JobManager.Replicas = new(int32(2)) })),
			act:     func(w *world.World) { w.DeletePod("a-jobmanager-0") },
			done:    all(running(1), sameJob, ready, func(w *world.World) bool { return len(w.Ledger().Starts) == 2 }),
		},
		{
			// Its end by Flink is an end, and its checkpoints are left.
			want: &want{restored: []string{"nothing", "chk-3"}, state: stateRunning},
			name: "job with high availability fails for good", prepare: runHA(), act: failJob, brief: true, later: 1, done: all(running(2), onlyMetadata),
		},
		{
			want: &want{restored: []string{"nothing", "chk-2"}, effects: 0, state: stateRunning},
			name: "the JobManager comes back without its job", prepare: runHA(), brief: true, later: 1, done: all(running(2), onlyMetadata),
			act: func(w *world.World) { w.JobManager("a").RemoveJob(w.JobManager("a").JobID) },
		},
	}
}

// loseAnswer asks for a savepoint, and has the answer lost, and all that follow it, though the request takes effect. Then the
// JobManager ends; the next one knows nothing of it.
func loseAnswer(w *world.World, ask func(w *world.World), route flinktest.Route, lives time.Duration) {
	manager := w.JobManager("a")
	manager.Inject(flinktest.Fault{Route: route, Nth: 1, AfterEffect: true})
	manager.Inject(flinktest.Fault{Route: flinktest.RouteOperation})
	ask(w)
	w.Eventually("a savepoint has begun", func() bool { return len(manager.Ledger().Savepoints) > 0 })
	manager.Inject(flinktest.Fault{})
	w.Settle(lives)
	killJobManager(w)
}

// forgottenScenarios: a JobManager that takes over does not know the trigger ids of the one before.
func forgottenScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: []string{"nothing", "chk-2"}, effects: -1, state: stateRunning},
			name: "JobManager with high availability lost with the answer about a savepoint", brief: true, leaders: true, forgets: true, savepoints: 1,
			prepare: runHA(builders.SavepointsDir(savepointsDir)),
			act: func(w *world.World) {
				loseAnswer(w, annotate(v1beta1.ControlSavepoint), flinktest.RouteSavepoint, time.Second)
			},
			done: all(nothingOpen, running(1), sameJob, ready, func(w *world.World) bool { return len(w.Ledger().Starts) == 2 }),
		},
		{
			// The job goes on from its checkpoint, and is stopped again.
			want: &want{restored: []string{"nothing", "chk-2", "savepoint 2"}, stops: 2, effects: -1, state: stateRunning},
			name: "JobManager with high availability lost in the savepoint of an upgrade", brief: true, savepoints: 1,
			prepare: runHA(builders.SavepointsDir(savepointsDir), upgradeMode(v1beta1.UpgradeModeSavepoint)),
			act:     func(w *world.World) { loseAnswer(w, edit(newPatch), flinktest.RouteStop, 0) },
			done:    all(upgraded(2, patchedImage), onlyMetadata, ready),
		},
		{
			// The job goes on from its checkpoint, and is stopped again.
			want: &want{restored: []string{"nothing", "chk-2"}, stops: 2, effects: -1},
			name: "JobManager with high availability lost in the savepoint of a deletion", brief: true, savepoints: 1,
			prepare: runHA(builders.SavepointsDir(savepointsDir), bySavepoint),
			act:     func(w *world.World) { loseAnswer(w, remove, flinktest.RouteStop, 0) },
			done:    nothingLeft,
		},
		{
			// Flink deletes the checkpoints of a job that has finished, so only a user who finds the savepoint can go on.
			want: &want{restored: []string{"nothing", "chk-2", "chk-2", "savepoint 1"}, stops: 1, effects: -1, state: stateRunning},
			name: "JobManager with high availability lost after the savepoint of an upgrade", brief: true, forgets: true, savepoints: 1, later: 1,
			prepare: runHA(builders.SavepointsDir(savepointsDir), upgradeMode(v1beta1.UpgradeModeSavepoint)),
			act: func(w *world.World) {
				loseAnswer(w, edit(newPatch), flinktest.RouteStop, time.Second)
				w.Eventually("it is told", func() bool { return degraded("StateMissing")(w) })
				if said := cluster(w).Status.Savepoint.Message; !strings.Contains(said, savepointsDir) {
					w.Violate(oracleStory, "the savepoint failed, and it is told: %s", said)
				}
				w.Edit("a", builders.FromSavepoint(w.Ledger().Savepoints[0].Location))
			},
			done: all(upgraded(4, patchedImage), onlyMetadata, ready),
		},
	}
}

func metadataScenarios() []scenario {
	return []scenario{
		{
			// Nothing is cancelled, and the checkpoint is one that nobody has heard of.
			want: &want{restored: []string{"nothing", "chk-3"}, state: stateRunning},
			name: "upgrade through metadata", prepare: runHA(), done: all(upgraded(2, patchedImage), sameJob, ready),
			act: func(w *world.World) {
				w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
				w.Edit("a", newPatch)
			},
		},
		{
			want: &want{restored: []string{"nothing", "chk-2"}, effects: -1, state: stateRunning},
			name: "upgrade through metadata, and the JobManager does not answer", prepare: runHA(), brief: true, longest: 20 * time.Minute,
			done: all(upgraded(2, patchedImage), sameJob),
			act: func(w *world.World) {
				w.JobManager("a").Inject(flinktest.Fault{Hang: true})
				w.Settle(time.Minute)
				w.Edit("a", newPatch)
			},
		},
		{
			want: &want{restored: []string{"nothing", "chk-2", "chk-2"}, effects: -1, state: stateRunning},
			name: "JobManager lost during an upgrade through metadata", prepare: runHA(), brief: true, done: all(upgraded(2, patchedImage), sameJob),
			act: func(w *world.World) {
				killJobManager(w)
				w.Settle(500 * time.Millisecond)
				w.Edit("a", newPatch)
			},
		},
		{
			want: &want{restored: []string{"nothing", "chk-2", "chk-2"}, state: stateRunning},
			name: "JobManager lost after an upgrade through metadata", prepare: runHA(), brief: true, done: all(upgraded(2, patchedImage), sameJob, ready),
			act: func(w *world.World) {
				w.Edit("a", newPatch)
				w.Eventually("it is upgraded", func() bool { return upgraded(2, patchedImage)(w) })
				killJobManager(w)
				w.Eventually("it goes on", func() bool { return len(w.Ledger().Starts) == 3 })
			},
		},
		{
			want: &want{restored: []string{"nothing", "chk-2"}, state: stateRunning},
			name: "suspend and resume through metadata", prepare: runHA(), brief: true, done: all(upgraded(2, patchedImage), sameJob),
			act: func(w *world.World) {
				w.Edit("a", suspend)
				awaitSuspended(w)
				hasMetadata(w, true)
				w.Edit("a", newPatch)
				w.Settle(time.Minute)
				w.Edit("a", resume)
			},
		},
		{
			// A savepoint is newer than the last checkpoint, and Flink does not keep it in its metadata.
			want: &want{restored: []string{"nothing", "savepoint 1"}, effects: 0, state: stateRunning},
			name: "upgrade with a savepoint newer than the metadata", brief: true, savepoints: 1, done: all(upgraded(2, patchedImage), onlyMetadata),
			prepare: func(w *world.World) {
				runHA(builders.SavepointsDir(savepointsDir), upgradeMode(v1beta1.UpgradeModeLastState))(w)
				takeSavepoint(w)
				w.Settle(time.Minute)
			},
			act: edit(newPatch),
		},
	}
}

func noMetadataScenarios() []scenario {
	return []scenario{
		{
			// Another Flink cannot read the metadata.
			want: &want{restored: []string{"nothing", "chk-3"}, cancels: 1, effects: 1, state: stateRunning},
			name: "upgrade of Flink with high availability", prepare: runHA(), brief: true, done: all(upgraded(2, secondImage), onlyMetadata),
			act: func(w *world.World) {
				w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
				w.Edit("a", newImage)
			},
		},
		{
			want: &want{restored: []string{"nothing", "nothing"}, cancels: 1, effects: 1, state: stateRunning},
			name: "upgrade stateless with high availability", prepare: runHA(upgradeMode(v1beta1.UpgradeModeStateless)), brief: true,
			done: all(upgraded(2, patchedImage), onlyMetadata), act: edit(newPatch),
		},
		{
			want: &want{restored: nothingRan, cancels: 1, effects: 1},
			name: "delete with high availability", prepare: runHA(), act: remove, brief: true, leaders: true,
			done: all(nothingLeft, func(w *world.World) bool { return len(w.Metadata("a")) == 0 }),
		},
		{
			// The path of the newest checkpoint is known, so the job goes on.
			want: &want{restored: []string{"nothing", "chk-2"}, state: stateRunning},
			name: "metadata gone while suspended", prepare: runHA(), brief: true, done: all(running(2), onlyMetadata), act: func(w *world.World) {
				w.Edit("a", suspend)
				awaitSuspended(w)
				w.RemoveMetadata("a")
				w.Edit("a", resume)
			},
		},
		{
			want: &want{restored: []string{"nothing", "nothing"}, state: stateRunning},
			name: "metadata gone, and no checkpoint known", brief: true, done: all(running(2), onlyMetadata),
			prepare: func(w *world.World) {
				// Nobody has heard of its checkpoint.
				w.Apply(jobCluster(append(slices.Clone(highAvailability), suspend)...))
				w.Eventually("it waits", func() bool { return suspended(w) })
				w.Edit("a", resume)
				w.UntilRunning("a", 1)
				w.Edit("a", builders.Spec(func(spec *v1beta1.FlinkClusterSpec) { spec.Image.Name = "flink:1.20.1" }))
				w.Eventually("it is told", func() bool { return degraded("NoCheckpoint")(w) })
				w.JobManager("a").Inject(flinktest.Fault{Hang: true})
			},
			act: func(w *world.World) {
				w.Edit("a", suspend)
				w.RemoveMetadata("a")
				awaitSuspended(w)
				w.Edit("a", resume)
				w.Eventually("it is told", func() bool { return degraded("HAMetadataMissing")(w) })
				stays(w, "the metadata is gone", 1)
				w.Edit("a", upgradeMode(v1beta1.UpgradeModeStateless))
			},
		},
		{
			want: &want{restored: []string{"nothing", "chk-3"}, cancels: 1, effects: 1, state: stateRunning},
			name: "high availability is taken away", prepare: runHA(), brief: true,
			act: func(w *world.World) {
				w.JobManager("a").CompleteCheckpoint(w.JobManager("a").JobID)
				w.Edit("a", builders.FlinkProperty("high-availability.type", "NONE"))
			},
			done: all(running(2), func(w *world.World) bool {
				children := w.Children()
				return len(w.Metadata("a")) == 0 && slices.Contains(children, "Job/a-jobmanager") && !slices.Contains(children, "Role/a-flink")
			}),
		},
	}
}
