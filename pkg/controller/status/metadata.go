package status

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// MetadataPatch is a change of a cluster's metadata.
type MetadataPatch struct {
	// Annotations to set, or to remove where the value is nil.
	Annotations map[string]*string
	// Finalizers replaces the whole list if it is not nil.
	Finalizers *[]string
}

// PatchMetadata changes the metadata of exactly this version of the cluster: what justified the change was read from
// it. If the cluster has changed since, the error is a conflict (apierrors.IsConflict), and Latest returns the cluster as
// it is, if it could be read.
//
// Metadata and status are two writes. A change of metadata that closes a matter, such as removing an annotation or
// the finalizer, follows the status that says so, never the other way round.
func (u *Updater) PatchMetadata(ctx context.Context, cluster *v1beta1.FlinkCluster, change MetadataPatch,
) (Outcome, *v1beta1.FlinkCluster, error) {
	key := cache.MetaObjectToName(cluster)
	patch, err := mergePatch(cluster, change)
	if err != nil {
		return "", nil, fmt.Errorf("encoding a patch of FlinkCluster %s: %w", key, err)
	}
	unlock, err := u.locks.lock(ctx, key)
	if err != nil {
		return "", nil, fmt.Errorf("waiting to patch FlinkCluster %s: %w", key, err)
	}
	defer unlock()

	requestCtx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	patched, err := u.config.Client.FlinkClusters(key.Namespace).
		Patch(requestCtx, key.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		u.known.forget(key)
		return Gone, nil, nil
	}
	if apierrors.IsConflict(err) {
		// The informer may be far behind, as after a restart against an API server that is.
		_, lookErr := u.LiveGet(ctx, key)
		if apierrors.IsNotFound(lookErr) {
			return Gone, nil, nil
		}
		if lookErr != nil {
			klog.FromContext(ctx).V(2).Info("The cluster could not be read after a conflict", "err", lookErr)
		}
	}
	if err != nil {
		return "", nil, fmt.Errorf("patching the metadata of FlinkCluster %s: %w", key, err)
	}
	u.known.record(key, patched)
	klog.FromContext(ctx).V(3).Info("Patched metadata", "resourceVersion", patched.ResourceVersion)
	u.config.Written(key)
	return Written, patched.DeepCopy(), nil
}

// mergePatch states the UID and the resource version beside the change: the API server takes them as preconditions,
// and without them a patch would fall on whatever bears the name now.
func mergePatch(cluster *v1beta1.FlinkCluster, change MetadataPatch) ([]byte, error) {
	metadata := map[string]any{"uid": cluster.UID, "resourceVersion": cluster.ResourceVersion}
	if len(change.Annotations) > 0 {
		metadata["annotations"] = change.Annotations
	}
	if change.Finalizers != nil {
		metadata["finalizers"] = *change.Finalizers
	}
	return json.Marshal(map[string]any{"metadata": metadata})
}
