package mutation

const (
	deleteFile    = "pkg/lifecycle/delete.go"
	finalizerFile = "pkg/controller/cluster/finalizer.go"
)

// deletionMutants spoil how a cluster is deleted.
var deletionMutants = []Mutant{
	{
		Name: "finalizer-removed-before-the-pods-are-gone", File: deleteFile, Plans: "^delete$/undisturbed",
		Old: `	case waits:
`,
		New: `	case waits && in.Children.Workloads() || waits && !mutant.Active("finalizer-removed-before-the-pods-are-gone"):
`,
		Breaks: "the finalizer is removed when no pod is left",
	},
	{
		Name: "released-on-a-late-view", File: deleteFile, Plans: "^delete in creation$/(write|notification)",
		Old:    `	case !in.Children.Confirmed:`,
		New:    `	case !in.Children.Confirmed && !mutant.Active("released-on-a-late-view"):`,
		Breaks: "that no pod is left is confirmed by the API server",
	},
	{
		Name: "no-bound-on-silence-in-a-deletion", File: deleteFile, Plans: "^delete while the JobManager is silent$/undisturbed",
		Old:    `		if p.Now.Before(silent) {`,
		New:    `		if p.Now.Before(silent) || mutant.Active("no-bound-on-silence-in-a-deletion") {`,
		Breaks: "a silent JobManager is waited for 30 s",
	},
	{
		Name: "no-bound-on-a-savepoint-in-a-deletion", File: deleteFile, Plans: "^delete with a savepoint, which never ends$/undisturbed",
		Old:    `	case p.deletionOverdue():`,
		New:    `	case p.deletionOverdue() && !mutant.Active("no-bound-on-a-savepoint-in-a-deletion"):`,
		Breaks: "the savepoint of a deletion has eleven minutes",
	},
	{
		Name: "deletion-without-the-savepoint", File: deleteFile, Plans: "^delete with a savepoint$/undisturbed",
		Old:    `	if p.spec.DeletionPolicy == v1beta1.DeletionPolicySavepoint {`,
		New:    `	if p.spec.DeletionPolicy == v1beta1.DeletionPolicySavepoint && !mutant.Active("deletion-without-the-savepoint") {`,
		Breaks: "deletionPolicy Savepoint takes one",
	},
	{
		Name: "deletion-cancels-beside-the-savepoint", File: deleteFile, Plans: "^delete with a savepoint, after the one in progress$/undisturbed",
		Old:    `	case SavepointBusy(slot), awaitedByControl(p.status), observed.Job == nil:`,
		New:    `	case SavepointBusy(slot) && !slot.Stop && mutant.Active("deletion-cancels-beside-the-savepoint"):` + "\n" + `		p.cancelForDeletion("mutant")` + "\n" + `	case SavepointBusy(slot), awaitedByControl(p.status), observed.Job == nil:`,
		Breaks: "a savepoint under way is waited for, and then the job is stopped with its own",
	},
	{
		Name: "job-not-cancelled-for-its-deletion", File: deleteFile, Plans: "^delete$/undisturbed",
		Old: `	case jobActive(p.job):
		p.requeue = max(`,
		New: `	case jobActive(p.job) && mutant.Active("job-not-cancelled-for-its-deletion"):
		p.endForTransition()
	case jobActive(p.job):
		p.requeue = max(`,
		Breaks: "a running job is cancelled at Flink before its pods go",
	},
	{
		Name: "restart-while-deleting", File: deleteFile, Plans: "^delete as the JobManager is lost$/undisturbed",
		Old:    `func deleting(cluster *v1beta1.FlinkCluster) bool { return cluster.DeletionTimestamp != nil }`,
		New:    `func deleting(cluster *v1beta1.FlinkCluster) bool { return cluster.DeletionTimestamp != nil && !mutant.Active("restart-while-deleting") }`,
		Breaks: "nothing starts in a cluster that is being deleted",
	},
	{
		Name: "finalizer-added-after-the-children", File: finalizerFile, Plans: "^create a job$/undisturbed",
		Old:    `	if v.Revision == "" ||`,
		New:    `	if job := v.Cluster.Status.Components.Job; mutant.Active("finalizer-added-after-the-children") && (job == nil || job.State != v1beta1.JobStateRunning) {` + "\n" + `		return false, nil` + "\n" + `	}` + "\n" + `	if v.Revision == "" ||`,
		Breaks: "the finalizer is there before the first child",
	},
	{
		Name: "somebody-elses-finalizer-dropped", File: finalizerFile, Plans: "^delete, with somebody else's finalizer$/undisturbed",
		Old:    `func(name string) bool { return name == v1beta1.Finalizer }`,
		New:    `func(name string) bool { return name == v1beta1.Finalizer || mutant.Active("somebody-elses-finalizer-dropped") }`,
		Breaks: "nobody else's finalizer is touched",
	},
	{
		Name: "failed-savepoint-keeps-the-cluster", File: deleteFile, Plans: "^delete with a savepoint, which fails$/undisturbed",
		Old:    `	case stop && slot.State == v1beta1.SavepointStateFailed && slot.TriggerReason == v1beta1.SavepointReasonJobDeletion && !askedOfAnother(`,
		New:    `	case stop && slot.State == v1beta1.SavepointStateFailed && mutant.Active("failed-savepoint-keeps-the-cluster"):` + "\n" + `	case stop && slot.State == v1beta1.SavepointStateFailed && slot.TriggerReason == v1beta1.SavepointReasonJobDeletion && !askedOfAnother(`,
		Breaks: "a savepoint that fails falls back to a cancel",
	},
}
