package view

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/revision"
	"github.com/flink-operator/flink-operator/pkg/controller/status"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/flink/observer"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// Observer is the part of the Flink observer that loops use.
type Observer interface {
	Watch(key types.NamespacedName, target observer.Target)
	Forget(key types.NamespacedName)
	PollNow(key types.NamespacedName)
	Observation(key types.NamespacedName) flink.Observation
	Execute(key types.NamespacedName, effect flink.Effect)
}

// Access is how loops read and write clusters. It is safe for concurrent use.
type Access struct {
	Updater   *status.Updater
	Revisions *revision.Store
	Observer  Observer
	Clock     clock.PassiveClock
}

// View is one look at a cluster. The holder may change what is in it.
type View struct {
	Key cache.ObjectName
	// Resolution holds the cluster with the recorded status and the spec in force.
	lifecycle.Resolution
	Observation flink.Observation
	Now         time.Time
}

// Look returns the newest view of a cluster, and nil if there is nothing to do for it: it is gone, or is being deleted and
// has been let go, and its objects go with it by their owner references.
func (a *Access) Look(ctx context.Context, key cache.ObjectName) (*View, error) {
	cluster, found := a.Updater.Latest(key)
	if !found || lifecycle.Released(cluster) {
		a.Observer.Forget(namespacedName(key))
		a.Revisions.Forget(key)
		return nil, nil
	}
	resolution, err := a.Revisions.Resolve(ctx, cluster)
	if err != nil {
		return nil, err
	}
	a.follow(key, resolution.Cluster)
	return &View{Key: key, Resolution: resolution, Observation: a.Observer.Observation(namespacedName(key)), Now: a.Clock.Now()}, nil
}

// Store writes the status that decide wants, given the newest cluster with the spec in force. decide must be pure: it
// is run again if the cluster has changed meanwhile. The outcome is Dropped if the spec itself or the
// revision in force has changed; the watch will wake the loop for that.
func (a *Access) Store(ctx context.Context, v *View, owner status.Owner, decide func(cluster *v1beta1.FlinkCluster) v1beta1.FlinkClusterStatus,
) (status.Outcome, error) {
	outcome, stored, err := a.Updater.Update(ctx, v.Key, v.Cluster.UID, owner, func(newest *v1beta1.FlinkCluster, changed *v1beta1.FlinkClusterStatus) error {
		if newest.Generation != v.Cluster.Generation || !sameLife(newest, v.Cluster) || !inForce(newest, v.Revision) {
			return status.ErrDrop
		}
		decidedOn := &v1beta1.FlinkCluster{
			TypeMeta: newest.TypeMeta, ObjectMeta: *newest.ObjectMeta.DeepCopy(), Spec: v.Cluster.Spec, Status: *changed,
		}
		*changed = decide(decidedOn)
		return nil
	})
	if err == nil && outcome == status.Written {
		stored.Spec = v.Cluster.Spec
		a.follow(v.Key, stored)
	}
	return outcome, err
}

// sameLife says whether two looks at a cluster agree on whether it is being deleted.
func sameLife(a, b *v1beta1.FlinkCluster) bool {
	return (a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil)
}

// inForce says whether a revision is still that of a cluster: an upgrade may have put another one in force since the look.
func inForce(cluster *v1beta1.FlinkCluster, revision string) bool {
	current := cluster.Status.Revision.Current
	return current == "" || current == revision
}

// Execute has Flink asked for an effect, whose result arrives as an observation.
func (a *Access) Execute(v *View, effect flink.Effect) {
	a.Observer.Execute(namespacedName(v.Key), effect)
}

// PollNow has the JobManager asked at once.
func (a *Access) PollNow(v *View) {
	a.Observer.PollNow(namespacedName(v.Key))
}

// paces maps what the decisions say to what the observer does.
var paces = map[lifecycle.Pace]observer.Pace{
	lifecycle.PacePaused:    observer.Paused,
	lifecycle.PaceStarting:  observer.Starting,
	lifecycle.PaceOperation: observer.Operation,
	lifecycle.PaceStable:    observer.Stable,
}

// follow points the observer at what the recorded status asks about.
func (a *Access) follow(key cache.ObjectName, cluster *v1beta1.FlinkCluster) {
	watch := lifecycle.WatchFor(cluster)
	a.Observer.Watch(namespacedName(key), observer.Target{
		UID: string(cluster.UID), BaseURL: resources.RESTAddress(cluster), JobID: watch.JobID, Attempt: watch.Attempt, TriggerID: watch.TriggerID,
		DisposalID: watch.DisposalID,
		Pace:       paces[watch.Pace], FreshCheckpoints: watch.FreshCheckpoints,
	})
}

func namespacedName(key cache.ObjectName) types.NamespacedName {
	return types.NamespacedName{Namespace: key.Namespace, Name: key.Name}
}
