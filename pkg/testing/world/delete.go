package world

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// OracleDeletion: the operator's finalizer is there before the first child and goes after the last pod, no other finalizer is
// touched, and nothing starts in a cluster that is being deleted.
const OracleDeletion Oracle = "deletion"

const (
	// startsLateBy is how long after a deletion a run may still begin that was decided on before: a request may be under way
	// for as long as a client waits for it, and its pod takes a while.
	startsLateBy = 20 * time.Second
	// podsGivenUp is how long after its time a pod may be given up.
	podsGivenUp = 2 * time.Minute
)

// LetGo removes the operator's finalizer from a cluster, as a user does who does not want to wait.
func (w *World) LetGo(name string) {
	w.t.Helper()
	w.note("FlinkCluster %s is let go by hand", name)
	w.kubelet.expectGarbage()
	fixture.Change(w.t, w.API, builders.Namespace, name, func(cluster *v1beta1.FlinkCluster) {
		cluster.Finalizers = slices.DeleteFunc(cluster.Finalizers, func(finalizer string) bool { return finalizer == v1beta1.Finalizer })
	})
}

// DeleteOrphaning deletes a cluster and leaves what was made for it, as kubectl delete --cascade=orphan.
func (w *World) DeleteOrphaning(name string) {
	w.t.Helper()
	w.note("FlinkCluster %s is deleted, and leaves its objects", name)
	options := metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationOrphan)}
	require.NoError(w.t, w.API.FlinkClient(w.t).FlinkoperatorV1beta1().FlinkClusters(builders.Namespace).Delete(w.ends, name, options))
}

// judgeFinalizers is asked about each change of a cluster's metadata, before it is made.
func (w *World) judgeFinalizers(request fixture.Request) {
	var patch struct {
		Metadata map[string]json.RawMessage `json:"metadata"`
	}
	if json.Unmarshal(request.Body, &patch) != nil || patch.Metadata["finalizers"] == nil {
		return
	}
	var finalizers []string
	if err := json.Unmarshal(patch.Metadata["finalizers"], &finalizers); err != nil {
		w.Violate(OracleDeletion, "finalizers %s", patch.Metadata["finalizers"])
		return
	}
	cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, request.Namespace, request.Name)
	if cluster == nil || string(patch.Metadata["resourceVersion"]) != `"`+cluster.ResourceVersion+`"` {
		return // it is refused
	}
	for _, finalizer := range cluster.Finalizers {
		if finalizer != v1beta1.Finalizer && !slices.Contains(finalizers, finalizer) {
			w.Violate(OracleDeletion, "somebody else's finalizer %s is removed", finalizer)
		}
	}
	if slices.Contains(cluster.Finalizers, v1beta1.Finalizer) && !slices.Contains(finalizers, v1beta1.Finalizer) {
		w.judgeRelease(cluster)
	}
}

// judgeRelease: a cluster is let go when the last of its pods has gone, or is long overdue.
func (w *World) judgeRelease(cluster *v1beta1.FlinkCluster) {
	if cluster.DeletionTimestamp == nil {
		w.Violate(OracleDeletion, "the finalizer of a cluster that is not being deleted is removed")
	}
	if slices.Contains(cluster.Finalizers, metav1.FinalizerOrphanDependents) {
		return
	}
	for _, pod := range fixture.List[corev1.Pod](w.t, w.API, cluster.Namespace) {
		overdue := pod.DeletionTimestamp != nil && time.Since(pod.DeletionTimestamp.Time) >= podsGivenUp
		run := pod.Labels[v1beta1.LabelJobID]
		if metav1.GetControllerOf(pod) != nil && run != "" && slices.Contains(runsOf(cluster), run) && !overdue && w.ownerOwned(pod) {
			w.Violate(OracleDeletion, "the cluster is let go, and its pod %s is there", pod.Name)
		}
	}
}

// ownerOwned says whether the workload of a pod has an owner, or has gone. One that was orphaned has none.
func (w *World) ownerOwned(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	for _, object := range w.Objects() {
		if object.GetUID() == owner.UID {
			return metav1.GetControllerOf(object) != nil
		}
	}
	return true
}

func runsOf(cluster *v1beta1.FlinkCluster) []string {
	var runs []string
	if job := cluster.Status.Components.Job; job != nil {
		for attempt := range job.Attempt {
			runs = append(runs, lifecycle.JobID(cluster.UID, attempt+1))
		}
	}
	return runs
}

// judgeChild is asked about each object that is made or changed for a cluster, before it is. What runs counts, and not what
// the spec says: the spec may be refused.
func (w *World) judgeChild(request fixture.Request) {
	var child metav1.PartialObjectMetadata
	if json.Unmarshal(request.Body, &child) != nil {
		return
	}
	owner := metav1.GetControllerOf(&child)
	if owner == nil || owner.Kind != v1beta1.Kind {
		return
	}
	cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, request.Namespace, owner.Name)
	if cluster == nil || cluster.UID != owner.UID || cluster.Status.Components.Job == nil || cluster.DeletionTimestamp != nil {
		return
	}
	if !slices.Contains(cluster.Finalizers, v1beta1.Finalizer) {
		w.Violate(OracleDeletion, "%s %s is made for a cluster without the finalizer", request.Resource, request.Name)
	}
}

// judgeLateStart: no run begins in a cluster that is being deleted.
func (w *World) judgeLateStart(namespace, name, run string) {
	cluster := fixture.Get[v1beta1.FlinkCluster](w.t, w.API, namespace, name)
	if cluster != nil && cluster.DeletionTimestamp != nil && time.Since(cluster.DeletionTimestamp.Time) > startsLateBy && slices.Contains(runsOf(cluster), run) {
		w.Violate(OracleDeletion, "run %s starts in a cluster that is being deleted", run)
	}
}
