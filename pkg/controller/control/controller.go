package control

import (
	"context"

	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/queue"
	"github.com/flink-operator/flink-operator/pkg/controller/status"
	"github.com/flink-operator/flink-operator/pkg/controller/view"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
)

// Name of the loop in logs and metrics.
const Name = "control"

// Controller is the control loop.
type Controller struct {
	access *view.Access
}

// New makes the loop; its Sync is run by a queue.
func New(access *view.Access) *Controller {
	return &Controller{access: access}
}

// Sync moves the request of a cluster's annotation on by one step. The annotation is changed only in a pass that finds
// the result stored, and only on the version of the object that the decision was made on.
func (c *Controller) Sync(ctx context.Context, key cache.ObjectName) (queue.Result, error) {
	v, err := c.access.Look(ctx, key)
	if err != nil || v == nil {
		return queue.Result{}, err
	}
	var decision lifecycle.ControlDecision
	var decidedOn *v1beta1.FlinkCluster
	outcome, err := c.access.Store(ctx, v, status.Control, func(cluster *v1beta1.FlinkCluster) v1beta1.FlinkClusterStatus {
		decidedOn = cluster
		decision = lifecycle.DecideControl(lifecycle.ControlInput{Cluster: cluster, Observation: v.Observation, Now: v.Now})
		return decision.Status
	})
	if err != nil || outcome != status.Unchanged || decision.Annotations == nil {
		return queue.Result{}, err
	}
	_, _, err = c.access.Updater.PatchMetadata(ctx, decidedOn, status.MetadataPatch{Annotations: decision.Annotations})
	return queue.Result{}, err
}
