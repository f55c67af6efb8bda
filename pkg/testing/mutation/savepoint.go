package mutation

const savepointFile = "pkg/lifecycle/savepoint.go"

// savepointMutants spoil how the outcome of a savepoint is found.
var savepointMutants = []Mutant{
	{
		Name: "unknown-trigger-id-is-failure", File: savepointFile, Plans: "the result expires",
		Old: `		case operation.State == flink.OperationNotFound:
`,
		New: `		case operation.State == flink.OperationNotFound && mutant.Active("unknown-trigger-id-is-failure"):
			p.fail("Flink does not know the trigger id")
			return
		case operation.State == flink.OperationNotFound:
`,
		Breaks: "404 about a trigger id is no failure (4.2)",
	},
	{
		Name: "stop-failure-hides-its-savepoint", File: savepointFile, Plans: "the job fails after its savepoint",
		Old:    `		case operation.Location != "":`,
		New:    `		case operation.Location != "" && !(operation.State == flink.OperationFailed && mutant.Active("stop-failure-hides-its-savepoint")):`,
		Breaks: "a savepoint that was written before its stop failed is a success (4.2)",
	},
	{
		Name: "older-savepoint-counts", File: savepointFile, Plans: "lost in the second savepoint",
		Old:    `if inDirectory && inTime && savepoint.ID > p.slot.NewestCheckpointID && !isKnown(p.status, savepoint) {`,
		New:    `if mutant.Active("older-savepoint-counts") || inDirectory && inTime && savepoint.ID > p.slot.NewestCheckpointID && !isKnown(p.status, savepoint) {`,
		Breaks: "only a savepoint newer than the request can be its result (4.2)",
	},
	{
		Name: "statistics-not-consulted", File: savepointFile, Plans: "the result expires",
		Old:    `	savepoints := p.observed.Checkpoints.Savepoints()` + "\n" + `	slices.Reverse(savepoints)` + "\n" + `	for _,`,
		New:    `	savepoints := p.observed.Checkpoints.Savepoints()` + "\n" + `	if mutant.Active("statistics-not-consulted") {` + "\n" + `		return nil` + "\n" + `	}` + "\n" + `	slices.Reverse(savepoints)` + "\n" + `	for _,`,
		Breaks: "an unknown outcome is looked up in the statistics before it is a failure (4.2)",
	},
	{
		Name: "success-without-generation", File: savepointFile, Plans: "^savepoint by annotation$/undisturbed",
		Old: `	job.SavepointGeneration++
`,
		New: `	if !mutant.Active("success-without-generation") {
		job.SavepointGeneration++
	}
`,
		Breaks: "a success adds 1 to savepointGeneration (4.2)",
	},
	{
		Name: "generation-not-noted", File: savepointFile, Plans: "generation jumps",
		Old:    `	if slot.SavepointGeneration != 0 {`,
		New:    `	if slot.SavepointGeneration != 0 && !mutant.Active("generation-not-noted") {`,
		Breaks: "a jump of the generation is one request",
	},
	{
		Name: "nonce-not-noted", File: savepointFile, Plans: "savepoint by nonce/undisturbed",
		Old:    `	if slot.SavepointTriggerNonce != nil {`,
		New:    `	if slot.SavepointTriggerNonce != nil && !mutant.Active("nonce-not-noted") {`,
		Breaks: "a nonce asks for one savepoint",
	},
	{
		Name: "external-savepoint-counts-as-own", File: savepointFile, Plans: "savepoint past us/undisturbed",
		Old: `		p.remember(v1beta1.SavepointRecord{
`,
		New: `		if mutant.Active("external-savepoint-counts-as-own") {
			p.job.SavepointGeneration++
		}
		p.remember(v1beta1.SavepointRecord{
`,
		Breaks: "the generation counts our own savepoints alone (4.2)",
	},
	{
		Name: "external-savepoint-unnoticed", File: savepointFile, Plans: "savepoint past us/undisturbed",
		Old: `		pass.noticeExternal()
`,
		New: `		if !mutant.Active("external-savepoint-unnoticed") {
			pass.noticeExternal()
		}
`,
		Breaks: "a savepoint that was taken past us is newest state (4.2)",
	},
	{
		Name: "directory-left-out", File: savepointFile, Plans: "the result expires",
		Old: `	result := p.observed.EffectOutcome(effect.ID())
`,
		New: `	if mutant.Active("directory-left-out") {
		effect.Directory = "file:/tmp"
	}
	result := p.observed.EffectOutcome(effect.ID())
`,
		Breaks: "savepoints go straight into savepointsDir (4.2)",
	},
}
