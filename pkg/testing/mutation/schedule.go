package mutation

const scheduleFile = "pkg/lifecycle/schedule.go"

// scheduleMutants spoil when savepoints are taken.
var scheduleMutants = []Mutant{
	{
		Name: "missed-runs-do-not-coalesce", File: scheduleFile, Plans: "away for ten savepoints",
		Old: `	due := begin.Add(time.Duration(*spec.AutoSavepointSeconds) * time.Second)
`,
		New: `	if mutant.Active("missed-runs-do-not-coalesce") {
		begin = job.StartTime.Add(time.Duration(job.SavepointGeneration) * time.Duration(*spec.AutoSavepointSeconds) * time.Second)
	}
	due := begin.Add(time.Duration(*spec.AutoSavepointSeconds) * time.Second)
`,
		Breaks: "runs of the schedule that were missed coalesce into one (4.2)",
	},
	{
		Name: "due-time-counted-from-now", File: scheduleFile, Plans: "savepoint by schedule/undisturbed",
		Old: `	if wait := due.Sub(p.Now); wait > 0 {
`,
		New: `	if mutant.Active("due-time-counted-from-now") {
		due = p.Now.Add(time.Duration(*p.Cluster.Spec.Job.AutoSavepointSeconds) * time.Second)
	}
	if wait := due.Sub(p.Now); wait > 0 {
`,
		Breaks: "the due time follows from spec and status, so a restart does not put it off (4.2)",
	},
	{
		Name: "failed-savepoint-retried-at-once", File: scheduleFile, Plans: "savepoint by generation fails twice",
		Old: `	return slot.CompletionTime.Add(delay)
`,
		New: `	if mutant.Active("failed-savepoint-retried-at-once") {
		return slot.CompletionTime.Time
	}
	return slot.CompletionTime.Add(delay)
`,
		Breaks: "failed savepoints back off (4.2)",
	},
	{
		Name: "scheduled-savepoint-at-once", File: scheduleFile, Plans: "create with a schedule",
		Old: `	begin := job.StartTime.Time
`,
		New: `	begin := job.StartTime.Time
	if mutant.Active("scheduled-savepoint-at-once") {
		begin = begin.Add(-time.Duration(*spec.AutoSavepointSeconds) * time.Second)
	}
`,
		Breaks: "nothing is taken right at the start of a run (4.2)",
	},
}
