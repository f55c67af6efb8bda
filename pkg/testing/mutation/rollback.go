package mutation

const rollbackFile = "pkg/lifecycle/rollback.go"

// rollbackMutants spoil how an upgrade that fails is taken back.
var rollbackMutants = []Mutant{
	{
		Name: "failed-revision-retried", File: rollbackFile, Plans: "^rollback of an upgrade that fails at once$/undisturbed",
		Old:    `next == status.Revision.Failed && !triesAgain(in.Cluster, status) {`,
		New:    `next == status.Revision.Failed && !triesAgain(in.Cluster, status) && !mutant.Active("failed-revision-retried") {`,
		Breaks: "a revision that failed is not tried again until the spec changes",
	},
	{
		Name: "failed-revision-resumed", File: rollbackFile, Plans: "^suspend during a rollback$/undisturbed",
		Old: `	case rollingBack(*revision):
		revision.Current = revision.Stable
`,
		New: `	case rollingBack(*revision) && (!mutant.Active("failed-revision-resumed") || p.job.State != v1beta1.JobStateSuspended && p.job.Transition.Purpose == v1beta1.TransitionRollBack):
		revision.Current = revision.Stable
`,
		Breaks: "a revision that failed is not started again, whatever becomes of the rollback",
	},
	{
		Name: "rolls-back-to-older-state", File: rollbackFile, Plans: "^rollback of an upgrade that fails at once$/undisturbed",
		Old: `	return newestState(p.spec, status, false, p.Now)
`,
		New: `	if mutant.Active("rolls-back-to-older-state") {
		return restorePoint{location: p.job.ObservedFromSavepoint}
	}
	return newestState(p.spec, status, false, p.Now)
`,
		Breaks: "a rollback goes on from the newest state (4.4)",
	},
	{
		Name: "stable-as-soon-as-it-is-recorded", File: rollbackFile, Plans: "^rollback of an upgrade that fails at once$/undisturbed",
		Old:    `(p.hasSnapshotOfRun() || p.runsInTime(observed))`,
		New:    `(mutant.Active("stable-as-soon-as-it-is-recorded") || p.hasSnapshotOfRun() || p.runsInTime(observed))`,
		Breaks: "a revision is stable only when its run has proved itself",
	},
	{
		Name: "time-to-become-ready-starts-anew", File: rollbackFile, Plans: "^rollback by operators that crash all the time$/undisturbed",
		Old: `	begin := p.job.DeployTime
`,
		New: `	begin := p.job.DeployTime
	if mutant.Active("time-to-become-ready-starts-anew") {
		begin = p.status.LastUpdateTime
	}
`,
		Breaks: "a run has its time to become ready once, from its record on (4.1)",
	},
	{
		Name: "rolled-back-though-stable", File: rollbackFile, Plans: "^a failure long after an upgrade$/undisturbed",
		Old:    `		if !p.proven() {`,
		New:    `		if !p.proven() || revision.Stable != "" && mutant.Active("rolled-back-though-stable") {`,
		Breaks: "a revision that was stable is not rolled back",
	},
	{
		Name: "never-stable-without-a-checkpoint", File: rollbackFile, Plans: "^a failure after an upgrade without a checkpoint$/undisturbed",
		Old:    `	return known && !p.Now.Before(deadline) && p.job.State`,
		New:    `	return known && !mutant.Active("never-stable-without-a-checkpoint") && !p.Now.Before(deadline) && p.job.State`,
		Breaks: "a run whose tasks all run when the time is over is stable",
	},
	{
		Name: "rollback-takes-a-savepoint", File: rollbackFile, Plans: "^rollback of an upgrade whose pods never start$/undisturbed",
		Old: `	return stopChoice{mode: v1beta1.UpgradeModeLastState}
}

// rollBackPoint`,
		New: `	if mutant.Active("rollback-takes-a-savepoint") {
		return stopChoice{mode: v1beta1.UpgradeModeSavepoint}
	}
	return stopChoice{mode: v1beta1.UpgradeModeLastState}
}

// rollBackPoint`,
		Breaks: "no savepoint is taken of a run that is not stable",
	},
	{
		Name: "rolled-back-unasked", File: rollbackFile, Plans: "^an upgrade that fails without rollback$/undisturbed",
		Old:    `	fallible := p.Cluster.Spec.Rollback.Enabled && revision.Stable`,
		New:    `	fallible := (p.Cluster.Spec.Rollback.Enabled || mutant.Active("rolled-back-unasked")) && revision.Stable`,
		Breaks: "an upgrade is taken back only where the spec allows it",
	},
	{
		Name: "failed-generation-is-ready", File: "pkg/lifecycle/conditions.go", Plans: "^rollback of an upgrade that fails at once$/undisturbed",
		Old:    `	if ready.status == metav1.ConditionTrue && rolledBack(status.Revision) {`,
		New:    `	if ready.status == metav1.ConditionTrue && rolledBack(status.Revision) && !mutant.Active("failed-generation-is-ready") {`,
		Breaks: "Ready does not speak of a spec that does not run",
	},
	{
		Name: "stable-revision-pruned", File: "pkg/controller/revision/store.go", Plans: "^rollback after two upgrades that fail$/undisturbed",
		Old: `	unused := slices.DeleteFunc(kept,`,
		New: `	if mutant.Active("stable-revision-pruned") {
		used = used[:1]
	}
	unused := slices.DeleteFunc(kept,`,
		Breaks: "the history limit never removes the stable revision",
	},
}
