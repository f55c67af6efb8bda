package mutation

// observerMutants spoil what is heard of Flink.
var observerMutants = []Mutant{
	{
		Name: "any-job-is-taken-for-ours", File: "pkg/flink/observer/poll.go", Plans: "lists another job too",
		Old:    `		if target.JobID != "" && jobs[i].ID == target.JobID {`,
		New:    `		if target.JobID != "" && (jobs[i].ID == target.JobID || mutant.Active("any-job-is-taken-for-ours")) {`,
		Breaks: "answers about other job ids never change a run (4.4)",
	},
	{
		Name: "answer-of-the-last-run-applied", File: "pkg/flink/observer/observer.go", Plans: "JobManager deleted/undisturbed",
		Old: `	if !found || !current.target.sameJob(target) {`,
		New: `	if found && current.target.JobID != "" && mutant.Active("answer-of-the-last-run-applied") {
		current.observation.JobID = target.JobID
	} else if !found || !current.target.sameJob(target) {`,
		Breaks: "another run gets another record; what was heard of the last one is dropped (4.5)",
	},
	{
		Name: "news-not-told", File: "pkg/flink/observer/run.go", Plans: "create a job/undisturbed",
		Old: `	if changed {
`,
		New: `	if changed && !mutant.Active("news-not-told") {
`,
		Breaks: "a key is woken when the meaning of an answer changed (4.5)",
	},
	{
		Name: "polled-fast-for-ever", File: "pkg/flink/observer/pace.go", Plans: "create a job/undisturbed",
		Old: `	if r.awaitsFinal() {
`,
		New: `	if mutant.Active("polled-fast-for-ever") {
		return startingShortest
	}
	if r.awaitsFinal() {
`,
		Breaks: "polls slow down when nothing is expected (4.5)",
	},
	{
		Name: "lost-poll-told-at-once", Plans: "^one lost poll while a pass looks$", File: "pkg/flink/observer/apply.go",
		Old:    `r.observation.Reachable && r.failures < silenceAfter`,
		New:    `r.observation.Reachable && r.failures < silenceAfter && !mutant.Active("lost-poll-told-at-once")`,
		Breaks: "one lost answer is nothing (4.5)",
	},
}
