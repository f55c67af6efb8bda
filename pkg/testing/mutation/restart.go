package mutation

const (
	jobFile     = "pkg/lifecycle/job.go"
	restartFile = "pkg/lifecycle/restart.go"
)

// restartMutants spoil whether and when a job that failed is started again.
var restartMutants = []Mutant{
	{
		Name: "restart-policy-ignored", File: restartFile, Plans: "job fails and stays failed/undisturbed",
		Old:    `	if p.spec.RestartPolicy == v1beta1.RestartPolicyNever {`,
		New:    `	if p.spec.RestartPolicy == v1beta1.RestartPolicyNever && !mutant.Active("restart-policy-ignored") {`,
		Breaks: "restartPolicy Never",
	},
	{
		Name: "restart-limit-ignored", File: restartFile, Plans: "the limit of restarts",
		Old:    `limit != nil && p.job.ConsecutiveFailures > *limit {`,
		New:    `limit != nil && p.job.ConsecutiveFailures > *limit && !mutant.Active("restart-limit-ignored") {`,
		Breaks: "restartBackoff.limit",
	},
	{
		Name: "restart-without-pause", File: restartFile, Plans: "crash loop",
		Old:    `	if failures <= 1 {`,
		New:    `	if failures <= 1 || mutant.Active("restart-without-pause") {`,
		Breaks: "restarts back off exponentially (4.7)",
	},
	{
		Name: "failures-not-counted", File: jobFile, Plans: "crash loop",
		Old: `		job.ConsecutiveFailures++
`,
		New: `		if !mutant.Active("failures-not-counted") {
			job.ConsecutiveFailures++
		}
`,
		Breaks: "failures in a row are counted, and a crash loop is visible (4.7)",
	},
	{
		Name: "last-checkpoint-not-awaited", File: jobFile, Plans: "^job fails, restart from the latest state$/call/504",
		Old:    `	case p.awaitsLastSnapshots(job, observed):`,
		New:    `	case p.awaitsLastSnapshots(job, observed) && !mutant.Active("last-checkpoint-not-awaited"):`,
		Breaks: "the statistics of an ended job are read when they are final (4.4)",
	},
	{
		Name: "restart-before-the-savepoint-is-recorded", File: restartFile, Plans: "^savepoint, the job fails, and Flink tells of the savepoint last$/undisturbed",
		Old:    `	return !SavepointBusy(p.status.Savepoint) && len(unrecorded(p.status, p.runObservation().Checkpoints)) == 0`,
		New:    `	return mutant.Active("restart-before-the-savepoint-is-recorded") || !SavepointBusy(p.status.Savepoint) && len(unrecorded(p.status, p.runObservation().Checkpoints)) == 0`,
		Breaks: "all that is known of a run's savepoints is recorded before the next run starts (4.4)",
	},
	{
		Name: "missing-snapshot-at-first-sight", File: restartFile, Plans: "the newest state is missing$/undisturbed",
		Old:    `	if job.FromSavepoint != suspect {`,
		New:    `	if job.FromSavepoint != suspect && !mutant.Active("missing-snapshot-at-first-sight") {`,
		Breaks: "a snapshot that is missing once may be a volume that came late",
	},
	{
		Name: "missing-snapshot-for-ever", File: restartFile, Plans: "the newest state is missing$",
		Old:    `	if job.StartTime != nil || job.FromSavepoint == "" || !snapshotMissing(`,
		New:    `	if mutant.Active("missing-snapshot-for-ever") || job.StartTime != nil || job.FromSavepoint == "" || !snapshotMissing(`,
		Breaks: "a restore that fails for a missing path must not loop (4.4)",
	},
}
