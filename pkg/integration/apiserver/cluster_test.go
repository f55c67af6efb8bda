//go:build apiserver

package apiserver

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// countingJob is a job with everything that a scenario needs: a place for savepoints, and a restart by policy.
func countingJob(name string) string {
	return `
apiVersion: flinkoperator.k8s.io/v1beta1
kind: FlinkCluster
metadata: {name: ` + name + `}
spec:
  image: {name: "flink:2.1.3"}
  taskManager: {replicas: 2}
  job:
    jarFile: /opt/flink/usrlib/job.jar
    parallelism: 2
    savepointsDir: file:///savepoints
    restartPolicy: FromLatestStateOnFailure
`
}

// waitFor waits until a cluster is as it should be, and returns it.
func (m *machinery) waitFor(t *testing.T, name, what string, check func(*v1beta1.FlinkCluster) bool) *v1beta1.FlinkCluster {
	t.Helper()
	var cluster *v1beta1.FlinkCluster
	eventually(t, waitLimit, name+": "+what, func(ctx context.Context) (bool, any) {
		var err error
		if cluster, err = flinkClusters(t, m.namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return false, err
		}
		status, err := json.MarshalIndent(cluster.Status, "", " ")
		require.NoError(t, err)
		return check(cluster), string(status)
	})
	return cluster
}

func (m *machinery) waitForJob(t *testing.T, name string, state v1beta1.JobState) *v1beta1.FlinkCluster {
	t.Helper()
	return m.waitFor(t, name, "the job to be "+string(state), func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Components.Job != nil && cluster.Status.Components.Job.State == state
	})
}

// waitForSettled waits until a cluster is up and nothing moves any more.
func (m *machinery) waitForSettled(t *testing.T, name string) *v1beta1.FlinkCluster {
	t.Helper()
	return m.waitFor(t, name, "to be up", func(cluster *v1beta1.FlinkCluster) bool {
		return meta.IsStatusConditionTrue(cluster.Status.Conditions, v1beta1.ConditionReady) &&
			meta.IsStatusConditionFalse(cluster.Status.Conditions, v1beta1.ConditionProgressing) &&
			cluster.Status.State == v1beta1.ClusterStateRunning &&
			cluster.Status.ObservedGeneration == cluster.Generation
	})
}

// waitForTaskManagers waits for the pods: their number in the status follows in its own time.
func (m *machinery) waitForTaskManagers(t *testing.T, name string, count int) {
	t.Helper()
	selector := labels.Set{v1beta1.LabelCluster: name, v1beta1.LabelComponent: v1beta1.ComponentTaskManager}.AsSelector()
	eventually(t, waitLimit, fmt.Sprintf("%d TaskManagers of %s", count, name), func(context.Context) (bool, any) {
		pods, err := m.kinds.Core().V1().Pods().Lister().Pods(m.namespace).List(selector)
		return err == nil && len(pods) == count, len(pods)
	})
}

// control attaches the user-control annotation and waits for the end of the request.
func (m *machinery) control(t *testing.T, name, value string) *v1beta1.FlinkCluster {
	t.Helper()
	before, err := flinkClusters(t, m.namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	request := int64(1)
	if before.Status.Control != nil {
		request = before.Status.Control.Request + 1
	}
	kubectl(t, "--namespace", m.namespace, "annotate", "flinkcluster", name, v1beta1.ControlAnnotation+"="+value)
	return m.waitFor(t, name, "the end of "+value, func(cluster *v1beta1.FlinkCluster) bool {
		control := cluster.Status.Control
		_, attached := cluster.Annotations[v1beta1.ControlAnnotation]
		return control != nil && control.Request == request && !attached &&
			(control.State == v1beta1.ControlStateSucceeded || control.State == v1beta1.ControlStateFailed)
	})
}
