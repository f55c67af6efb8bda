package lifecycle

import (
	"slices"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// scenario is what a search is about: a cluster, what its user wants of it, and how much trouble there may be.
type scenario struct {
	name string
	// running: it begins with a job that runs and has a checkpoint; otherwise with a new cluster.
	running bool
	script  []userStep
	trouble trouble
}

// userStep is something that the user does: an edit of the spec, or the annotation, once the last one has been removed.
type userStep struct {
	name   string
	attach string
	edit   clusterEdit
}

func attach(value string) userStep {
	return userStep{name: "attaches " + value, attach: value}
}

func edit(name string, edit clusterEdit) userStep { return userStep{name: name, edit: edit} }

var (
	askByGeneration = edit("sets savepointGeneration 1", spec(func(job *v1beta1.JobSpec) { job.SavepointGeneration = 1 }))
	askByNonce      = edit("sets savepointTriggerNonce 7", spec(func(job *v1beta1.JobSpec) { job.SavepointTriggerNonce = new(int64(7)) }))
	askForCancel    = edit("sets cancelRequested", cancelRequested)
	takeCancelBack  = edit("takes cancelRequested back", spec(func(job *v1beta1.JobSpec) { job.CancelRequested = false }))
)

// trouble is how often what may happen.
type trouble struct {
	name string
	may  map[part]int32
}

// troubles are combined with each script. Most scenarios are searched to their end: no state of theirs is left out.
func troubles() []trouble {
	return []trouble{
		{"a crash", map[part]int32{mayCrash: 1}},
		{"a lost message", map[part]int32{mayLoseMessage: 1, mayPassRepeatWindow: 1}},
		{"crashes", map[part]int32{mayCrash: 2, mayPassSecond: 1}},
		{"lost messages", map[part]int32{mayLoseMessage: 2, mayPassRepeatWindow: 1}},
		{"a crash and a lost message", map[part]int32{mayCrash: 1, mayLoseMessage: 1, mayPassSecond: 1}},
		{"a long silence", map[part]int32{mayLoseMessage: 1, mayPassRepeatWindow: 1, mayPassAnswerWait: 1}},
		{"a long absence", map[part]int32{mayCrash: 1, mayPassRepeatWindow: 1, mayPassAnswerWait: 1}},
		{"a failed savepoint", map[part]int32{mayFailSavepoint: 1, mayCrash: 1, mayPassRepeatWindow: 1}},
		{"a failed job", map[part]int32{mayFailJob: 1, mayCheckpoint: 1, mayPassRepeatWindow: 1}},
		{"a failed job and a crash", map[part]int32{mayFailJob: 1, mayCrash: 1, mayPassRepeatWindow: 1}},
		{"a lost JobManager", map[part]int32{mayLoseJobManager: 1}},
		{"a lost JobManager and a crash", map[part]int32{mayLoseJobManager: 1, mayCrash: 1}},
		{"a lost JobManager and a lost message", map[part]int32{mayLoseJobManager: 1, mayLoseMessage: 1}},
	}
}

func scenarios() []scenario {
	deletionTroubles := slices.DeleteFunc(troubles(), func(t trouble) bool { return !slices.Contains(troublesOfDeletions, t.name) })
	return slices.Concat(combined(wishes(), troubles()), combined(deletions(), deletionTroubles))
}

// troublesOfDeletions are those that a deletion meets: with all, the search would take too long.
var troublesOfDeletions = []string{
	"a crash", "lost messages", "a long absence", "a failed savepoint", "a failed job and a crash", "a lost JobManager and a lost message",
}

func wishes() []scenario {
	return []scenario{
		{name: "savepoint then job-cancel", running: true, script: []userStep{attach(v1beta1.ControlSavepoint), attach(v1beta1.ControlJobCancel)}},
		{name: "annotation and generation", running: true, script: []userStep{attach(v1beta1.ControlSavepoint), askByGeneration}},
		{name: "two annotations", running: true, script: []userStep{attach(v1beta1.ControlSavepoint), attach(v1beta1.ControlSavepoint)}},
		{name: "nonce and annotation", running: true, script: []userStep{askByNonce, attach(v1beta1.ControlSavepoint)}},
		{name: "cancelRequested and back", running: true, script: []userStep{askForCancel, takeCancelBack}},
		{name: "savepoint and job-cancel-without-savepoint", running: true, script: []userStep{attach(v1beta1.ControlSavepoint), attach(v1beta1.ControlJobCancelWithoutSavepoint)}},
		{name: "a new cluster and a savepoint", script: []userStep{attach(v1beta1.ControlSavepoint)}},
	}
}

func deletions() []scenario {
	return []scenario{
		{name: "a deletion", running: true, script: []userStep{deleteWith(v1beta1.DeletionPolicyCancel)}},
		{name: "a deletion with a savepoint", running: true, script: []userStep{deleteWith(v1beta1.DeletionPolicySavepoint)}},
		{name: "a savepoint and a deletion with one", running: true, script: []userStep{attach(v1beta1.ControlSavepoint), deleteWith(v1beta1.DeletionPolicySavepoint)}},
		{name: "a new cluster and its deletion", script: []userStep{deleteWith(v1beta1.DeletionPolicySavepoint)}},
	}
}

// combined has each wish meet each trouble.
func combined(wishes []scenario, troubles []trouble) []scenario {
	var found []scenario
	for _, wish := range wishes {
		for _, wish.trouble = range troubles {
			found = append(found, wish)
		}
	}
	return found
}
