package mutation

// leaderMutants take away what keeps an operator harmless whose view is old, or that is not the only one.
var leaderMutants = []Mutant{
	{
		Name: "lister-trusted", File: "pkg/controller/status/updater.go", Plans: "^rollback after two upgrades that fail$/undisturbed",
		Old: `	return u.known.newest(key, fromInformer).DeepCopy(), true
`,
		New: `	if mutant.Active("lister-trusted") {
		return fromInformer.DeepCopy(), true
	}
	return u.known.newest(key, fromInformer).DeepCopy(), true
`,
		Breaks: "decisions are made on our own last write, not on a late informer (4.6)",
	},
	{
		Name: "no-look-before-the-job-manager-is-made", File: clusterLoopFile, Plans: "^create, and the job fails at once$/write/held",
		Old:    `	if ends = ends && children.Workloads(); !ends && (!starts || v.Cluster.Spec.Job == nil) {`,
		New:    `	if ends = ends && children.Workloads(); !ends && (!starts || v.Cluster.Spec.Job == nil) || mutant.Active("no-look-before-the-job-manager-is-made") {`,
		Breaks: "one live look before a JobManager is made or removed (4.6)",
	},
	{
		Name: "no-look-at-the-pods-before-the-job-manager-is-made", File: clusterLoopFile, Plans: "^create, and the job fails at once$/write/behind",
		Old:    `	return live.Status.Components.JobManager == nil && children.ClearToStart(attempt), nil`,
		New:    `	return mutant.Active("no-look-at-the-pods-before-the-job-manager-is-made") || live.Status.Components.JobManager == nil && children.ClearToStart(attempt), nil`,
		Breaks: "no run beside another that still runs, whatever the informers show (4.6)",
	},
	{
		Name: "two-leaders-do-not-brake", File: "pkg/controller/status/contention.go", Plans: "^two leaders, one of them cut off from Flink$",
		Old:    `	if !known || last.uid != string(before.UID) {`,
		New:    `	if !known || last.uid != string(before.UID) || mutant.Active("two-leaders-do-not-brake") {`,
		Breaks: "two leaders slow down instead of fighting",
	},
}
