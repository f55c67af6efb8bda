package mutation

const clusterLoopFile = "pkg/controller/cluster/controller.go"

// runMutants spoil how runs begin and end: never two at once, and none that is given up while it lives.
var runMutants = []Mutant{
	{
		Name: "act-before-intent", File: clusterLoopFile, Plans: "create a job/undisturbed",
		Old:    `	if err != nil || outcome != status.Unchanged || v.Revision == "" && !decision.Release {`,
		New:    `	if err != nil || outcome != status.Unchanged && !(outcome == status.Written && mutant.Active("act-before-intent")) || v.Revision == "" && !decision.Release {`,
		Breaks: "a pass that writes status ends there (4.1)",
	},
	{
		Name: "start-beside-old-pods", File: "pkg/lifecycle/observation.go", Plans: "slow to go",
		Old:    `		len(c.live(func(pod Pod) bool { return pod.Attempt != attempt })) == 0`,
		New:    `		(mutant.Active("start-beside-old-pods") || len(c.live(func(pod Pod) bool { return pod.Attempt != attempt })) == 0)`,
		Breaks: "old pods are gone before the next run's JobManager exists (4.7)",
	},
	{
		Name: "runs-share-a-job-id", File: metadataFile, Plans: "JobManager deleted/undisturbed",
		Old:    `		job.ID, job.FromSavepoint = JobID(p.Cluster.UID, job.Attempt), point.location`,
		New:    `		job.ID, job.FromSavepoint = JobID(p.Cluster.UID, job.Attempt), point.location` + "\n" + `		if mutant.Active("runs-share-a-job-id") {` + "\n" + `			job.ID = JobID(p.Cluster.UID, 1)` + "\n" + `		}`,
		Breaks: "each run has a job id of its own (4.4)",
	},
	{
		Name: "run-ended-by-absence", File: jobFile, Plans: "create a job/write/(held|behind|joined|frozen)",
		Old:    `	p.confirm = !p.Children.Confirmed`,
		New:    `	p.confirm = !p.Children.Confirmed && !mutant.Active("run-ended-by-absence")`,
		Breaks: "a run ends by absence only when the API server confirms it",
	},
	{
		Name: "silence-is-loss", File: "pkg/flink/observer/apply.go", Plans: "silent for four minutes",
		Old: `		r.recovered = false
		r.versionKnown = false
`,
		New: `		r.recovered = false
		if mutant.Active("silence-is-loss") {
			r.observation.MissingAnswers++
		}
		r.versionKnown = false
`,
		Breaks: "silence is not loss (4.4)",
	},
	{
		Name: "cleanup-policy-ignored", File: "pkg/lifecycle/cluster.go", Plans: "job finishes, cluster removed/undisturbed",
		Old: `	switch p.cleanupAction() {
`,
		New: `	if mutant.Active("cleanup-policy-ignored") {
		return Plan{}
	}
	switch p.cleanupAction() {
`,
		Breaks: "cleanupPolicy",
	},
	{
		Name: "edit-changes-half-of-a-running-cluster", File: "pkg/controller/revision/store.go", Plans: "an edit that needs an upgrade, taken back",
		Old:    `	if len(errs) == 0 && judged.revision == current {`,
		New:    `	if len(errs) == 0 && (judged.revision == current || mutant.Active("edit-changes-half-of-a-running-cluster")) {`,
		Breaks: "children are built from the spec that was accepted",
	},
	{
		Name: "former-generation-answers", File: "pkg/controller/revision/answer.go", Plans: "^scale/undisturbed",
		Old: `	if !isKnown || known.question != questionOf(cluster) {`,
		New: `	if isKnown && mutant.Active("former-generation-answers") {
		known.question.generation = cluster.Generation
	}
	if !isKnown || known.question != questionOf(cluster) {`,
		Breaks: "an edit is looked at, also where nothing of it needs an upgrade",
	},
}
