//go:build apiserver

package apiserver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// mendLimit is short enough to tell being woken by the change from being woken by something else.
const mendLimit = 5 * time.Second

// What the operator set in a child is its own: whoever changes it finds it changed back.
func TestDriftIsMended(t *testing.T) {
	m := startMachinery(t)
	startOperator(t, m)
	applyManifest(t, m.namespace, countingJob("counter"))
	job := m.waitForSettled(t, "counter").Status.Components.Job
	settled(t)
	for name, change := range map[string]struct{ child, path, patch string }{
		"a value of the ConfigMap": {"configmap/counter-configmap", `{.data.flink-conf\.yaml}`, `{"data": {"flink-conf.yaml": "a: b"}}`},
		"a port of the Service":    {"service/counter-jobmanager", `{.spec.ports[?(@.name=="ui")].targetPort}`, `{"spec": {"ports": [{"name": "ui", "port": 8081, "targetPort": 9}]}}`},
		"its selector":             {"service/counter-jobmanager", `{.spec.selector.component}`, `{"spec": {"selector": {"component": "other"}}}`},
		"the replicas":             {"statefulset/counter-taskmanager", `{.spec.replicas}`, `{"spec": {"replicas": 1}}`},
		"a label":                  {"statefulset/counter-taskmanager", `{.metadata.labels.component}`, `{"metadata": {"labels": {"component": "other"}}}`},
		"the label of its watch":   {"configmap/counter-configmap", `{.metadata.labels.app\.kubernetes\.io/managed-by}`, `{"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody"}}}`},
		"the label of its cluster": {"service/counter-jobmanager", `{.metadata.labels.cluster}`, `{"metadata": {"labels": {"cluster": "other"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			read := []string{"--namespace", m.namespace, "get", change.child, "--output", "jsonpath=" + change.path}
			before := kubectl(t, read...)
			require.NotEmpty(t, before)
			kubectl(t, "--namespace", m.namespace, "patch", change.child, "--patch", change.patch)
			eventually(t, mendLimit, change.path+" to be "+before, func(ctx context.Context) (bool, any) {
				now, _, err := server.Kubectl(ctx, "", read...)
				return err == nil && now == before, now
			})
		})
	}
	// The job has noticed nothing of all that.
	require.Equal(t, job.ID, m.waitForSettled(t, "counter").Status.Components.Job.ID)
}

// A child that somebody deletes is made again. The JobManager is not among them: its end is the end of the run.
func TestDeletedChildIsMadeAgain(t *testing.T) {
	m := startMachinery(t)
	startOperator(t, m)
	applyManifest(t, m.namespace, countingJob("counter"))
	job := m.waitForSettled(t, "counter").Status.Components.Job
	for _, child := range []string{"configmap/counter-configmap", "service/counter-jobmanager", "statefulset/counter-taskmanager"} {
		t.Run(child, func(t *testing.T) {
			read := []string{"--namespace", m.namespace, "get", child, "--output", "jsonpath={.metadata.uid}"}
			before := kubectl(t, read...)
			kubectl(t, "--namespace", m.namespace, "delete", "--wait=false", child)
			eventually(t, waitLimit, "another "+child, func(ctx context.Context) (bool, any) {
				now, complaints, err := server.Kubectl(ctx, "", read...)
				return err == nil && now != "" && now != before, now + complaints
			})
		})
	}
	m.waitForTaskManagers(t, "counter", 2)
	require.Equal(t, job.ID, m.waitForSettled(t, "counter").Status.Components.Job.ID)
}

// An object of somebody else that bears the name of a child is reported, and never touched.
func TestForeignObjectIsNotTouched(t *testing.T) {
	m := startMachinery(t)
	startOperator(t, m)
	for _, manifest := range []string{
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: counter-configmap}, data: {a: b}}`,
		// Even with our labels it is not ours.
		`{apiVersion: v1, kind: Service, metadata: {name: counter-jobmanager, labels: {cluster: counter, app: flink, app.kubernetes.io/managed-by: flink-operator}},
		  spec: {ports: [{port: 80}]}}`,
	} {
		applyManifest(t, m.namespace, manifest)
	}
	start := len(operatorRequests(t, operatorUser))
	applyManifest(t, m.namespace, countingJob("counter"))
	cluster := m.waitFor(t, "counter", "the collision to be reported", func(cluster *v1beta1.FlinkCluster) bool {
		return meta.IsStatusConditionTrue(cluster.Status.Conditions, v1beta1.ConditionDegraded)
	})
	condition := meta.FindStatusCondition(cluster.Status.Conditions, v1beta1.ConditionDegraded)
	require.Equal(t, "NameCollision", condition.Reason)
	require.Contains(t, condition.Message, "ConfigMap/counter-configmap")
	require.Contains(t, condition.Message, "Service/counter-jobmanager")
	settled(t)
	for _, request := range operatorRequests(t, operatorUser)[start:] {
		foreign := request.Resource == "configmaps" || request.Resource == "services"
		require.False(t, foreign && request.IsWrite(), request)
	}

	// When they are gone, the cluster's own take their place.
	kubectl(t, "--namespace", m.namespace, "delete", "configmap/counter-configmap", "service/counter-jobmanager")
	// The operator looks again by itself after half a minute; a change of the cluster makes it look at once.
	kubectl(t, "--namespace", m.namespace, "annotate", "fc", "counter", "look=again")
	m.waitForSettled(t, "counter")
	m.waitFor(t, "counter", "the collision to be over", func(cluster *v1beta1.FlinkCluster) bool {
		return meta.IsStatusConditionFalse(cluster.Status.Conditions, v1beta1.ConditionDegraded)
	})
	configMap, err := m.client.CoreV1().ConfigMaps(m.namespace).Get(t.Context(), "counter-configmap", metav1.GetOptions{})
	require.NoError(t, err)
	require.True(t, metav1.IsControlledBy(configMap, cluster))
}
