package mutation

// slotMutants spoil the one savepoint slot: who may write it, and what is done before it is written.
var slotMutants = []Mutant{
	{
		Name: "trigger-before-intent", File: "pkg/controller/savepoint/controller.go", Plans: "^savepoint by (generation|nonce)$/write/",
		Old: `			Cluster: cluster, NextRevision: v.NextRevision, Observation: v.Observation, Now: v.Now,
		})
`,
		New: `			Cluster: cluster, NextRevision: v.NextRevision, Observation: v.Observation, Now: v.Now,
		})
		if request := decision.Status.Savepoint; lifecycle.SavepointBusy(request) && !lifecycle.SavepointBusy(before.Savepoint) && mutant.Active("trigger-before-intent") {
			c.access.Execute(v, flink.Effect{
				Kind: flink.TriggerSavepoint, JobID: request.JobID, TriggerID: request.TriggerID, Directory: request.Directory,
			})
		}
`,
		Breaks: "intent before effect: the request is stored before Flink is asked (4.1)",
	},
	{
		Name: "success-overwritten-by-the-next-run", File: savepointFile, Plans: "job fails, restart from a savepoint/undisturbed",
		Old: `	if SavepointBusy(pass.slot) {
		pass.stepSlot()
`,
		New: `	if SavepointBusy(pass.slot) || pass.slot != nil && pass.slot.JobID != pass.job.ID &&
		pass.slot.State == v1beta1.SavepointStateSucceeded && mutant.Active("success-overwritten-by-the-next-run") {
		pass.stepSlot()
`,
		Breaks: "a success is never taken back (4.2)",
	},
	{
		Name: "failed-request-keeps-the-slot", File: scheduleFile, Plans: "savepoint by generation fails twice",
		Old: `p.Cluster.DeletionTimestamp != nil || awaitedByControl(p.status) {`,
		New: `p.Cluster.DeletionTimestamp != nil || awaitedByControl(p.status) ||
		p.status.Savepoint != nil && p.status.Savepoint.State == v1beta1.SavepointStateFailed && mutant.Active("failed-request-keeps-the-slot") {`,
		Breaks: "a request that has failed frees the slot (4.2)",
	},
}
