package cluster

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/status"
	"github.com/flink-operator/flink-operator/pkg/controller/view"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
)

// addFinalizer adds the operator's finalizer to a cluster that needs it and has it not: before its first child is made, or
// when it is one of an operator that had none. The cluster is looked at again then.
func (c *Controller) addFinalizer(ctx context.Context, v *view.View) (added bool, err error) {
	finalizers := v.Cluster.Finalizers
	if v.Revision == "" || v.Cluster.DeletionTimestamp != nil || !lifecycle.NeedsFinalizer(v.Cluster) || slices.Contains(finalizers, v1beta1.Finalizer) {
		return false, nil
	}
	return true, c.setFinalizers(ctx, v, append(slices.Clone(finalizers), v1beta1.Finalizer))
}

// release removes the operator's finalizer, and no other. A cluster that is gone may be seen for a while.
func (c *Controller) release(ctx context.Context, v *view.View, look func() (*v1beta1.FlinkCluster, error)) error {
	live, err := look()
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case live.UID != v.Cluster.UID || lifecycle.Released(live):
		return nil
	}
	klog.FromContext(ctx).V(2).Info("Letting the cluster go")
	return c.setFinalizers(ctx, v, slices.DeleteFunc(slices.Clone(v.Cluster.Finalizers), func(name string) bool { return name == v1beta1.Finalizer }))
}

// setFinalizers changes exactly the version of the cluster that was looked at: what others have added since stays.
func (c *Controller) setFinalizers(ctx context.Context, v *view.View, finalizers []string) error {
	_, _, err := c.Access.Updater.PatchMetadata(ctx, v.Cluster, status.MetadataPatch{Finalizers: &finalizers})
	return err
}
