package cluster

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// unseenRetry is when to look again after the API server has shown what the informers do not show yet.
const unseenRetry = time.Second

// actWithin bounds the time from the last look to the last effect of it: a process that was frozen in between for as long
// as it takes another to get the lease must not go on.
const actWithin = 5 * time.Second

// Name of the loop in logs and metrics.
const Name = "cluster"

// Config of the loop.
type Config struct {
	Access *view.Access
	// Children reads the objects of clusters from the informers.
	Children *Lister
	// Writer makes, mends and removes them.
	Writer *Writer
	// Metadata is that of Flink's high availability.
	Metadata *Metadata
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
	if added, err := c.addFinalizer(ctx, v); added || err != nil {
		return queue.Result{}, err
	}
	children := c.Children.Observe(v.Cluster)
	obstacles := c.Writer.Obstacles(key)
	children.Foreign, children.Refused = obstacles.Foreign, obstacles.Refused
	if children.JobManagerLeaving() {
		// The last moment to learn of the newest checkpoint.
		c.Access.PollNow(v)
	}
	outcome, decision, children, err := c.settle(ctx, v, children)
	if err == nil && asksForMore(decision) {
		return queue.Result{RequeueAfter: unseenRetry}, nil
	}
	if err != nil || outcome != status.Unchanged || v.Revision == "" && !decision.Release {
		return queue.Result{}, err
	}
	return c.act(ctx, v, children, decision)
}

// settle decides, and once more where a decision asks for what only the API server can tell.
func (c *Controller) settle(ctx context.Context, v *view.View, children lifecycle.Children,
) (status.Outcome, lifecycle.ClusterDecision, lifecycle.Children, error) {
	outcome, decision, err := c.decide(ctx, v, children)
	if err != nil || !asksForMore(decision) {
		return outcome, decision, children, err
	}
	if children, err = c.lookUp(ctx, v.Cluster, children, decision); err != nil {
		return outcome, decision, children, err
	}
	outcome, decision, err = c.decide(ctx, v, children)
	return outcome, decision, children, err
}

func asksForMore(decision lifecycle.ClusterDecision) bool {
	return decision.Confirm || decision.ReadMetadata
}

// lookUp asks the API server what a decision depends on, which the informers cannot tell.
func (c *Controller) lookUp(ctx context.Context, cluster *v1beta1.FlinkCluster, children lifecycle.Children, decision lifecycle.ClusterDecision,
) (lifecycle.Children, error) {
	var err error
	if decision.Confirm {
		if children, err = c.Children.Confirm(ctx, cluster, children); err != nil {
			return children, err
		}
	}
	if decision.ReadMetadata {
		children.Metadata, err = c.Metadata.Read(ctx, cluster)
	}
	return children, err
}

// decide stores the status that is decided on. What is done is done about the cluster that was decided on, which may be
// newer than the view, and is in the view afterwards.
func (c *Controller) decide(ctx context.Context, v *view.View, children lifecycle.Children) (status.Outcome, lifecycle.ClusterDecision, error) {
	var decision lifecycle.ClusterDecision
	decidedOn, confirmed := v.Cluster, v.Cluster.ResourceVersion
	outcome, err := c.Access.Store(ctx, v, status.Cluster, func(cluster *v1beta1.FlinkCluster) v1beta1.FlinkClusterStatus {
		decidedOn = cluster
		// A status that is newer than the look at the children may tell of newer children.
		if cluster.ResourceVersion != confirmed {
			children.Confirmed, children.Metadata = false, nil
		}
		decision = lifecycle.DecideCluster(lifecycle.ClusterInput{
			Cluster: cluster, Revision: v.Revision, NextRevision: v.NextRevision, Changed: v.Changed, Problem: v.Problem, Warnings: warnings(v),
			Next: v.Next, Version: resources.FlinkVersion(&cluster.Spec), NextVersion: nextVersion(v),
			Children: children, Observation: v.Observation, Now: v.Now,
		})
		return decision.Status
	})
	v.Cluster = decidedOn
	return outcome, decision, err
}

// act carries out a decision that is stored.
func (c *Controller) act(ctx context.Context, v *view.View, children lifecycle.Children, decision lifecycle.ClusterDecision) (queue.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, actWithin)
	defer cancel()
	for _, effect := range decision.Effects {
		if err := c.execute(ctx, v, effect); err != nil {
			return queue.Result{}, err
		}
	}
	look := sync.OnceValues(func() (*v1beta1.FlinkCluster, error) { return c.Access.Updater.LiveGet(ctx, v.Key) })
	if may, err := c.mayCarry(ctx, v, look, children, decision.Plan); err != nil || !may {
		// Where the informers are behind, they will wake this loop; where they are not, nothing has to be done.
		return queue.Result{RequeueAfter: unseenRetry}, err
	}
	if err := c.carryMetadata(ctx, v.Cluster, decision.Plan); err != nil {
		return queue.Result{}, err
	}
	retry, err := c.Writer.Carry(ctx, v.Cluster, children, decision.Plan, func() (bool, error) { return exists(v.Cluster, look) })
	if err != nil {
		return queue.Result{}, err
	}
	if decision.Release {
		return queue.Result{}, c.release(ctx, v, look)
	}
	if retry > 0 && (decision.RequeueAfter <= 0 || retry < decision.RequeueAfter) {
		decision.RequeueAfter = retry
	}
	return queue.Result{RequeueAfter: decision.RequeueAfter}, nil
}

