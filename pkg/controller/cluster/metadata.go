package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// Metadata reads and clears the metadata of Flink's high availability: ConfigMaps that Flink makes, writes every few seconds,
// and leaves behind. They are looked at in the API server, and only in the moments in which something depends on them.
type Metadata struct {
	Client kubernetes.Interface
}

// Read looks at the metadata of the recorded run of a cluster, and at that of former runs.
func (m *Metadata) Read(ctx context.Context, cluster *v1beta1.FlinkCluster) (*lifecycle.Metadata, error) {
	job := cluster.Status.Components.Job
	seen := &lifecycle.Metadata{}
	if job.HighAvailability != nil {
		held, err := m.get(ctx, cluster.Namespace, resources.JobMetadataName(job.HighAvailability.ClusterID, job.ID))
		if err != nil {
			return nil, err
		}
		if held != nil {
			seen.Exists, seen.CheckpointID = true, newestCheckpoint(held)
		}
	}
	former, err := m.former(ctx, cluster)
	seen.Former = len(former) > 0
	return seen, err
}

// newestCheckpoint is the highest number of those whose pointers are held.
func newestCheckpoint(held *corev1.ConfigMap) int64 {
	newest := int64(0)
	for key := range held.Data {
		if digits, isPointer := strings.CutPrefix(key, resources.CheckpointKey); isPointer {
			if number, err := strconv.ParseInt(digits, 10, 64); err == nil {
				newest = max(newest, number)
			}
		}
	}
	return newest
}

// RemoveGraph removes the graph of the recorded job from its metadata, so that the next JobManager runs the job of the newest
// spec. A graph that another has written meanwhile is a conflict. Nothing else is touched: the next JobManager waits until the
// leadership of the one that is gone has expired (15 s), since a pod whose deletion was forced may still run.
func (m *Metadata) RemoveGraph(ctx context.Context, cluster *v1beta1.FlinkCluster) error {
	job := cluster.Status.Components.Job
	held, err := m.get(ctx, cluster.Namespace, resources.ClusterMetadataName(job.HighAvailability.ClusterID))
	if err != nil || held == nil {
		return err
	}
	found := false
	for _, key := range resources.StoredGraphKeys(job.ID) {
		_, has := held.Data[key]
		found = found || has
		delete(held.Data, key)
	}
	if !found {
		return nil
	}
	klog.FromContext(ctx).V(2).Info("Removing the stored graph of the job", "jobID", job.ID, "name", held.Name)
	if _, err := m.Client.CoreV1().ConfigMaps(cluster.Namespace).Update(ctx, held, metav1.UpdateOptions{FieldManager: FieldManager}); err != nil {
		return fmt.Errorf("removing the stored graph from ConfigMap %s/%s: %w", cluster.Namespace, held.Name, err)
	}
	return nil
}

// RemoveFormer removes the metadata of former runs of a cluster.
func (m *Metadata) RemoveFormer(ctx context.Context, cluster *v1beta1.FlinkCluster) error {
	former, err := m.former(ctx, cluster)
	if err != nil {
		return err
	}
	return m.remove(ctx, former)
}

// RemoveAll removes all metadata of a cluster whose pods are gone: a JobManager that still runs would make it anew.
func (m *Metadata) RemoveAll(ctx context.Context, cluster *v1beta1.FlinkCluster) error {
	found, err := m.list(ctx, cluster.Namespace, resources.MetadataSelector())
	if err != nil {
		return err
	}
	var own []corev1.ConfigMap
	for _, held := range found {
		if strings.HasSuffix(held.Name, resources.MetadataSuffix) && ownID(cluster, held.Labels[v1beta1.LabelApp]) {
			own = append(own, held)
		}
	}
	return m.remove(ctx, own)
}

// ownID says whether metadata bears an identity of a cluster. The bare name is that of a session cluster with high availability;
// else it may be that of a Flink cluster of somebody else.
func ownID(cluster *v1beta1.FlinkCluster, id string) bool {
	if cluster.Spec.Job == nil {
		return cluster.Spec.HighAvailability() && id == v1beta1.HAClusterID(cluster.Name, "")
	}
	return strings.HasPrefix(id, cluster.Name+".")
}

func (m *Metadata) former(ctx context.Context, cluster *v1beta1.FlinkCluster) ([]corev1.ConfigMap, error) {
	var clusterIDs []string
	for _, jobID := range cluster.Status.Components.Job.FormerMetadata {
		clusterIDs = append(clusterIDs, v1beta1.HAClusterID(cluster.Name, jobID))
	}
	if len(clusterIDs) == 0 {
		return nil, nil
	}
	return m.list(ctx, cluster.Namespace, resources.MetadataSelector(clusterIDs...))
}

func (m *Metadata) list(ctx context.Context, namespace, selector string) ([]corev1.ConfigMap, error) {
	found, err := m.Client.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("listing the high-availability metadata in namespace %s: %w", namespace, err)
	}
	return found.Items, nil
}

func (m *Metadata) remove(ctx context.Context, all []corev1.ConfigMap) error {
	for _, held := range all {
		klog.FromContext(ctx).V(2).Info("Removing high-availability metadata", "name", held.Name)
		err := m.Client.CoreV1().ConfigMaps(held.Namespace).Delete(ctx, held.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &held.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("removing ConfigMap %s/%s: %w", held.Namespace, held.Name, err)
		}
	}
	return nil
}

// get returns nil if there is none.
func (m *Metadata) get(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	found, err := m.Client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking up ConfigMap %s/%s: %w", namespace, name, err)
	}
	return found, nil
}
