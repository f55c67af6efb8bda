package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// collisionRetry is how often a name that belongs to somebody else is looked at again.
const collisionRetry = 30 * time.Second

// Writer makes, mends and removes the children of clusters. It is safe for concurrent use on different clusters.
type Writer struct {
	clients map[kind]childClient

	mutex sync.Mutex
	// foreign remembers the objects that stood in the way, by cluster. The informers do not show them.
	foreign map[cache.ObjectName][]string
}

// Foreign names the objects that stood in the way of a cluster's children at the last attempt.
func (w *Writer) Foreign(key cache.ObjectName) []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.foreign[key])
}

// Forget drops what is remembered of a cluster that is gone.
func (w *Writer) Forget(key cache.ObjectName) {
	w.setForeign(key, nil)
}

func (w *Writer) setForeign(key cache.ObjectName, names []string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(names) == 0 {
		delete(w.foreign, key)
		return
	}
	w.foreign[key] = names
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

// Carry carries out a plan. The delay is when to look again at a name that belongs to somebody else; zero for never.
// What is already in its wanted form costs no request.
func (w *Writer) Carry(ctx context.Context, cluster *v1beta1.FlinkCluster, children lifecycle.Children, plan lifecycle.Plan) (time.Duration, error) {
	key := cache.MetaObjectToName(cluster)
	var foreign []string
	var errs []error
	for _, step := range steps(cluster, children, plan) {
		err := w.carry(ctx, cluster, step)
		var collision *collisionError
		switch {
		case errors.As(err, &collision):
			foreign = append(foreign, collision.Error())
		case err != nil:
			errs = append(errs, err)
		}
	}
	before := w.Foreign(key)
	w.setForeign(key, foreign)
	switch {
	case len(errs) > 0:
		return 0, errors.Join(errs...)
	case !slices.Equal(before, foreign):
		// The next pass tells of it in the status.
		return time.Millisecond, nil
	case len(foreign) > 0:
		return collisionRetry, nil
	}
	return 0, nil
}

// steps are in the order in which a start needs them.
func steps(cluster *v1beta1.FlinkCluster, children lifecycle.Children, plan lifecycle.Plan) []step {
	input := resourcesInput(cluster)
	jobManager := step{intent: plan.JobManager, name: resources.JobManagerName(cluster.Name), seen: children.JobManager.Object}
	if cluster.Spec.Job != nil {
		jobManager.kind = kindJob
		jobManager.desired = func() (any, error) { return resources.JobManagerJob(input) }
	} else {
		jobManager.kind = kindStatefulSet
		jobManager.desired = func() (any, error) { return resources.JobManagerStatefulSet(input) }
	}
	return []step{
		{plan.ConfigMap, kindConfigMap, resources.ConfigMapName(cluster.Name), children.ConfigMap,
			func() (any, error) { return resources.ConfigMap(input) }},
		{plan.Service, kindService, resources.JobManagerName(cluster.Name), children.Service,
			func() (any, error) { return resources.JobManagerService(input), nil }},
		jobManager,
		{plan.TaskManager, kindStatefulSet, resources.TaskManagerName(cluster.Name), children.TaskManager.Object,
			func() (any, error) { return resources.TaskManagerStatefulSet(input) }},
	}
}

func resourcesInput(cluster *v1beta1.FlinkCluster) resources.Input {
	input := resources.Input{Cluster: cluster, FlinkVersion: resources.FlinkVersion(&cluster.Spec)}
	if job := cluster.Status.Components.Job; cluster.Spec.Job != nil && job != nil {
		input.Run = &resources.Run{Attempt: job.Attempt, JobID: job.ID, RestoreFrom: job.FromSavepoint}
	}
	return input
}

func (w *Writer) carry(ctx context.Context, cluster *v1beta1.FlinkCluster, step step) error {
	client := w.clients[step.kind]
	switch step.intent {
	case lifecycle.Apply:
		desired, err := step.desired()
		if err != nil {
			return err
		}
		return client.apply(ctx, cluster, step.name, desired)
	case lifecycle.Delete:
		if !step.seen.Exists || step.seen.Deleting {
			return nil
		}
		klog.FromContext(ctx).V(2).Info("Removing", "kind", step.kind, "name", step.name)
		return client.remove(ctx, cluster, step.name)
	case lifecycle.Leave:
	}
	return nil
}
