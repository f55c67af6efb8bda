package cluster

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// obstacleRetry is how often an obstacle is looked at again: nothing tells when it is gone.
const obstacleRetry = 30 * time.Second

// keptRemoved is how many deleted children of a cluster are remembered.
const keptRemoved = 8

// Writer makes, mends and removes the children of clusters. It is safe for concurrent use on different clusters.
type Writer struct {
	clients map[kind]childClient

	mutex sync.Mutex
	// obstacles remembers what stood in the way at the last attempt, by cluster. The informers do not show it.
	obstacles map[cache.ObjectName]Obstacles
	// removed has the last children that were deleted, by cluster. They may still be seen.
	removed map[cache.ObjectName][]types.UID
}

// Obstacles are what keeps the children of a cluster from their wanted form.
type Obstacles struct {
	// Foreign names the objects that bear a child's name and belong to somebody else.
	Foreign []string
	// Refused tells which objects the API server refused, and why.
	Refused []string
}

func (o Obstacles) none() bool {
	return len(o.Foreign) == 0 && len(o.Refused) == 0
}

// Obstacles returns what stood in the way at the last attempt.
func (w *Writer) Obstacles(key cache.ObjectName) Obstacles {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.obstacles[key]
}

// Forget drops what is remembered of a cluster that is gone.
func (w *Writer) Forget(key cache.ObjectName) {
	w.remember(key, Obstacles{})
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delete(w.removed, key)
}

func (w *Writer) remember(key cache.ObjectName, found Obstacles) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if found.none() {
		delete(w.obstacles, key)
		return
	}
	w.obstacles[key] = found
}

// step is what has to be done about one child.
type step struct {
	intent lifecycle.Intent
	kind   kind
	name   string
	seen   lifecycle.Object
	// desired makes the wanted form.
	desired func() (any, error)
}

// Carry carries out a plan. The delay is when to look again at what stood in the way; zero for never. What is already in
// its wanted form costs no request. Before something is made that is not there, exists is asked whether the cluster is.
func (w *Writer) Carry(ctx context.Context, cluster *v1beta1.FlinkCluster, children lifecycle.Children, plan lifecycle.Plan,
	exists func() (bool, error),
) (time.Duration, error) {
	key := cache.MetaObjectToName(cluster)
	var found Obstacles
	var errs []error
	input := resourcesInput(cluster)
	for _, step := range steps(input, children, plan) {
		if step.intent == lifecycle.Apply && len(found.Foreign) > 0 && (step.kind == kindJob || step.kind == kindStatefulSet) {
			// Pods would run with somebody else's configuration, or be asked for at somebody else's address.
			continue
		}
		err := w.carry(ctx, input, step, exists)
		var collision *collisionError
		switch {
		case errors.As(err, &collision):
			found.Foreign = append(found.Foreign, collision.Error())
		case refused(err):
			klog.FromContext(ctx).Error(err, "The API server refuses an object", "kind", step.kind, "name", step.name)
			found.Refused = append(found.Refused, string(step.kind)+"/"+step.name+": "+refusal(err))
		case err != nil:
			errs = append(errs, err)
		}
	}
	return w.obstructed(key, found), errors.Join(errs...)
}

// obstructed remembers what stands in the way, and returns when to look again.
func (w *Writer) obstructed(key cache.ObjectName, found Obstacles) time.Duration {
	before := w.Obstacles(key)
	w.remember(key, found)
	switch {
	case !reflect.DeepEqual(before, found):
		// The next pass tells of it in the status.
		return time.Millisecond
	case !found.none():
		return obstacleRetry
	}
	return 0
}

// refusal tells why the API server refused an object. Of an invalid one it names the fields alone: the server's words
// hold their values, which may be secrets.
func refusal(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) || status.Status().Details == nil {
		return err.Error()
	}
	var fields []string
	for _, cause := range status.Status().Details.Causes {
		fields = append(fields, cause.Field)
	}
	return "invalid: " + strings.Join(fields, ", ")
}

// refused says whether the API server will not have an object as it is: it is invalid, or a quota, an admission policy
// or a missing right stands against it. A person has to see that.
func refused(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err)
}