// carryMetadata removes of the metadata of high availability what would lead a run astray, before it is started, and what nobody
// needs any more.
func (c *Controller) carryMetadata(ctx context.Context, cluster *v1beta1.FlinkCluster, plan lifecycle.Plan) error {
	if plan.StoredGraph == lifecycle.Delete {
		if err := c.Metadata.RemoveGraph(ctx, cluster); err != nil {
			return err
		}
	}
	if plan.FormerMetadata == lifecycle.Delete {
		return c.Metadata.RemoveFormer(ctx, cluster)
	}
	if plan.AllMetadata == lifecycle.Delete {
		return c.Metadata.RemoveAll(ctx, cluster)
	}
	return nil
}

// mayCarry takes one last look at the API server before a plan makes the JobManager of a run or removes one: a leader that
// was asleep, or whose informers are behind, must end no run but the one that it decided on, start none that has ended
// meanwhile, and none beside another that still runs.
func (c *Controller) mayCarry(ctx context.Context, v *view.View, look func() (*v1beta1.FlinkCluster, error),
	children lifecycle.Children, plan lifecycle.Plan,
) (bool, error) {
	// A JobManager with high availability is also mended.
	starts := plan.JobManager == lifecycle.Apply && !children.JobManager.Exists
	ends := plan.JobManager == lifecycle.Delete || plan.TaskManager == lifecycle.Delete
	if ends = ends && children.Workloads(); !ends && (!starts || v.Cluster.Spec.Job == nil) {
		return true, nil
	}
	live, err := look()
	if err != nil {
		return false, err
	}
	if v.Cluster.Spec.Job == nil {
		return live.UID == v.Cluster.UID && live.Status.Revision.Rollout == v.Cluster.Status.Revision.Rollout, nil
	}
	if current := sameRun(live, v.Cluster); !current || !starts {
		return current, nil
	}
	return c.mayStart(ctx, v, live, children)
}

// mayStart looks once more whether the JobManager of a run may be made.
func (c *Controller) mayStart(ctx context.Context, v *view.View, live *v1beta1.FlinkCluster, children lifecycle.Children) (bool, error) {
	children, err := c.Children.Confirm(ctx, v.Cluster, children)
	if err != nil {
		return false, err
	}
	attempt := live.Status.Components.Job.Attempt
	if restartsInPlace(v.Cluster) && live.Status.Components.JobManager != nil {
		// Somebody has deleted it.
		return children.ClearFor(attempt) && !children.JobManager.Exists, nil
	}
	return live.Status.Components.JobManager == nil && children.ClearToStart(attempt), nil
}

// sameRun says whether a cluster is still in the run, and in the state of it, that was decided on.
func sameRun(live, decidedOn *v1beta1.FlinkCluster) bool {
	job, before := live.Status.Components.Job, decidedOn.Status.Components.Job
	return live.UID == decidedOn.UID && (live.DeletionTimestamp == nil) == (decidedOn.DeletionTimestamp == nil) && job != nil &&
		job.Attempt == before.Attempt && job.State == before.State
}

// exists says whether the cluster is still there. What is made for one that is gone is removed by the garbage collector and,
// by an operator that does not see so yet, made again and again.
func exists(cluster *v1beta1.FlinkCluster, look func() (*v1beta1.FlinkCluster, error)) (bool, error) {
	live, err := look()
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil && live.UID == cluster.UID && live.DeletionTimestamp == nil, err
}

// execute has Flink asked to cancel the run, after one last look at the API server: a cancel cannot be taken back.
func (c *Controller) execute(ctx context.Context, v *view.View, effect flink.Effect) error {
	live, err := c.Access.Updater.LiveGet(ctx, v.Key)
	if err != nil {
		return err
	}
	job := live.Status.Components.Job
	if live.UID != v.Cluster.UID || live.Generation != v.Cluster.Generation || job == nil || job.ID != effect.JobID ||
		job.Attempt != v.Cluster.Status.Components.Job.Attempt {
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

func nextVersion(v *view.View) string {
	if v.Next == nil {
		return ""
	}
	return resources.FlinkVersion(v.Next)
}
