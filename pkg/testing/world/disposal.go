package world

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// OracleDisposal: nothing is disposed of but old savepoints that nobody asked for and nobody needs.
const OracleDisposal Oracle = "disposal"

// noteReason remembers why a savepoint that has just begun is taken.
func (w *World) noteReason(key types.NamespacedName, triggerID string) {
	cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, key.Namespace, key.Name)
	if cluster == nil || !tellsOfSavepoint(cluster, triggerID) {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.reasons[triggerID] = cluster.Status.Savepoint.TriggerReason
}

// FollowDisposals looks at what was disposed of since it was last called: after each request, and by tests that let
// disposals go on.
func (p *Process) FollowDisposals() { p.followDisposals() }

func (p *Process) followDisposals() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, location := range p.JobManager.Ledger().Disposals[p.disposed:] {
		p.disposed++
		p.world.note("savepoint %s is disposed of", location)
		p.judgeDisposal(location)
	}
}

func (p *Process) judgeDisposal(location string) {
	w := p.world
	cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, p.cluster.Namespace, p.cluster.Name)
	if cluster == nil {
		return
	}
	history := cluster.Status.SavepointHistory
	at := slices.IndexFunc(history, func(record v1beta1.SavepointRecord) bool { return record.Location == location })
	if at < 0 || history[at].Disposal == nil {
		w.Violate(OracleIntent, "the status does not tell of it: the savepoint %s is disposed of", location)
	}
	newest := ""
	triggerID := ""
	for _, savepoint := range w.Ledger().Savepoints {
		if savepoint.Location != "" {
			newest = savepoint.Location
		}
		if savepoint.Location == location {
			triggerID = savepoint.TriggerID
		}
	}
	if location == newest {
		w.Violate(OracleDisposal, "the newest savepoint is disposed of: %s", location)
	}
	w.mutex.Lock()
	reason := w.reasons[triggerID]
	w.mutex.Unlock()
	ours := []v1beta1.SavepointReason{v1beta1.SavepointReasonScheduled, v1beta1.SavepointReasonUpdate, v1beta1.SavepointReasonSuspend}
	if !slices.Contains(ours, reason) {
		w.Violate(OracleDisposal, "a savepoint is disposed of that was taken for the reason %q: %s", reason, location)
	}
	p.judgeNeed(cluster, location)
}

// judgeNeed: neither the run that goes on nor the next one may need it.
func (p *Process) judgeNeed(cluster *v1beta1.FlinkCluster, location string) {
	starts := p.JobManager.Ledger().Starts
	if last := starts[len(starts)-1]; last.RestorePath == location && !p.Checkpointed(p.JobID) {
		p.world.Violate(OracleDisposal, "the run was started from it, and has no checkpoint: %s is disposed of", location)
	}
	job := cluster.Status.Components.Job
	if cluster.Spec.Job.FromSavepoint == location || job.Transition != nil && job.Transition.Savepoint == location {
		p.world.Violate(OracleDisposal, "the next run starts from it: %s is disposed of", location)
	}
}
