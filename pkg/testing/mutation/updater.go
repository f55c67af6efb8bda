package mutation

const updaterFile = "pkg/controller/status/updater.go"

// updaterMutants spoil the one writer of the status.
var updaterMutants = []Mutant{
	{
		Name: "conflict-swallowed", File: updaterFile, Plans: "^savepoint by annotation$/write/refused",
		Old: `		case !apierrors.IsConflict(err):
`,
		New: `		case apierrors.IsConflict(err) && mutant.Active("conflict-swallowed"):
			return Dropped, before, nil
		case !apierrors.IsConflict(err):
`,
		Breaks: "after a conflict the mutation is run again on the live object (4.6)",
	},
	{
		Name: "failed-write-taken-for-stored", File: updaterFile, Plans: "^savepoint by annotation$/write/lost",
		Old: `			return "", nil, fmt.Errorf("writing the status of FlinkCluster %s: %w", key, err)
`,
		New: `			if mutant.Active("failed-write-taken-for-stored") {
				return Unchanged, before, nil
			}
			return "", nil, fmt.Errorf("writing the status of FlinkCluster %s: %w", key, err)
`,
		Breaks: "an error means that it is not known whether the status was stored (4.1)",
	},
	{
		Name: "status-overwrites-a-newer-one", File: updaterFile, Plans: "^(savepoint by annotation|two annotations in a row)$/write/(behind|joined|frozen)",
		Old: `	return u.config.Client.FlinkClusters(cluster.Namespace).UpdateStatus(ctx, cluster, metav1.UpdateOptions{})
`,
		New: `	if mutant.Active("status-overwrites-a-newer-one") {
		live, err := u.config.Client.FlinkClusters(cluster.Namespace).Get(ctx, cluster.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		cluster.ResourceVersion = live.ResourceVersion
	}
	return u.config.Client.FlinkClusters(cluster.Namespace).UpdateStatus(ctx, cluster, metav1.UpdateOptions{})
`,
		Breaks: "the status is written on top of the version that it was decided on (4.6)",
	},
	{
		Name: "savepoint-status-dropped", File: updaterFile, Plans: "^savepoint by annotation$/undisturbed",
		Old: `		stored, err := u.store(ctx, after)
`,
		New: `		if owner == Savepoint && mutant.Active("savepoint-status-dropped") {
			return Dropped, before, nil
		}
		stored, err := u.store(ctx, after)
`,
		Breaks: "what is decided is stored (4.1)",
	},
}
