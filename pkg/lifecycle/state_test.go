package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestNewestState(t *testing.T) {
	type status = v1beta1.JobStatus
	from := func(path string) clusterEdit {
		return func(c *v1beta1.FlinkCluster) { jobOf(c).FromSavepoint = path }
	}
	named := func(path string) clusterEdit { return spec(func(job *v1beta1.JobSpec) { job.FromSavepoint = path }) }
	observedNamed := func(path string) clusterEdit {
		return func(c *v1beta1.FlinkCluster) { c.Spec.Job.FromSavepoint, jobOf(c).ObservedFromSavepoint = path, path }
	}
	missing := func(paths ...string) clusterEdit {
		return func(c *v1beta1.FlinkCluster) { jobOf(c).MissingSnapshots = paths }
	}
	checkpointed := func(attempt int32, id int64, age time.Duration) clusterEdit {
		return func(c *v1beta1.FlinkCluster) { jobOf(c).LastCheckpoint = checkpointStatus(attempt, id, age) }
	}
	maxAge := func(seconds int32) clusterEdit {
		return spec(func(job *v1beta1.JobSpec) { job.MaxStateAgeToRestoreSeconds = new(seconds) })
	}
	second := run(v1beta1.JobStateFailed, func(job *status) { job.Attempt, job.ID = 2, JobID(testUID, 2) })

	for name, test := range map[string]struct {
		edits          []clusterEdit
		savepointsOnly bool
		expected       string
		reason         string
	}{
		"nothing ever":                           {expected: ""},
		"a savepoint":                            {edits: []clusterEdit{history(record(1, 4, time.Minute))}, expected: savepointPath(1, 4)},
		"a checkpoint":                           {edits: []clusterEdit{checkpointed(1, 5, time.Minute)}, expected: checkpointPath(1, 5)},
		"by number, whatever the time":           {edits: []clusterEdit{history(record(1, 4, time.Second)), checkpointed(1, 5, time.Hour)}, expected: checkpointPath(1, 5)},
		"by number, the savepoint":               {edits: []clusterEdit{history(record(1, 6, time.Hour)), checkpointed(1, 5, time.Second)}, expected: savepointPath(1, 6)},
		"by time where a number is unknown":      {edits: []clusterEdit{history(record(1, 0, time.Second)), checkpointed(1, 5, time.Hour)}, expected: savepointPath(1, 0)},
		"the newest of several savepoints":       {edits: []clusterEdit{history(record(1, 4, time.Minute), record(1, 6, time.Hour), record(1, 5, time.Second))}, expected: savepointPath(1, 6)},
		"the last run's, whatever the clocks":    {edits: []clusterEdit{second, history(record(1, 9, time.Second)), checkpointed(2, 3, time.Hour)}, expected: checkpointPath(2, 3)},
		"across older runs by time":              {edits: []clusterEdit{run(v1beta1.JobStateFailed, func(job *status) { job.Attempt, job.ID = 3, JobID(testUID, 3) }), history(record(1, 9, time.Hour), record(2, 3, time.Minute))}, expected: savepointPath(2, 3)},
		"what the run was restored from":         {edits: []clusterEdit{second, history(record(1, 9, time.Minute), record(1, 4, time.Hour)), from(savepointPath(1, 4))}, expected: savepointPath(1, 4)},
		"what the user had it restored from":     {edits: []clusterEdit{second, history(record(1, 9, time.Minute)), from(otherPath), observedNamed(otherPath)}, expected: otherPath},
		"the same, only savepoints":              {edits: []clusterEdit{second, history(record(1, 9, time.Minute)), from(otherPath), observedNamed(otherPath)}, savepointsOnly: true, expected: otherPath},
		"the run's own before the restored":      {edits: []clusterEdit{second, history(record(2, 1, time.Hour)), from(otherPath), observedNamed(otherPath)}, expected: savepointPath(2, 1)},
		"the restored one is missing":            {edits: []clusterEdit{second, history(record(1, 9, time.Minute), record(1, 4, time.Hour)), from(savepointPath(1, 4)), missing(savepointPath(1, 4))}, expected: savepointPath(1, 9)},
		"the first path again":                   {edits: []clusterEdit{from(otherPath), observedNamed(otherPath)}, expected: otherPath},
		"the first path, missing a moment ago":   {edits: []clusterEdit{from(otherPath), observedNamed(otherPath), missing(otherPath)}, expected: otherPath},
		"an unchanged path does not count":       {edits: []clusterEdit{checkpointed(1, 5, time.Minute), observedNamed(otherPath)}, expected: checkpointPath(1, 5)},
		"a new path counts":                      {edits: []clusterEdit{checkpointed(1, 5, time.Minute), named(otherPath)}, expected: otherPath},
		"a new path counts, only savepoints":     {edits: []clusterEdit{named(otherPath)}, savepointsOnly: true, expected: otherPath},
		"a removed path does not count":          {edits: []clusterEdit{checkpointed(1, 5, time.Minute), func(c *v1beta1.FlinkCluster) { jobOf(c).ObservedFromSavepoint = otherPath }}, expected: checkpointPath(1, 5)},
		"only savepoints":                        {edits: []clusterEdit{history(record(1, 4, time.Hour)), checkpointed(1, 5, time.Minute)}, savepointsOnly: true, expected: savepointPath(1, 4)},
		"only savepoints, none":                  {edits: []clusterEdit{checkpointed(1, 5, time.Minute)}, savepointsOnly: true, reason: reasonNoSavepoint},
		"only savepoints, the user's is no own":  {edits: []clusterEdit{from(otherPath), observedNamed(otherPath)}, savepointsOnly: true, reason: reasonNoSavepoint},
		"a missing one is skipped":               {edits: []clusterEdit{history(record(1, 4, time.Hour)), checkpointed(1, 5, time.Minute), missing(checkpointPath(1, 5))}, expected: savepointPath(1, 4)},
		"all are missing":                        {edits: []clusterEdit{checkpointed(1, 5, time.Minute), missing(checkpointPath(1, 5))}, reason: reasonStateMissing},
		"all are missing, but an old path":       {edits: []clusterEdit{checkpointed(1, 5, time.Minute), missing(checkpointPath(1, 5)), observedNamed(otherPath)}, reason: reasonStateMissing},
		"all are missing, but a new path":        {edits: []clusterEdit{checkpointed(1, 5, time.Minute), missing(checkpointPath(1, 5)), named(otherPath)}, expected: otherPath},
		"young enough":                           {edits: []clusterEdit{checkpointed(1, 5, 30*time.Second), maxAge(60)}, expected: checkpointPath(1, 5)},
		"too old":                                {edits: []clusterEdit{checkpointed(1, 5, 2*time.Minute), maxAge(60)}, reason: reasonStateTooOld},
		"too old, and an older one is no better": {edits: []clusterEdit{history(record(1, 4, time.Second)), checkpointed(1, 5, 2*time.Minute), maxAge(60)}, reason: reasonStateTooOld},
		"age zero":                               {edits: []clusterEdit{checkpointed(1, 5, 2*time.Second), maxAge(0)}, reason: reasonStateTooOld},
		"the age of a user's path is unknown":    {edits: []clusterEdit{from(otherPath), observedNamed(otherPath), maxAge(1)}, expected: otherPath},
		"a new path has no age":                  {edits: []clusterEdit{checkpointed(1, 5, time.Hour), maxAge(1), named(otherPath)}, expected: otherPath},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateFailed)}, test.edits...)...)
			point := newestState(cluster.Spec.Job, &cluster.Status, test.savepointsOnly, start)
			require.Equal(t, test.reason, point.reason)
			require.Equal(t, test.reason != "", point.refusal != "", "a reason goes with a refusal")
			require.Equal(t, test.expected, point.location)
		})
	}
}

