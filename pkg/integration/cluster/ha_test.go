//go:build cluster

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// highlyAvailable gives a cluster Flink's high availability on Kubernetes.
func highlyAvailable(cluster *v1beta1.FlinkCluster) *v1beta1.FlinkCluster {
	cluster.Spec.FlinkProperties["high-availability.type"] = "kubernetes"
	cluster.Spec.FlinkProperties["high-availability.storageDir"] = flinkcluster.HAStorageDirectory
	return cluster
}

// TestHighAvailability loses the JobManager of a job with high availability in several ways, and upgrades and suspends it: it is
// the same job of Flink all the time, which never goes back behind a checkpoint, whether or not the operator has heard of it.
// Then it throws the state away.
func TestHighAvailability(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := highlyAvailable(twoSlots(namespace.Counter("counter", flinkcluster.Pace(paceMillis)...)))
	wanted.Spec.Job.UpgradeMode = v1beta1.UpgradeModeLastState
	job := namespace.Create(t, wanted)
	first := job.AwaitRunning(t, 1).Status.Components.Job.ID

	lose := func(ways ...func(*testing.T)) func(*testing.T) {
		return func(t *testing.T) {
			before := awaitCheckpointedCount(t, job, first)
			attempt := job.Get(t).Status.Components.Job.Attempt
			restored := newestRestored(t, job, first)
			for _, way := range ways {
				way(t)
			}
			requireRecovered(t, job, first, before, restored)
			status := job.AwaitRunning(t, attempt).Status.Components.Job
			require.Equal(t, first, status.ID)
			assert.Zero(t, status.RestartCount)
		}
	}
	killJobManager := func(t *testing.T) { job.KillJava(t, job.OnlyPod(t, v1beta1.ComponentJobManager)) }
	deletePod := func(component string) func(*testing.T) {
		return func(t *testing.T) { job.DeletePod(t, job.OnlyPod(t, component)) }
	}
	steps := []struct {
		name string
		test func(*testing.T)
	}{
		{"TaskManager deleted", lose(deletePod(v1beta1.ComponentTaskManager))},
		{"both pods deleted", lose(deletePod(v1beta1.ComponentJobManager), deletePod(v1beta1.ComponentTaskManager))},
		{"argument", func(t *testing.T) {
			testMetadataUpgrade(t, job, first, withArguments(flinkcluster.Pace(paceMillis+1)...))
		}},
		{"JobManager of the upgraded job killed", lose(killJobManager)},
		{"image", func(t *testing.T) { testMetadataUpgrade(t, job, first, otherImage(t)) }},
		{"parallelism", func(t *testing.T) { testMetadataUpgrade(t, job, first, withParallelism(2)) }},
		{"suspend and resume", func(t *testing.T) { testMetadataSuspend(t, job, first) }},
		{"without state", func(t *testing.T) { testStatelessHA(t, job, first) }},
	}
	for _, step := range steps {
		require.True(t, t.Run(step.name, step.test), "the next step expects the job to run")
	}
	job.DeleteAll(t)
}

// newestRestored is the number of the checkpoint that the job was restored from last, 0 for none.
func newestRestored(t *testing.T, job *flinkcluster.Cluster, id string) int64 {
	t.Helper()
	checkpoints, err := job.ReadCheckpoints(t.Context(), id)
	require.NoError(t, err)
	if checkpoints.Latest.Restored == nil {
		return 0
	}
	return checkpoints.Latest.Restored.ID
}

// requireRecovered waits until Flink has gone back to a checkpoint once more, and fails if that is older than what had been
// reached.
func requireRecovered(t *testing.T, job *flinkcluster.Cluster, id string, before progress, lastRestored int64) {
	t.Helper()
	var restored *flinkcluster.Snapshot
	flinkcluster.Eventually(t, "Flink to recover the job", func(ctx context.Context) error {
		checkpoints, err := job.ReadCheckpoints(ctx, id)
		if err != nil {
			return err
		}
		restored = checkpoints.Latest.Restored
		if restored == nil || restored.ID <= lastRestored {
			return errors.New("not restored")
		}
		return expectRunning(ctx, job, id)
	})
	require.GreaterOrEqual(t, restored.ID, before.checkpoint)
	require.False(t, restored.IsSavepoint)
	require.Contains(t, restored.Path, id+"/chk-")
	// The count may still be that of a TaskManager that has not heard of it, so it has to go on.
	job.AwaitCount(t, id, job.AwaitCount(t, id, before.count)+100)
}

