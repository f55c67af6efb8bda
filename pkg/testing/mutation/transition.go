package mutation

const (
	transitionFile = "pkg/lifecycle/transition.go"
	upgradeFile    = "pkg/lifecycle/upgrade.go"
	decisionFile   = "pkg/lifecycle/cluster.go"
)

// transitionMutants spoil how a job or a session cluster gets from one spec to the next, to rest and back.
var transitionMutants = []Mutant{
	{
		Name: "cancel-before-the-transition-is-recorded", File: transitionFile, Plans: "^upgrade by last-state$/undisturbed",
		Old: `	p.beginTransition(purpose, stop)
	if stop.takesSavepoint() {
`,
		New: `	if !stop.takesSavepoint() && mutant.Active("cancel-before-the-transition-is-recorded") {
		p.effects = append(p.effects, flink.Effect{Kind: flink.CancelJob, JobID: p.job.ID})
		return
	}
	p.beginTransition(purpose, stop)
	if stop.takesSavepoint() {
`,
		Breaks: "a transition is recorded before Flink is asked (4.1)",
	},
	{
		Name: "revision-taken-before-the-run-ended", File: transitionFile, Plans: "^upgrade whose savepoint fails once$/undisturbed",
		Old: `func (p *jobPass) beginTransition(purpose v1beta1.TransitionPurpose, stop stopChoice) {
`,
		New: `func (p *jobPass) beginTransition(purpose v1beta1.TransitionPurpose, stop stopChoice) {
	if mutant.Active("revision-taken-before-the-run-ended") {
		p.takeNextRevision()
	}
`,
		Breaks: "the next spec is in force only when the old run has ended (4.7)",
	},
	{
		Name: "failed-stop-is-success", File: transitionFile, Plans: "^upgrade whose savepoint fails once$/undisturbed",
		Old: `	case slot == nil || !slot.Stop || slot.JobID != p.job.ID ||`,
		New: `	case slot != nil && slot.State == v1beta1.SavepointStateFailed && mutant.Active("failed-stop-is-success"):
		p.endForTransition()
	case slot == nil || !slot.Stop || slot.JobID != p.job.ID ||`,
		Breaks: "a stop whose savepoint failed leaves the job running",
	},
	{
		Name: "upgrade-interrupts-a-savepoint", File: upgradeFile, Plans: "^upgrade while a savepoint is in progress$/undisturbed",
		Old:    `(SavepointBusy(slot) || awaitedByControl(p.status)) {`,
		New:    `(SavepointBusy(slot) || awaitedByControl(p.status)) && !mutant.Active("upgrade-interrupts-a-savepoint") {`,
		Breaks: "while the slot is busy no upgrade starts (4.2)",
	},
	{
		Name: "upgrade-throws-state-away", File: upgradeFile, Plans: "^an edit that needs an upgrade, taken back$/undisturbed",
		Old: `	if p.neverRan() {
		return stopChoice{mode: v1beta1.UpgradeModeLastState}
	}
	return stopChoice{reason: reasonNoStateKept,`,
		New: `	if p.neverRan() || mutant.Active("upgrade-throws-state-away") {
		return stopChoice{mode: v1beta1.UpgradeModeLastState}
	}
	return stopChoice{reason: reasonNoStateKept,`,
		Breaks: "state is never thrown away unasked (4.7)",
	},
	{
		Name: "upgrade-restores-from-the-last-savepoint", File: upgradeFile, Plans: "^upgrade of a failed job$/undisturbed",
		Old: `	return p.continued()
}
`,
		New: `	if p.job.SavepointLocation != "" && mutant.Active("upgrade-restores-from-the-last-savepoint") {
		return restorePoint{location: p.job.SavepointLocation}
	}
	return p.continued()
}
`,
		Breaks: "an upgrade goes on from the newest state (4.4)",
	},
	{
		Name: "recorded-savepoint-not-used", File: upgradeFile, Plans: "^upgrade from a recorded savepoint$/undisturbed",
		Old:    `	if !*p.spec.TakeSavepointOnUpdate && purpose`,
		New:    `	if !*p.spec.TakeSavepointOnUpdate && !mutant.Active("recorded-savepoint-not-used") && purpose`,
		Breaks: "takeSavepointOnUpdate false takes none",
	},
	{
		Name: "discarded-state-used-again", File: jobFile, Plans: "^upgrade stateless, then a failure$/undisturbed",
		Old:    `	if point.afresh {`,
		New:    `	if point.afresh && !mutant.Active("discarded-state-used-again") {`,
		Breaks: "what the user has thrown away is not used again",
	},
	{
		Name: "redeploy-nonce-served-again", File: jobFile, Plans: "^savepointRedeployNonce, then a failure$/undisturbed",
		Old: `	job.ObservedSavepointRedeployNonce = p.spec.SavepointRedeployNonce
`,
		New: `	if !mutant.Active("redeploy-nonce-served-again") {
		job.ObservedSavepointRedeployNonce = p.spec.SavepointRedeployNonce
	}
`,
		Breaks: "a savepointRedeployNonce throws state away once",
	},
	{
		Name: "restart-nonce-served-again", File: jobFile, Plans: "^restartNonce$/undisturbed",
		Old: `	p.status.ObservedRestartNonce = p.Cluster.Spec.RestartNonce
`,
		New: `	if !mutant.Active("restart-nonce-served-again") {
		p.status.ObservedRestartNonce = p.Cluster.Spec.RestartNonce
	}
`,
		Breaks: "a restartNonce restarts the job once",
	},
	{
		Name: "created-suspended-starts", File: jobFile, Plans: "^created suspended, then resumed$/undisturbed",
		Old:    `	case p.spec.State == v1beta1.DesiredJobStateSuspended:` + "\n" + `		p.job.State = v1beta1.JobStateSuspended` + "\n" + `	default:`,
		New:    `	case p.spec.State == v1beta1.DesiredJobStateSuspended && !mutant.Active("created-suspended-starts"):` + "\n" + `		p.job.State = v1beta1.JobStateSuspended` + "\n" + `	default:`,
		Breaks: "a cluster that is created suspended waits",
	},
	{
		Name: "suspend-leaves-pods", File: decisionFile, Plans: "^suspend$/undisturbed",
		Old: `		return Plan{JobManager: Delete, TaskManager: Delete}
	case v1beta1.JobStateSucceeded`,
		New: `		if mutant.Active("suspend-leaves-pods") {
			return Plan{JobManager: Delete}
		}
		return Plan{JobManager: Delete, TaskManager: Delete}
	case v1beta1.JobStateSucceeded`,
		Breaks: "a suspended job has no pods",
	},
	{
		Name: "edit-during-an-upgrade-ignored", File: decisionFile, Plans: "^two edits during an upgrade$/undisturbed",
		Old: `	setRevision(in, status)
`,
		New: `	if next := status.Revision.Next; next != "" && mutant.Active("edit-during-an-upgrade-ignored") {
		in.NextRevision = next
	}
	setRevision(in, status)
`,
		Breaks: "the next run has the newest spec, whatever the upgrade began with (4.7)",
	},
	{
		Name: "next-revision-not-stored", File: "pkg/controller/revision/store.go", Plans: "^edit while suspended$/undisturbed",
		Old: `	return resolution, s.keep(ctx, wanted, resolution.NextRevision)
`,
		New: `	if mutant.Active("next-revision-not-stored") {
		return resolution, nil
	}
	return resolution, s.keep(ctx, wanted, resolution.NextRevision)
`,
		Breaks: "a spec is stored before anybody records its name (4.1)",
	},
	{
		Name: "savepoint-before-the-upgrade", File: scheduleFile, Plans: "^upgrade with a new savepointGeneration$/write",
		Old:    `	if p.transitionComes() {`,
		New:    `	if p.transitionComes() && !mutant.Active("savepoint-before-the-upgrade") {`,
		Breaks: "a savepointGeneration that comes with other changes fires after the upgrade",
	},
	{
		Name: "scaling-restarts-the-job", File: "pkg/lifecycle/revision.go", Plans: "^scale$/undisturbed",
		Old:    `	if scales {`,
		New:    `	if scales && !mutant.Active("scaling-restarts-the-job") {`,
		Breaks: "scaling TaskManagers alone never restarts the job",
	},
	{
		Name: "session-upgraded-beside-old-pods", File: "pkg/lifecycle/session.go", Plans: "^upgrade of a session$/undisturbed",
		Old:    `	if children.clearFor(rollout) {`,
		New:    `	if children.clearFor(rollout) || mutant.Active("session-upgraded-beside-old-pods") {`,
		Breaks: "old pods are gone before those of the next rollout are made (4.7)",
	},
}
