package mutation

const stateFile = "pkg/lifecycle/state.go"

// restoreMutants spoil what a run starts from.
var restoreMutants = []Mutant{
	{
		Name: "restore-from-the-last-savepoint", File: stateFile, Plans: "checkpoints after a savepoint, then a failure",
		Old: `	if len(known) > 0 {
`,
		New: `	if job.SavepointLocation != "" && mutant.Active("restore-from-the-last-savepoint") {
		return restorePoint{location: job.SavepointLocation}
	}
	if len(known) > 0 {
`,
		Breaks: "a run starts from the newest state, not from the last savepoint (4.4)",
	},
	{
		Name: "restore-from-nothing", File: stateFile, Plans: "^job fails, restart from the latest state$/undisturbed",
		Old: `	return restorePoint{location: newest.location}
`,
		New: `	if mutant.Active("restore-from-nothing") {
		return restorePoint{}
	}
	return restorePoint{location: newest.location}
`,
		Breaks: "a job with state never starts from nothing (4.4)",
	},
	{
		Name: "restore-from-the-first-savepoint-again", File: stateFile, Plans: "from a savepoint, then a failure",
		Old:    `	if spec.FromSavepoint != "" && spec.FromSavepoint != job.ObservedFromSavepoint {`,
		New:    `	if spec.FromSavepoint != "" && (spec.FromSavepoint != job.ObservedFromSavepoint || mutant.Active("restore-from-the-first-savepoint-again")) {`,
		Breaks: "fromSavepoint is used for the first run only, unless it changes (4.4)",
	},
	{
		Name: "changed-from-savepoint-ignored", File: stateFile, Plans: "fromSavepoint is changed",
		Old: `		return restorePoint{location: spec.FromSavepoint}
`,
		New: `		if !mutant.Active("changed-from-savepoint-ignored") {
			return restorePoint{location: spec.FromSavepoint}
		}
`,
		Breaks: "fromSavepoint is used again when its value changes (4.4)",
	},
	{
		Name: "oldest-state-first", File: stateFile, Plans: "checkpoints after a savepoint, then a failure",
		Old:    `		return c.id > other.id`,
		New:    `		return (c.id > other.id) != mutant.Active("oldest-state-first")`,
		Breaks: "the newest snapshot of a run has the highest number (4.4)",
	},
	{
		Name: "age-of-state-ignored", File: stateFile, Plans: "the newest state is too old",
		Old:    `limit != nil && !newest.time.IsZero() {`,
		New:    `limit != nil && !newest.time.IsZero() && !mutant.Active("age-of-state-ignored") {`,
		Breaks: "maxStateAgeToRestoreSeconds",
	},
	{
		Name: "checkpoints-serve-a-savepoints-only-policy", File: stateFile, Plans: "only savepoints count",
		Old:    `	if savepointsOnly {`,
		New:    `	if savepointsOnly && !mutant.Active("checkpoints-serve-a-savepoints-only-policy") {`,
		Breaks: "restartPolicy FromSavepointOnFailure",
	},
}