func TestSameLocation(t *testing.T) {
	for name, test := range map[string]struct {
		a, b string
		same bool
	}{
		"equal":                 {"s3://b/x", "s3://b/x", true},
		"slash at the end":      {"s3://b/x/", "s3://b/x", true},
		"metadata file":         {"s3://b/x/_metadata", "s3://b/x", true},
		"file, one and three":   {"file:/x/y", "file:///x/y", true},
		"no scheme":             {"/x/y", "file:/x/y", true},
		"default file system":   {"/x/y", "hdfs://name:8020/x/y", true},
		"authority left out":    {"hdfs:///x/y", "hdfs://name:8020/x/y", true},
		"other bucket":          {"s3://b/x", "s3://c/x", false},
		"other scheme":          {"s3://b/x", "gs://b/x", false},
		"other path":            {"s3://b/x", "s3://b/y", false},
		"nothing and something": {"nothing", "s3://b/x", false},
		"nothing":               {"nothing", "nothing", true},
		"empty":                 {"", "", true},
		"relative":              {"x/y", "x/y", true},
		"a colon in the path":   {"/x:/y", "/x:/y", true},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.same, sameLocation(test.a, test.b))
			require.Equal(t, test.same, sameLocation(test.b, test.a))
		})
	}
}

func TestWithin(t *testing.T) {
	for name, test := range map[string]struct {
		path, directory string
		within          bool
	}{
		"inside":                 {"s3://b/x/savepoint-1", "s3://b/x", true},
		"slash at the end":       {"s3://b/x/savepoint-1", "s3://b/x/", true},
		"bucket":                 {"s3://b/savepoint-1", "s3://b", true},
		"file":                   {"file:/x/savepoint-1", "/x", true},
		"file written out":       {"file:/x/savepoint-1", "file:///x", true},
		"authority left out":     {"hdfs://name:8020/x/savepoint-1", "hdfs:///x", true},
		"root":                   {"file:/savepoint-1", "/", true},
		"a name that goes on":    {"s3://b/xy/savepoint-1", "s3://b/x", false},
		"other bucket":           {"s3://c/x/savepoint-1", "s3://b/x", false},
		"the directory itself":   {"s3://b/x", "s3://b/x", false},
		"the directory's father": {"s3://b", "s3://b/x", false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.within, within(test.path, test.directory)) })
	}
}

// TestRestoredFromWhatIsKnown: the newest state that was known when the run ended is what the next starts from.
func TestRestoredFromWhatIsKnown(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) { job.LastCheckpoint = checkpointStatus(1, 2, time.Minute) }))
	last := heard(flinkSays(flink.JobFailed), savepointsSeen(savepoint(1, 8)), func(o *flink.Observation) { o.Checkpoints.Completed = checkpoint(1, 7) })

	failed := decideCluster(cluster, up(1), last)
	require.Equal(t, v1beta1.JobStateFailed, failed.Status.Components.Job.State)
	require.EqualValues(t, 7, failed.Status.Components.Job.LastCheckpoint.ID)
	cluster.Status = stored(t, failed.Status)
	require.Equal(t, v1beta1.JobStateFailed, decideCluster(cluster, up(1), last).Status.Components.Job.State, "waits for the savepoint loop")

	cluster.Status = stored(t, decideSavepoint(cluster, last, 0).Status)
	require.Equal(t, v1beta1.SavepointReasonExternal, cluster.Status.SavepointHistory[0].Reason)
	for range 3 {
		cluster.Status = stored(t, decideCluster(cluster, Children{}, last).Status)
	}
	require.EqualValues(t, 2, jobOf(cluster).Attempt)
	require.Equal(t, savepointPath(1, 8), jobOf(cluster).FromSavepoint)
}
