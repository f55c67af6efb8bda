package cluster

import (
	"context"

	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/queue"
	"github.com/flink-operator/flink-operator/pkg/controller/status"
	"github.com/flink-operator/flink-operator/pkg/controller/view"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// Name of the loop in logs and metrics.
const Name = "cluster"

// Config of the loop.
type Config struct {
	Access *view.Access
	// Children reads the objects of clusters from the informers.
	Children *Lister
	// Writer makes, mends and removes them.
	Writer *Writer
}

// Controller is the cluster loop.
type Controller struct {
	Config
}

// New makes the loop; its Sync is run by a queue.
func New(config Config) *Controller {
	return &Controller{Config: config}
}

// Sync brings a cluster one step further. The children are touched and Flink is asked only in a pass that finds its
// decision stored: what is recorded comes first.
func (c *Controller) Sync(ctx context.Context, key cache.ObjectName) (queue.Result, error) {
	v, err := c.Access.Look(ctx, key)
	if err != nil {
		return queue.Result{}, err
	}
	if v == nil {
		c.Writer.Forget(key)
		return queue.Result{}, nil
	}
	children := c.Children.Observe(v.Cluster)
	obstacles := c.Writer.Obstacles(key)
	children.Foreign, children.Refused = obstacles.Foreign, obstacles.Refused
	if children.JobManagerLeaving() {
		// The last moment to learn of the newest checkpoint.
		c.Access.PollNow(v)
	}
	var decision lifecycle.ClusterDecision
	var decidedOn *v1beta1.FlinkCluster
	outcome, err := c.Access.Store(ctx, v, status.Cluster, func(cluster *v1beta1.FlinkCluster) v1beta1.FlinkClusterStatus {
		// What is done is done about the cluster that was decided on, which may be newer than the view.
		decidedOn = cluster
		decision = lifecycle.DecideCluster(lifecycle.ClusterInput{
			Cluster: cluster, Revision: v.Revision, NextRevision: v.NextRevision, Problem: v.Problem, Warnings: warnings(v),
			Children: children, Observation: v.Observation, Now: v.Now,
		})
		return decision.Status
	})
	if err != nil || outcome != status.Unchanged || v.Revision == "" {
		return queue.Result{}, err
	}
	v.Cluster = decidedOn
	return c.act(ctx, v, children, decision)
}

// act carries out a decision that is stored.
func (c *Controller) act(ctx context.Context, v *view.View, children lifecycle.Children, decision lifecycle.ClusterDecision) (queue.Result, error) {
	for _, effect := range decision.Effects {
		if err := c.execute(ctx, v, effect); err != nil {
			return queue.Result{}, err
		}
	}
	if decision.Plan.JobManager == lifecycle.Apply && v.Cluster.Spec.Job != nil {
		if current, err := c.runIsCurrent(ctx, v); err != nil || !current {
			return queue.Result{}, err
		}
	}
	retry, err := c.Writer.Carry(ctx, v.Cluster, children, decision.Plan)
	if err != nil {
		return queue.Result{}, err
	}
	if retry > 0 && (decision.RequeueAfter <= 0 || retry < decision.RequeueAfter) {
		decision.RequeueAfter = retry
	}
	return queue.Result{RequeueAfter: decision.RequeueAfter}, nil
}

// runIsCurrent takes one last look at the API server before the JobManager of a run is made: a leader that was asleep must
// not start a run that has ended meanwhile.
func (c *Controller) runIsCurrent(ctx context.Context, v *view.View) (bool, error) {
	live, err := c.Access.Updater.LiveGet(ctx, v.Key)
	if err != nil {
		return false, err
	}
	job, recorded := live.Status.Components.Job, v.Cluster.Status.Components.Job
	return live.UID == v.Cluster.UID && live.DeletionTimestamp == nil && job != nil && job.Attempt == recorded.Attempt &&
		job.State == v1beta1.JobStateDeploying, nil
}

// execute has Flink asked to cancel the run, after one last look at the API server: a cancel cannot be taken back.
func (c *Controller) execute(ctx context.Context, v *view.View, effect flink.Effect) error {
	live, err := c.Access.Updater.LiveGet(ctx, v.Key)
	if err != nil {
		return err
	}
	job := live.Status.Components.Job
	if live.UID != v.Cluster.UID || live.Generation != v.Cluster.Generation || job == nil || job.ID != effect.JobID {
		return nil
	}
	klog.FromContext(ctx).V(2).Info("Asking Flink to cancel the job", "jobID", effect.JobID)
	c.Access.Execute(v, effect)
	return nil
}

func warnings(v *view.View) []string {
	var texts []string
	for _, option := range resources.IgnoredProperties(&v.Cluster.Spec) {
		texts = append(texts, "spec.flinkProperties["+option+"] is set by the operator and was ignored")
	}
	return texts
}
