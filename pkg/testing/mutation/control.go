package mutation

const controlFile = "pkg/lifecycle/control.go"

// controlMutants spoil the protocol of the user-control annotation.
var controlMutants = []Mutant{
	{
		Name: "annotation-cleared-first", File: "pkg/controller/control/controller.go", Plans: "^savepoint by annotation$/write",
		Old: `	var decidedOn *v1beta1.FlinkCluster
	outcome, err := c.access.Store(ctx, v, status.Control, func(cluster *v1beta1.FlinkCluster) v1beta1.FlinkClusterStatus {
`,
		New: `	var decidedOn *v1beta1.FlinkCluster
	value, attached := v.Cluster.Annotations[v1beta1.ControlAnnotation]
	if attached = attached && mutant.Active("annotation-cleared-first"); attached {
		if _, _, err := c.access.Updater.PatchMetadata(ctx, v.Cluster, status.MetadataPatch{
			Annotations: map[string]*string{v1beta1.ControlAnnotation: nil},
		}); err != nil {
			return queue.Result{}, err
		}
	}
	outcome, err := c.access.Store(ctx, v, status.Control, func(cluster *v1beta1.FlinkCluster) v1beta1.FlinkClusterStatus {
		if attached {
			if cluster.Annotations == nil {
				cluster.Annotations = map[string]string{}
			}
			cluster.Annotations[v1beta1.ControlAnnotation] = value
		}
`,
		Breaks: "the result is stored before the annotation is removed (4.3)",
	},
	{
		Name: "annotation-cleared-while-served", File: controlFile, Plans: "^savepoint by annotation$/undisturbed",
		Old: `	case control != nil && !controlFinished(control):
		pass.follow(control)
`,
		New: `	case control != nil && handled < control.Request && control.State == v1beta1.ControlStateInProgress && mutant.Active("annotation-cleared-while-served"):
		return ControlDecision{Status: *pass.status, Annotations: pass.acknowledge(control)}
	case control != nil && !controlFinished(control):
		pass.follow(control)
`,
		Breaks: "the annotation is removed after its result is stored (4.3)",
	},
	{
		Name: "handled-request-not-noted", File: controlFile, Plans: "two annotations in a row/undisturbed",
		Old: `		change[v1beta1.ControlAnnotation] = nil
	}
`,
		New: `		change[v1beta1.ControlAnnotation] = nil
	}
	if mutant.Active("handled-request-not-noted") {
		if delete(change, v1beta1.ControlHandledAnnotation); len(change) == 0 {
			return nil
		}
	}
`,
		Breaks: "the number of the handled request is written with the removal, so the same value later is a new request (4.3)",
	},
	{
		Name: "another-annotation-is-removed-too", File: controlFile, Plans: "savepoint, then job-cancel/undisturbed",
		Old:    `	if p.present && controlName(p.value) == control.Name {`,
		New:    `	if p.present && (controlName(p.value) == control.Name || mutant.Active("another-annotation-is-removed-too")) {`,
		Breaks: "another value that was attached meanwhile is a request of its own (4.3)",
	},
	{
		Name: "annotation-removed-without-precondition", File: "pkg/controller/status/metadata.go", Plans: "another annotation while the first",
		Old: `	if len(change.Annotations) > 0 {
`,
		New: `	if mutant.Active("annotation-removed-without-precondition") {
		delete(metadata, "resourceVersion")
	}
	if len(change.Annotations) > 0 {
`,
		Breaks: "the annotation is removed with a resourceVersion precondition (4.3)",
	},
	{
		Name: "job-that-does-not-run-is-accepted", File: controlFile, Plans: "annotation on a job that has failed",
		Old:    `	case job.State != v1beta1.JobStateRunning:` + "\n" + `		refusal :=`,
		New:    `	case job.State != v1beta1.JobStateRunning && !mutant.Active("job-that-does-not-run-is-accepted"):` + "\n" + `		refusal :=`,
		Breaks: "a request for a job that is not running is refused with a reason (4.3)",
	},
}