// requireSameJob fails unless the run goes on with the job id of the first, through its metadata, without a cancel.
func requireSameJob(t *testing.T, job *flinkcluster.Cluster, attempt int32, id string) {
	t.Helper()
	cluster := job.Get(t)
	status := cluster.Status.Components.Job
	require.Equal(t, attempt, status.Attempt)
	require.Equal(t, id, status.ID)
	require.NotNil(t, status.HighAvailability)
	require.Positive(t, status.HighAvailability.CheckpointID)
	require.Equal(t, v1beta1.JobStateRunning, status.State)
	requireSpecRuns(t, job, cluster)
}

// awaitMetadataEvent waits until a user is told where a run goes on from. An operator that is killed as it has recorded the run
// does not come to tell.
func awaitMetadataEvent(t *testing.T, job *flinkcluster.Cluster, attempt int32, id string) {
	t.Helper()
	job.AwaitEvent(t, v1beta1.EventJobStarting, fmt.Sprintf("run %d of the job (%s) goes on from its high-availability metadata", attempt, id))
}

func testMetadataUpgrade(t *testing.T, job *flinkcluster.Cluster, id string, change edit) {
	before := awaitCheckpointedCount(t, job, id)
	attempt := job.Get(t).Status.Components.Job.Attempt
	lastRestored := newestRestored(t, job, id)
	job.Edit(t, change)
	awaitReady(t, job)
	requireRecovered(t, job, id, before, lastRestored)
	requireSameJob(t, job, attempt+1, id)
	awaitMetadataEvent(t, job, attempt+1, id)
}

func testMetadataSuspend(t *testing.T, job *flinkcluster.Cluster, id string) {
	before := awaitCheckpointedCount(t, job, id)
	attempt := job.Get(t).Status.Components.Job.Attempt
	lastRestored := newestRestored(t, job, id)
	setState(t, job, v1beta1.DesiredJobStateSuspended)
	job.Namespace.Kubectl(t, "wait", "--for=jsonpath={.status.lifecycle}=Suspended", "flinkcluster/"+job.Name, "--timeout=2m")
	require.Len(t, metadataOf(t.Context(), t, job), 2)
	job.Edit(t, func(cluster *v1beta1.FlinkCluster) {
		withArguments(flinkcluster.Pace(paceMillis)...)(cluster)
		cluster.Spec.Job.State = v1beta1.DesiredJobStateRunning
	})
	awaitReady(t, job)
	requireRecovered(t, job, id, before, lastRestored)
	requireSameJob(t, job, attempt+1, id)
	awaitMetadataEvent(t, job, attempt+1, id)
}

// testStatelessHA: the state and the metadata of before are left, and the metadata is removed.
func testStatelessHA(t *testing.T, job *flinkcluster.Cluster, id string) {
	testStateless(t, job, withArguments(flinkcluster.Pace(paceMillis+1)...))
	status := job.Get(t).Status.Components.Job
	require.NotEqual(t, id, status.ID)
	flinkcluster.Eventually(t, "only the metadata of the new job", func(ctx context.Context) error {
		for _, held := range metadataOf(ctx, t, job) {
			if !strings.HasPrefix(held.Name, status.HighAvailability.ClusterID+"-") {
				return fmt.Errorf("%s is left", held.Name)
			}
		}
		return nil
	})
	job.Await(t, "no mention of former metadata", func(cluster *v1beta1.FlinkCluster) bool {
		return len(cluster.Status.Components.Job.FormerMetadata) == 0
	})
}

func metadataOf(ctx context.Context, t *testing.T, job *flinkcluster.Cluster) []corev1.ConfigMap {
	t.Helper()
	found, err := suite.Kube.CoreV1().ConfigMaps(job.Namespace.Name).List(ctx, metav1.ListOptions{LabelSelector: "type=flink-native-kubernetes"})
	require.NoError(t, err)
	return found.Items
}
