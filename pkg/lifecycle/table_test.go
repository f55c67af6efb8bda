package lifecycle

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

var update = flag.Bool("update", false, "write the table of docs/user-guide/job-lifecycle.md instead of comparing with it")

// tableColumns are the ways to upgrade, as a user sets them.
var tableColumns = []struct {
	title string
	edit  clusterEdit
}{
	{"`stateless`", mode(v1beta1.UpgradeModeStateless)},
	{"`last-state`", mode(v1beta1.UpgradeModeLastState)},
	{"`savepoint`", mode(v1beta1.UpgradeModeSavepoint)},
	{"`savepoint`, `upgradeFallback: None`", both(mode(v1beta1.UpgradeModeSavepoint), noFallback)},
	{"unset, no directory known", noDirectory},
	{"`last-state` or unset, high availability", withHA},
	{"the same, another Flink version", both(withHA, anotherFlink)},
}

// tableRows are the conditions that an upgrade finds a job in.
var tableRows = []struct {
	title    string
	edit     clusterEdit
	observed flink.Observation
}{
	{"runs", both(run(v1beta1.JobStateRunning, withCheckpoint), history(record(1, 4, time.Minute))), heard()},
	{"runs, no checkpoint or savepoint yet", run(v1beta1.JobStateRunning), heard(noCheckpoints)},
	{"a savepoint is being taken", both(run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateInProgress)), heard()},
	{"restarts or fails within Flink", run(v1beta1.JobStateRunning, withCheckpoint), heard(flinkSays(flink.JobRestarting))},
	{"the JobManager has been silent for 30 s", run(v1beta1.JobStateRunning, withCheckpoint), silentFor(silenceWait)},
	{"is starting, and has not run", run(v1beta1.JobStateDeploying), flink.Observation{}},
	{"failed or lost", run(v1beta1.JobStateFailed, withCheckpoint), flink.Observation{}},
	{"cancelled with a savepoint", both(run(v1beta1.JobStateCancelled), stoppedBefore), flink.Observation{}},
	{"cancelled without one", run(v1beta1.JobStateCancelled, withCheckpoint), flink.Observation{}},
	{"finished", run(v1beta1.JobStateSucceeded), flink.Observation{}},
}

// anotherFlink is a run of a Flink whose metadata the next one cannot read.
func anotherFlink(cluster *v1beta1.FlinkCluster) {
	jobOf(cluster).HighAvailability.Image, jobOf(cluster).HighAvailability.FlinkVersion = "flink:1.20", "1.20"
}

func mode(mode v1beta1.UpgradeMode) clusterEdit {
	return spec(func(job *v1beta1.JobSpec) { job.UpgradeMode = mode })
}

func noFallback(cluster *v1beta1.FlinkCluster) {
	cluster.Spec.Job.UpgradeFallback = v1beta1.UpgradeFallbackNone
}

func stoppedBefore(cluster *v1beta1.FlinkCluster) {
	slot(v1beta1.SavepointStateSucceeded, stop, func(s *v1beta1.SavepointStatus) { s.Location = savepointPath(1, 9) })(cluster)
	history(record(1, 9, 0))(cluster)
}

func noCheckpoints(observed *flink.Observation) { observed.Checkpoints = &flink.CheckpointStatistics{} }

func silentFor(silence time.Duration) flink.Observation {
	return heard(func(observed *flink.Observation) {
		observed.Reachable, observed.Silent, observed.AnsweredAt = false, true, start.Add(-silence)
	})
}

func both(edits ...clusterEdit) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) {
		for _, edit := range edits {
			edit(cluster)
		}
	}
}

// upgradeCell is what an upgrade does, in words: how the job is stopped, and what it starts from.
func upgradeCell(edits clusterEdit, observed flink.Observation) string {
	cluster := newCluster(policy(v1beta1.RestartPolicyNever), edits)
	cluster.Status.Revision.Current = "counter-1"
	in := ClusterInput{Cluster: cluster, Revision: "counter-1", NextRevision: "counter-2", Changed: []string{"spec.image.name"}, Version: "2.1", NextVersion: "2.1", Next: &cluster.Spec, Observation: observed, Now: start}
	status := cluster.Status.DeepCopy()
	pass := newJobPass(in, status)
	if !jobActive(pass.job) {
		pass.step()
		if pass.job.State != v1beta1.JobStateUpdating {
			return "waits"
		}
		return "starts from " + startOf(pass)
	}
	stop := pass.chooseStop(v1beta1.TransitionUpgrade, pass.runObservation())
	switch {
	case stop.wait != "":
		return "waits"
	case stop.takesSavepoint():
		return "stop with savepoint; starts from it"
	case stop.metadata:
		return "pods removed; goes on from its metadata"
	case observed.Reachable:
		pass.beginTransition(v1beta1.TransitionUpgrade, stop)
		return "cancel; starts from " + startOf(pass)
	}
	pass.beginTransition(v1beta1.TransitionUpgrade, stop)
	return "pods removed; starts from " + startOf(pass)
}

func startOf(pass *jobPass) string {
	pass.recordCheckpoint(pass.runObservation(), true)
	point := pass.restorePointFor(v1beta1.TransitionUpgrade)
	switch {
	case point.afresh:
		return "nothing"
	case strings.Contains(point.location, "chk-"), strings.Contains(point.location, "savepoint-"):
		return "its newest state"
	case point.location == "":
		return "what it was started from"
	}
	return point.location
}

func upgradeTable() string {
	var text strings.Builder
	text.WriteString("| the job |")
	for _, column := range tableColumns {
		text.WriteString(" " + column.title + " |")
	}
	text.WriteString("\n|" + strings.Repeat(" --- |", len(tableColumns)+1) + "\n")
	for _, row := range tableRows {
		text.WriteString("| " + row.title + " |")
		for _, column := range tableColumns {
			text.WriteString(" " + upgradeCell(both(row.edit, column.edit), row.observed) + " |")
		}
		text.WriteString("\n")
	}
	return text.String()
}

// TestUpgradeTable holds the table of the user guide against the decisions, cell by cell.
func TestUpgradeTable(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "user-guide", "job-lifecycle.md")
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(page), "<!-- table: begin -->\n")
	require.True(t, found)
	table, after, found := strings.Cut(rest, "<!-- table: end -->")
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+"<!-- table: begin -->\n"+upgradeTable()+"<!-- table: end -->"+after), 0o600))
		return
	}
	require.Equal(t, upgradeTable(), table, "go test ./pkg/lifecycle -run TestUpgradeTable -update")
}
