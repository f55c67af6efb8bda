package savepoint

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/queue"
	"github.com/flink-operator/flink-operator/pkg/controller/status"
	"github.com/flink-operator/flink-operator/pkg/controller/view"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
)

// Name of the loop in logs and metrics.
const Name = "savepoint"

// Metrics is told of each savepoint that ended.
type Metrics interface {
	SavepointEnded(reason v1beta1.SavepointReason, result v1beta1.SavepointState)
	// SavepointDisposed: retained is false where the files are gone, and true where they could not be disposed of.
	SavepointDisposed(retained bool)
}

// Controller is the savepoint loop.
type Controller struct {
	access  *view.Access
	metrics Metrics
}

// New makes the loop; its Sync is run by a queue.
func New(access *view.Access, metrics Metrics) *Controller {
	return &Controller{access: access, metrics: metrics}
}

// Sync moves the savepoint slot of a cluster on by one step. An effect is asked for only in a pass that finds its
// record stored, so that the same request is repeated after a crash and not a second one made.
func (c *Controller) Sync(ctx context.Context, key cache.ObjectName) (queue.Result, error) {
	v, err := c.access.Look(ctx, key)
	if err != nil || v == nil || v.Revision == "" && v.Cluster.DeletionTimestamp == nil {
		return queue.Result{}, err
	}
	var decision lifecycle.SavepointDecision
	before := v.Cluster.Status
	outcome, err := c.access.Store(ctx, v, status.Savepoint, func(cluster *v1beta1.FlinkCluster) v1beta1.FlinkClusterStatus {
		before = cluster.Status
		decision = lifecycle.DecideSavepoint(lifecycle.SavepointInput{
			Cluster: cluster, NextRevision: v.NextRevision, Observation: v.Observation, Now: v.Now,
		})
		return decision.Status
	})
	switch {
	case err != nil:
		return queue.Result{}, err
	case outcome == status.Written:
		c.count(&before, &decision.Status)
		return queue.Result{}, nil
	case outcome != status.Unchanged:
		return queue.Result{}, nil
	case decision.Effect != nil:
		return queue.Result{RequeueAfter: decision.RequeueAfter}, c.execute(ctx, v, *decision.Effect)
	}
	return queue.Result{RequeueAfter: decision.RequeueAfter}, nil
}

// execute has Flink asked, after one last look at the API server: another leader may have moved the request on.
func (c *Controller) execute(ctx context.Context, v *view.View, effect flink.Effect) error {
	live, err := c.access.Updater.LiveGet(ctx, v.Key)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	slot := live.Status.Savepoint
	wanted := slot != nil && slot.TriggerID == effect.TriggerID && lifecycle.SavepointBusy(slot)
	if effect.Kind == flink.DisposeSavepoint {
		wanted = lifecycle.MayDispose(live, effect)
	}
	if live.UID != v.Cluster.UID || (live.DeletionTimestamp == nil) != (v.Cluster.DeletionTimestamp == nil) || !wanted {
		klog.FromContext(ctx).V(2).Info("The savepoint request has moved on", "triggerID", effect.TriggerID)
		return nil
	}
	klog.FromContext(ctx).V(2).Info("Asking Flink about a savepoint", "triggerID", effect.TriggerID, "jobID", effect.JobID, "effect", effect.Kind, "location", effect.Location)
	c.access.Execute(v, effect)
	return nil
}

func (c *Controller) count(before, after *v1beta1.FlinkClusterStatus) {
	if slot := after.Savepoint; lifecycle.SavepointBusy(before.Savepoint) && !lifecycle.SavepointBusy(slot) {
		c.metrics.SavepointEnded(slot.TriggerReason, slot.State)
	}
	disposed, left := lifecycle.Disposals(before, after)
	for range disposed {
		c.metrics.SavepointDisposed(false)
	}
	for range left {
		c.metrics.SavepointDisposed(true)
	}
}
