//go:build cluster

package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// TestStandby: the second of two JobManagers takes over the job of the first, and an upgrade replaces both.
func TestStandby(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := highlyAvailable(namespace.Counter("counter", flinkcluster.Pace(paceMillis)...))
	wanted.Spec.JobManager.Replicas = new(int32(2))
	wanted.Spec.Job.UpgradeMode = v1beta1.UpgradeModeLastState
	job := namespace.Create(t, wanted)
	first := job.AwaitRunning(t, 1).Status.Components.Job.ID
	awaitReady(t, job)

	before := awaitCheckpointedCount(t, job, first)
	led := leader(t, job, "")
	// Killed, it might be back before its lease has expired, and lead again.
	resume := job.PauseJava(t, led)
	leader(t, job, led.Name)
	resume()
	requireRecovered(t, job, first, before, 0)
	awaitReady(t, job)
	status := job.Get(t).Status.Components.Job
	require.Equal(t, first, status.ID)
	require.EqualValues(t, 1, status.Attempt)
	require.Zero(t, status.RestartCount)

	testMetadataUpgrade(t, job, first, withArguments(flinkcluster.Pace(paceMillis+1)...))
	job.DeleteAll(t)
}

// leader waits until a JobManager other than one of a name leads, as Flink's metadata tells, and returns its pod.
func leader(t *testing.T, job *flinkcluster.Cluster, other string) *corev1.Pod {
	t.Helper()
	pods := job.Pods(t, v1beta1.ComponentJobManager)
	var leads *corev1.Pod
	flinkcluster.Eventually(t, "a JobManager that leads", func(ctx context.Context) error {
		for _, held := range metadataOf(ctx, t, job) {
			address := held.Data["org.apache.flink.k8s.leader.dispatcher"]
			for name, pod := range pods {
				if name != other && pod.Status.PodIP != "" && strings.Contains(address, "@"+pod.Status.PodIP+":") {
					leads = pod
					return nil
				}
			}
		}
		return errors.New("the metadata names no such JobManager")
	})
	return leads
}
