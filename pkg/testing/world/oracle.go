package world

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// Oracle names a promise that is looked after.
type Oracle string

// The promises that the world itself looks after in every test.
const (
	// OraclePanic: no sync panics, and no loop writes what belongs to another.
	OraclePanic Oracle = "panic"
	// OracleEndless: the number of calls is bounded.
	OracleEndless Oracle = "endless"
	// OracleStuck: what a test waits for comes about.
	OracleStuck Oracle = "stuck"
	// OracleTwoRuns: two runs of a job never run at once.
	OracleTwoRuns Oracle = "two-runs"
	// OracleIntent: what cannot be repeated is done only once the status tells of it, under the id that it has there, and
	// a request by annotation is removed only once its result is told.
	OracleIntent Oracle = "intent"
	// OracleOlderState: no run starts from state older than the newest that stands in the status, or from nothing where
	// there is some.
	OracleOlderState Oracle = "older-state"
)

// Violation is a promise that was broken.
type Violation struct {
	Oracle  Oracle
	Message string
}

// Violate fails the test, since a promise was broken. It may be called from any goroutine.
func (w *World) Violate(oracle Oracle, format string, arguments ...any) {
	violation := Violation{Oracle: oracle, Message: fmt.Sprintf(format, arguments...)}
	w.mutex.Lock()
	known := slices.ContainsFunc(w.violations, func(other Violation) bool { return other.Oracle == oracle })
	w.violations = append(w.violations, violation)
	w.mutex.Unlock()
	w.note("VIOLATION %s: %s", oracle, violation.Message)
	if !known {
		w.t.Errorf("%s: %s", oracle, violation.Message)
	}
}

// Violations returns the promises that were broken so far.
func (w *World) Violations() []Violation {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.violations)
}

// judgeStart compares what a run starts from with what the status tells of the job's state in this moment. Whatever the
// status has acknowledged must not be lost, unless its files are gone, the user has named another snapshot, or has asked
// to throw it away.
func (w *World) judgeStart(key types.NamespacedName, restore string) {
	cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, key.Namespace, key.Name)
	if cluster == nil || cluster.Spec.Job == nil || cluster.Status.Components.Job == nil {
		return
	}
	known := acknowledged(cluster)
	if w.discards(cluster, restore, known) {
		return
	}
	if named := cluster.Spec.Job.FromSavepoint; named != "" && named == restore {
		return
	}
	if restore != "" && !w.Storage.Exists(restore) {
		return // it fails at once
	}
	thrownAway := w.thrownAway(cluster)
	if slices.Contains(thrownAway, restore) {
		w.Violate(OracleOlderState, "a run starts from %q, which the user had thrown away", restore)
	}
	newest, location := int64(0), ""
	for _, snapshot := range known {
		if id := w.Storage.ID(snapshot); id > newest && !slices.Contains(thrownAway, snapshot) {
			newest, location = id, snapshot
		}
	}
	if newest > w.Storage.ID(restore) {
		w.Violate(OracleOlderState, "a run starts from %q, and the status tells of the newer %q", restore, location)
	}
}

// judgeIntent takes care that the stored status tells of an effect in the moment in which it begins.
func (w *World) judgeIntent(key types.NamespacedName, effect string, told func(cluster *v1beta1.FlinkCluster) bool) {
	if cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, key.Namespace, key.Name); cluster != nil && !told(cluster) {
		w.Violate(OracleIntent, "the status does not tell of it: %s", effect)
	}
}

// judgeAnnotation is asked about each change of a cluster's metadata, before it is made.
func (w *World) judgeAnnotation(request fixture.Request) {
	if !strings.Contains(string(request.Body), `"`+v1beta1.ControlAnnotation+`":null`) {
		return
	}
	w.judgeIntent(types.NamespacedName{Namespace: request.Namespace, Name: request.Name}, "the annotation is removed", func(cluster *v1beta1.FlinkCluster) bool {
		control := cluster.Status.Control
		return control != nil && (control.State == v1beta1.ControlStateSucceeded || control.State == v1beta1.ControlStateFailed)
	})
}

// tellsOfSavepoint says whether a savepoint is the one in the slot.
func tellsOfSavepoint(cluster *v1beta1.FlinkCluster, triggerID string) bool {
	slot := cluster.Status.Savepoint
	return slot != nil && slot.TriggerID == triggerID
}

// tellsOfCancel says whether somebody has asked for the job to be cancelled, or it is stopped for an upgrade or the like in
// another way than with a savepoint.
func tellsOfCancel(cluster *v1beta1.FlinkCluster) bool {
	control, job := cluster.Status.Control, cluster.Status.Components.Job
	asked := control != nil && control.State == v1beta1.ControlStateInProgress &&
		(control.Name == v1beta1.ControlJobCancel || control.Name == v1beta1.ControlJobCancelWithoutSavepoint)
	transition := job.Transition
	stopped := transition != nil && transition.Attempt == job.Attempt &&
		(transition.Mode != v1beta1.UpgradeModeSavepoint || transition.Savepoint != "")
	return cluster.Spec.Job.CancelRequested || asked || stopped
}

// acknowledged returns the snapshots that a status tells of and that the spec allows. A checkpoint counts where the policy
// lives on checkpoints, and in a transition, unless that is to start from a savepoint that was recorded before.
func acknowledged(cluster *v1beta1.FlinkCluster) []string {
	var locations []string
	for _, record := range cluster.Status.SavepointHistory {
		locations = append(locations, record.Location)
	}
	job := cluster.Status.Components.Job
	lives := cluster.Spec.Job.RestartPolicy == v1beta1.RestartPolicyFromLatestStateOnFailure
	if transition := startedBy(job); transition != nil {
		lives = transition.Savepoint == ""
	}
	if job.LastCheckpoint != nil && lives {
		locations = append(locations, job.LastCheckpoint.Location)
	}
	return slices.DeleteFunc(locations, func(location string) bool { return slices.Contains(job.MissingSnapshots, location) })
}
