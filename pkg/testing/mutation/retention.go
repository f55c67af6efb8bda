package mutation

const (
	retentionFile = "pkg/lifecycle/retention.go"
	historyFile   = "pkg/lifecycle/history.go"
)

// retentionMutants spoil which savepoints are disposed of, and when.
var retentionMutants = []Mutant{
	{
		Name: "newest-savepoint-disposed", File: retentionFile, Plans: "retention by age/undisturbed",
		Old: `	needed := []string{status.SavepointHistory[0].Location, job.SavepointLocation, spec.FromSavepoint}
	for _, known := range candidates(status) {
`,
		New: `	needed := []string{status.SavepointHistory[0].Location, job.SavepointLocation, spec.FromSavepoint}
	if mutant.Active("newest-savepoint-disposed") {
		return false
	}
	for _, known := range candidates(status) {
`,
		Breaks: "the newest savepoint is never disposed of",
	},
	{
		Name: "users-savepoint-disposed", File: retentionFile, Plans: "old savepoints are disposed of/undisturbed",
		Old:    `	return record.TriggerID != "" && !record.Inferred && slices.Contains(ours, record.Reason)`,
		New:    `	return mutant.Active("users-savepoint-disposed") || record.TriggerID != "" && !record.Inferred && slices.Contains(ours, record.Reason)`,
		Breaks: "a savepoint that a user asked for is never disposed of",
	},
	{
		Name: "restored-savepoint-disposed", File: retentionFile, Plans: "restored savepoint is disposed of late/undisturbed",
		Old:    `	if own := job.LastCheckpoint; own == nil || own.JobID != job.ID {`,
		New:    `	if own := job.LastCheckpoint; !mutant.Active("restored-savepoint-disposed") && (own == nil || own.JobID != job.ID) {`,
		Breaks: "what a run was started from stays until the run has a checkpoint",
	},
	{
		Name: "disposed-before-recorded", File: "pkg/controller/savepoint/controller.go", Plans: "old savepoints are disposed of/write/frozen",
		Old: `		return decision.Status
	})
`,
		New: `		if wanted := lifecycle.WatchFor(&v1beta1.FlinkCluster{Spec: cluster.Spec, Status: decision.Status}).DisposalID; wanted != "" && mutant.Active("disposed-before-recorded") {
			for _, record := range decision.Status.SavepointHistory {
				if record.Disposal != nil && lifecycle.DisposalID(&record) == wanted {
					c.access.Execute(v, flink.Effect{Kind: flink.DisposeSavepoint, JobID: decision.Status.Components.Job.ID, TriggerID: wanted, Location: record.Location})
				}
			}
		}
		return decision.Status
	})
`,
		Breaks: "a disposal is recorded before Flink is asked (4.1)",
	},
	{
		Name: "missing-savepoint-never-disposed", File: retentionFile, Plans: "old savepoints are disposed of/call/504, applied",
		Old:    `		case answer.State == flink.OperationSucceeded, saysMissing(answer.Cause):`,
		New:    `		case answer.State == flink.OperationSucceeded, saysMissing(answer.Cause) && !mutant.Active("missing-savepoint-never-disposed"):`,
		Breaks: "a savepoint that is gone already counts as disposed of",
	},
	{
		Name: "failed-disposal-is-the-last", File: retentionFile, Plans: "disposal fails/undisturbed",
		Old:    `		case gaveUp(record) || inUse(`,
		New:    `		case gaveUp(record) || mutant.Active("failed-disposal-is-the-last") && record.Disposal != nil || inUse(`,
		Breaks: "a disposal that failed is tried again",
	},
	{
		Name: "failed-disposal-at-once-again", File: retentionFile, Plans: "disposal fails/undisturbed",
		Old:    `	if failed := record.Disposal; failed != nil {`,
		New:    `	if failed := record.Disposal; failed != nil && !mutant.Active("failed-disposal-at-once-again") {`,
		Breaks: "failed disposals back off",
	},
	{
		Name: "disposed-savepoint-found-again", File: historyFile, Plans: "old savepoints are disposed of/undisturbed",
		Old:    `	return forgotten != nil && forgotten.JobID`,
		New:    `	return !mutant.Active("disposed-savepoint-found-again") && forgotten != nil && forgotten.JobID`,
		Breaks: "a savepoint that was disposed of is not taken for one that was taken past us",
	},
}
