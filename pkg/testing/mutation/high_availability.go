package mutation

const (
	metadataFile   = "pkg/lifecycle/metadata.go"
	actMetadata    = "pkg/controller/cluster/metadata.go"
	throughPlan    = "^upgrade through metadata$/undisturbed"
	recoveryPlan   = "^JobManager that takes its time to recover$/undisturbed"
	takeoverFile   = "pkg/lifecycle/takeover.go"
	forgottenPlan  = "^JobManager with high availability lost with the answer about a savepoint$/undisturbed"
	otherFlinkPlan = "^upgrade of Flink with high availability$/undisturbed"
)

// highAvailabilityMutants spoil what becomes of a job that Flink itself goes on with.
var highAvailabilityMutants = []Mutant{
	{
		Name: "stored-graph-left", File: actMetadata, Plans: throughPlan,
		Old: `		found = found || has
`,
		New: `		found = (found || has) && !mutant.Active("stored-graph-left")
`,
		Breaks: "the stored graph goes before a changed job starts (flink-runtime 3.4)",
	},
	{
		Name: "job-id-changed-with-metadata", File: metadataFile, Plans: throughPlan,
		Old: `		number = point.metadata.ID
`,
		New: `		number = point.metadata.ID
		if mutant.Active("job-id-changed-with-metadata") {
			job.ID = JobID(p.Cluster.UID, job.Attempt)
		}
`,
		Breaks: "Flink looks for metadata under the same job id (flink-runtime 3.4)",
	},
	{
		Name: "metadata-left-behind", File: "pkg/lifecycle/delete.go", Plans: "^delete with high availability$/undisturbed",
		Old:    `	if leavesMetadata(in.Cluster) {`,
		New:    `	if leavesMetadata(in.Cluster) && !mutant.Active("metadata-left-behind") {`,
		Breaks: "a deleted cluster leaves no metadata of high availability behind (4.7)",
	},
	{
		Name: "metadata-removed-before-the-restore", File: "pkg/controller/cluster/controller.go", Plans: throughPlan,
		Old: `		if err := c.Metadata.RemoveGraph(ctx, cluster); err != nil {
`,
		New: `		if mutant.Active("metadata-removed-before-the-restore") {
			if err := c.Metadata.RemoveAll(ctx, cluster); err != nil {
				return err
			}
		}
		if err := c.Metadata.RemoveGraph(ctx, cluster); err != nil {
`,
		Breaks: "metadata that a run goes on from is kept",
	},
	{
		Name: "run-ends-with-its-jobmanager-in-spite-of-ha", File: jobFile, Plans: "^StatefulSet of a JobManager with high availability deleted$/write",
		Old: `	if p.highlyAvailable() {
		return false
	}
	pod := `,
		New: `	if p.highlyAvailable() && !mutant.Active("run-ends-with-its-jobmanager-in-spite-of-ha") {
		return false
	}
	pod := `,
		Breaks: "with high availability the loss of a JobManager is not the end of the run",
	},
	{
		Name: "observed-on-with-the-same-job-id", File: "pkg/flink/observer/target.go", Plans: throughPlan,
		Old:    `t.JobID == other.JobID && t.Attempt == other.Attempt`,
		New:    `t.JobID == other.JobID && (t.Attempt == other.Attempt || mutant.Active("observed-on-with-the-same-job-id"))`,
		Breaks: "another run gets another record, also with the same job id (4.5)",
	},
	{
		Name: "started-though-the-metadata-is-gone", File: metadataFile, Plans: "^metadata gone, and no checkpoint known$/undisturbed",
		Old:    `	if !missing || slices`,
		New:    `	if !missing || mutant.Active("started-though-the-metadata-is-gone") || slices`,
		Breaks: "nothing starts empty where metadata is gone (4.4)",
	},
	{
		Name: "metadata-of-another-flink", File: metadataFile, Plans: otherFlinkPlan,
		Old:    `		sameFlink(before, next.Image.Name, p.wantedVersion())`,
		New:    `		(sameFlink(before, next.Image.Name, p.wantedVersion()) || mutant.Active("metadata-of-another-flink"))`,
		Breaks: "metadata is not read by another Flink version (flink-runtime 3.4)",
	},
	{
		Name: "former-metadata-left", File: metadataFile, Plans: "^upgrade stateless with high availability$/undisturbed",
		Old: `	case !seen.Former:
`,
		New: `	case !seen.Former || mutant.Active("former-metadata-left"):
`,
		Breaks: "the metadata of former runs is removed",
	},
	{
		Name: "cancelled-in-spite-of-metadata", File: transitionFile, Plans: throughPlan,
		Old:    `	if transition.KeepsMetadata {`,
		New:    `	if transition.KeepsMetadata && !mutant.Active("cancelled-in-spite-of-metadata") {`,
		Breaks: "a cancel would have Flink remove the metadata (flink-runtime 3.4)",
	},
	{
		Name: "lost-while-it-recovers", File: metadataFile, Plans: recoveryPlan,
		Old:    `	if wait := observed.MissingSince.Add(recoveryWait).Sub(p.Now); wait > 0 {`,
		New:    `	if wait := observed.MissingSince.Add(recoveryWait).Sub(p.Now); wait > 0 && !mutant.Active("lost-while-it-recovers") {`,
		Breaks: "a JobManager with high availability is given the time to recover its job",
	},
	{
		Name: "newer-savepoint-passed-over", File: metadataFile, Plans: "^upgrade with a savepoint newer than the metadata$/undisturbed",
		Old:    `	case point.refusal != "" || point.location != newest.Location:`,
		New:    `	case point.refusal != "" || point.location != newest.Location && !mutant.Active("newer-savepoint-passed-over"):`,
		Breaks: "the newest state counts, also if Flink does not keep it in its metadata (4.4)",
	},
	{
		Name: "savepoint-asked-of-another-jobmanager", File: takeoverFile, Plans: forgottenPlan,
		Old:    `	return slot.JobStartTime != nil && job != nil &&`,
		New:    `	return !mutant.Active("savepoint-asked-of-another-jobmanager") && slot.JobStartTime != nil && job != nil &&`,
		Breaks: "one savepoint for each request, also if another JobManager takes over, which knows no trigger ids (4.2)",
	},
	{
		Name: "savepoint-repeated-unasked", File: takeoverFile, Plans: forgottenPlan,
		Old:    `	case again && (operation`,
		New:    `	case again && !mutant.Active("savepoint-repeated-unasked") && (operation`,
		Breaks: "an unknown outcome is looked at before the request is sent again: another JobManager may have taken over (4.2)",
	},
}