// remove deletes a child once: what was deleted may be seen for a while.
func (w *Writer) remove(ctx context.Context, client childClient, cluster *v1beta1.FlinkCluster, step step) error {
	key, uid := cache.MetaObjectToName(cluster), step.seen.UID
	if !step.seen.Exists || step.seen.Deleting || w.hasRemoved(key, uid) {
		return nil
	}
	klog.FromContext(ctx).V(2).Info("Removing", "kind", step.kind, "name", step.name)
	if err := client.remove(ctx, cluster, step.name, uid); err != nil {
		return err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	// The children of a few runs at most can still be seen.
	kept := w.removed[key]
	w.removed[key] = append(kept[max(0, len(kept)-keptRemoved):], uid)
	return nil
}

func (w *Writer) hasRemoved(key cache.ObjectName, uid types.UID) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Contains(w.removed[key], uid)
}

// steps are in the order in which a start needs them.
func steps(input resources.Input, children lifecycle.Children, plan lifecycle.Plan) []step {
	cluster := input.Cluster
	jobManager := step{intent: plan.JobManager, name: resources.JobManagerName(cluster.Name), seen: children.JobManager.Object, kind: kindJob}
	jobManager.desired = func() (any, error) { return resources.JobManagerJob(input) }
	if restartsInPlace(cluster) {
		jobManager.kind = kindStatefulSet
		jobManager.desired = func() (any, error) { return resources.JobManagerStatefulSet(input) }
	}
	if plan.JobManager == lifecycle.Delete && children.JobManager.Exists {
		// An upgrade may have changed which it is.
		jobManager.kind = kindJob
		if children.JobManager.Restarting {
			jobManager.kind = kindStatefulSet
		}
	}
	return slices.Concat(accountSteps(input, children, plan.ConfigMap), []step{
		{plan.ConfigMap, kindConfigMap, resources.ConfigMapName(cluster.Name), children.ConfigMap,
			func() (any, error) { return resources.ConfigMap(input) }},
		{plan.Service, kindService, resources.JobManagerName(cluster.Name), children.Service,
			func() (any, error) { return resources.JobManagerService(input), nil }},
		jobManager,
		{plan.TaskManager, kindStatefulSet, resources.TaskManagerName(cluster.Name), children.TaskManager.Object,
			func() (any, error) { return resources.TaskManagerStatefulSet(input) }},
	})
}

// accountSteps make what the pods run as, or remove what an upgrade has made needless.
func accountSteps(input resources.Input, children lifecycle.Children, intent lifecycle.Intent) []step {
	if intent == lifecycle.Apply && !resources.MakesAccount(&input.Cluster.Spec) {
		intent = lifecycle.Delete
	}
	name := resources.HAAccountName(input.Cluster.Name)
	return []step{
		{intent, kindServiceAccount, name, children.ServiceAccount, func() (any, error) { return resources.ServiceAccount(input), nil }},
		{intent, kindRole, name, children.Role, func() (any, error) { return resources.Role(input), nil }},
		{intent, kindRoleBinding, name, children.RoleBinding, func() (any, error) { return resources.RoleBinding(input), nil }},
	}
}

// restartsInPlace says whether the JobManager of the spec in force starts anew in its place.
func restartsInPlace(cluster *v1beta1.FlinkCluster) bool {
	return cluster.Spec.Job == nil || cluster.Spec.HighAvailability()
}

func resourcesInput(cluster *v1beta1.FlinkCluster) resources.Input {
	input := resources.Input{Cluster: cluster, FlinkVersion: resources.FlinkVersion(&cluster.Spec), Rollout: cluster.Status.Revision.Rollout}
	if job := cluster.Status.Components.Job; cluster.Spec.Job != nil && job != nil {
		input.Run = &resources.Run{Attempt: job.Attempt, JobID: job.ID, RestoreFrom: job.FromSavepoint}
	}
	return input
}

func (w *Writer) carry(ctx context.Context, input resources.Input, step step, exists func() (bool, error)) error {
	client := w.clients[step.kind]
	switch step.intent {
	case lifecycle.Apply:
		return client.apply(ctx, input, step, exists)
	case lifecycle.Delete:
		return w.remove(ctx, client, input.Cluster, step)
	case lifecycle.Leave:
	}
	return nil
}
