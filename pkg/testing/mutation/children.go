package mutation

const (
	childFile  = "pkg/controller/cluster/child.go"
	writerFile = "pkg/controller/cluster/writer.go"
)

// childrenMutants spoil how the objects of a cluster are made, mended and removed.
var childrenMutants = []Mutant{
	{
		Name: "owner-not-checked", File: childFile, Plans: "foreign child/undisturbed",
		Old:    `	case !metav1.IsControlledBy(present, cluster):`,
		New:    `	case !metav1.IsControlledBy(present, cluster) && !mutant.Active("owner-not-checked"):`,
		Breaks: "a foreign object of a child's name is never taken over (3)",
	},
	{
		Name: "not-looked-up-before-it-is-made", File: childFile, Plans: "foreign child/undisturbed",
		Old: `	case apierrors.IsNotFound(err):
		present, err = c.get(`,
		New: `	case apierrors.IsNotFound(err) && !mutant.Active("not-looked-up-before-it-is-made"):
		present, err = c.get(`,
		Breaks: "a child that the informer does not show is looked up before it is applied (3)",
	},
	{
		Name: "deleted-by-name-alone", File: childFile, Plans: "^job fails, restart from the latest state$/write/(held|behind|joined|frozen)",
		Old: `	err := c.delete(ctx, cluster.Namespace, name, metav1.DeleteOptions{
		Preconditions:     &metav1.Preconditions{UID: &uid},
`,
		New: `	preconditions := &metav1.Preconditions{UID: &uid}
	if mutant.Active("deleted-by-name-alone") {
		preconditions = nil
	}
	err := c.delete(ctx, cluster.Namespace, name, metav1.DeleteOptions{
		Preconditions:     preconditions,
`,
		Breaks: "exactly the child that was seen is deleted, by its UID (3)",
	},
	{
		Name: "drift-not-mended", File: childFile, Plans: "child edited/undisturbed",
		Old:    `	if err != nil || inForm {`,
		New:    `	if err != nil || inForm || mutant.Active("drift-not-mended") {`,
		Breaks: "what somebody changes in a child is put right",
	},
	{
		Name: "child-applied-in-each-pass", File: childFile, Plans: "the operator is started again",
		Old:    `	inForm, err := contains(present, wanted)`,
		New:    `	inForm, err := contains(present, wanted)` + "\n" + `	inForm = inForm && !mutant.Active("child-applied-in-each-pass")`,
		Breaks: "a child in its wanted form costs no request",
	},
	{
		Name: "handled-whatever-is-wanted", File: "pkg/controller/cluster/handled.go", Plans: "^scale/undisturbed",
		Old: `	return known && last == handledVersion{`,
		New: `	if version, is := last.(handledVersion); is && mutant.Active("handled-whatever-is-wanted") {
		wanted = version.wanted
	}
	return known && last == handledVersion{`,
		Breaks: "a child that was in its wanted form is looked at again when another is wanted",
	},
	{
		Name: "task-manager-left-out", File: "pkg/lifecycle/cluster.go", Plans: "create a job/undisturbed",
		Old: `	stale := func(workload Workload) bool {`,
		New: `	if mutant.Active("task-manager-left-out") {
		plan.TaskManager = Leave
	}
	stale := func(workload Workload) bool {`,
		Breaks: "the TaskManagers of a run are made",
	},
	{
		Name: "task-manager-not-removed", File: writerFile, Plans: "JobManager deleted/undisturbed",
		Old:    `	if !step.seen.Exists || step.seen.Deleting || w.hasRemoved(key, uid) {`,
		New:    `	if !step.seen.Exists || step.seen.Deleting || w.hasRemoved(key, uid) || step.kind == kindStatefulSet && mutant.Active("task-manager-not-removed") {`,
		Breaks: "the TaskManagers of an old run are removed before the next (4.7)",
	},
	{
		Name: "deleted-in-each-pass", File: writerFile, Plans: "^suspend while the children are seen late$/undisturbed",
		Old:    `	return slices.Contains(w.removed[key], uid)`,
		New:    `	return slices.Contains(w.removed[key], uid) && !mutant.Active("deleted-in-each-pass")`,
		Breaks: "a child is deleted once, however late that is seen",
	},
}
