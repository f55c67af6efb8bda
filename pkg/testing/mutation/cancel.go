package mutation

const cancelFile = "pkg/lifecycle/cancel.go"

// cancelMutants spoil how a job is stopped: not without the savepoint that was asked for.
var cancelMutants = []Mutant{
	{
		Name: "cancel-requested-without-savepoint", File: cancelFile, Plans: "cancelRequested and back/undisturbed",
		Old:    `	case p.cancelAsked(), p.spec.CancelRequested && directory == "":`,
		New:    `	case p.cancelAsked(), p.spec.CancelRequested && (directory == "" || mutant.Active("cancel-requested-without-savepoint")):`,
		Breaks: "cancelRequested stops with a savepoint where a directory is known",
	},
	{
		Name: "cancel-does-not-wait-for-the-stop", File: cancelFile, Plans: "cancelRequested and back/undisturbed",
		Old: `	case p.spec.CancelRequested && p.job.State == v1beta1.JobStateRunning:
`,
		New: `	case p.stopUnderWay() && p.status.Savepoint.State == v1beta1.SavepointStateInProgress && mutant.Active("cancel-does-not-wait-for-the-stop"):
		p.effects = append(p.effects, flink.Effect{Kind: flink.CancelJob, JobID: p.job.ID})
	case p.spec.CancelRequested && p.job.State == v1beta1.JobStateRunning:
`,
		Breaks: "no cancel while the savepoint of the stop is being taken (4.2)",
	},
	{
		Name: "cancel-after-a-failed-stop", File: cancelFile, Plans: "job-cancel, and its savepoint fails",
		Old:    `		control.Details[v1beta1.ControlDetailSavepointTriggerID] == ""` + "\n}\n",
		New:    `		(control.Details[v1beta1.ControlDetailSavepointTriggerID] == "" || mutant.Active("cancel-after-a-failed-stop"))` + "\n}\n",
		Breaks: "a cancel whose savepoint failed does not end the job",
	},
	{
		Name: "job-end-before-the-result-of-its-stop", File: "pkg/lifecycle/job.go", Plans: "^job-cancel$",
		Old:    `SavepointBusy(stop) && stop.Stop && stop.JobID == p.job.ID && !p.deletionOverdue() {`,
		New:    `SavepointBusy(stop) && stop.Stop && stop.JobID == p.job.ID && !p.deletionOverdue() && !mutant.Active("job-end-before-the-result-of-its-stop") {`,
		Breaks: "the result of a stop outranks the state of the job (4.2)",
	},
	{
		Name: "savepoint-result-thrown-away-with-the-cluster", File: "pkg/lifecycle/cluster.go", Plans: "^savepoint, the job fails, and Flink tells of neither$/write/crash after",
		Old:    `	if SavepointBusy(p.status.Savepoint) || awaitedByControl(p.status) {`,
		New:    `	if (SavepointBusy(p.status.Savepoint) || awaitedByControl(p.status)) && !mutant.Active("savepoint-result-thrown-away-with-the-cluster") {`,
		Breaks: "the result of a savepoint is fetched before the cluster is cleaned up",
	},
	{
		Name: "cancel-by-spec-not-recorded", File: cancelFile, Plans: "cancelRequested, taken back",
		Old: `		p.job.CancelledBy = v1beta1.CancelledBySpec
	case`,
		New: `		if !mutant.Active("cancel-by-spec-not-recorded") {
			p.job.CancelledBy = v1beta1.CancelledBySpec
		}
	case`,
		Breaks: "that the spec asked for the cancel is recorded before Flink is asked (4.1)",
	},
}
