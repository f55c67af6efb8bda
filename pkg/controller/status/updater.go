package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	clientv1beta1 "github.com/flink-operator/flink-operator/pkg/generated/clientset/versioned/typed/flinkoperator/v1beta1"
	listersv1beta1 "github.com/flink-operator/flink-operator/pkg/generated/listers/flinkoperator/v1beta1"
)

const (
	// requestTimeout bounds one request: while it lasts, the other loops wait for the lock of the key.
	requestTimeout = 5 * time.Second
	// maxAttempts bounds how often a mutation is run again after a conflict within one Update.
	maxAttempts = 5
)

// ErrDrop is returned by a mutation whose precondition no longer holds: nothing is written, and nothing is wrong.
var ErrDrop = errors.New("the change is no longer wanted")

var errContended = errors.New("the status is not as this process wrote it")

// Outcome of a write that did not fail.
type Outcome string

// The outcomes.
const (
	// Written: the API server has stored it.
	Written Outcome = "Written"
	// Unchanged: all of it was there already.
	Unchanged Outcome = "Unchanged"
	// Dropped: the mutation returned ErrDrop.
	Dropped Outcome = "Dropped"
	// Gone: the cluster was deleted, or made anew under the same name.
	Gone Outcome = "Gone"
)

// Mutation changes the status, a copy of that of cluster. It must be pure, and change nothing else: it may be run several times,
// each time on a newer object, and so must check its own preconditions on the object it is given.
type Mutation func(cluster *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) error

// Metrics is told what becomes of writes.
type Metrics interface {
	StatusWritten(owner string)
	StatusConflict(owner string)
	OwnershipViolated(owner string)
}

// Config of an Updater.
type Config struct {
	Client clientv1beta1.FlinkClustersGetter
	Lister listersv1beta1.FlinkClusterLister
	Clock  clock.PassiveClock
	// Events says which events a change of the object deserves, and Recorder reports them. Both are called after the
	// change was stored, never before. They may be nil.
	Events   func(before, after *v1beta1.FlinkCluster) []v1beta1.Event
	Recorder func(cluster *v1beta1.FlinkCluster, events []v1beta1.Event)
	// Written, if set, is called after each stored change, so that the loops need not wait for the watch to bring it.
	// It must not block.
	Written func(key cache.ObjectName)
	// Metrics may be nil.
	Metrics Metrics
}

// Updater writes the status and the metadata of FlinkClusters. It is safe for concurrent use.
type Updater struct {
	config Config
	fields []field
	locks  *keyedLocks
	known  *known
	others *contention
}

// New makes an updater. The lister's informer must be synced before the first call of a method.
func New(config Config) *Updater {
	if config.Events == nil {
		config.Events = func(_, _ *v1beta1.FlinkCluster) []v1beta1.Event { return nil }
	}
	if config.Recorder == nil {
		config.Recorder = func(*v1beta1.FlinkCluster, []v1beta1.Event) {}
	}
	if config.Written == nil {
		config.Written = func(cache.ObjectName) {}
	}
	if config.Metrics == nil {
		config.Metrics = noMetrics{}
	}
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	return &Updater{config: config, fields: ownership(), locks: newKeyedLocks(), known: newKnown(), others: newContention()}
}

// Latest returns a copy of the newest version known of the cluster: what the informer has, or what our own last
// request returned if the informer has not reached that. It returns false if the cluster is gone.
//
// Loops decide on this and not on the lister: a late watch then never hides what they did themselves.
func (u *Updater) Latest(key cache.ObjectName) (*v1beta1.FlinkCluster, bool) {
	fromInformer, err := u.config.Lister.FlinkClusters(key.Namespace).Get(key.Name)
	if err != nil {
		// A lister fails with NotFound only. What we wrote to, the informer had shown us before: it is gone now.
		u.known.forget(key)
		u.others.forget(key)
		return nil, false
	}
	return u.known.newest(key, fromInformer).DeepCopy(), true
}

// LiveGet reads the cluster from the API server, for a last look before an effect that cannot be undone. The error is
// NotFound (apierrors.IsNotFound) if the cluster is gone.
func (u *Updater) LiveGet(ctx context.Context, key cache.ObjectName) (*v1beta1.FlinkCluster, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	cluster, err := u.config.Client.FlinkClusters(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if err != nil {
		if apierrors.IsNotFound(err) {
			u.known.forget(key)
		}
		return nil, fmt.Errorf("getting FlinkCluster %s: %w", key, err)
	}
	u.known.record(key, cluster)
	return cluster.DeepCopy(), nil
}

// Update runs mutate on the newest version of the cluster and stores the status if it changed. The life of the
// cluster that is meant is named by uid. The cluster returned is the newest known after the call, nil if it is gone.
//
// An error means that it is not known whether the change was stored, or that it must not be (OwnershipError), or not
// yet: while another process writes the same status, the error is a conflict (apierrors.IsConflict), as often as one
// second has to pass.
func (u *Updater) Update(ctx context.Context, key cache.ObjectName, uid types.UID, owner Owner, mutate Mutation,
) (Outcome, *v1beta1.FlinkCluster, error) {
	unlock, err := u.locks.lock(ctx, key)
	if err != nil {
		return "", nil, fmt.Errorf("waiting to write the status of FlinkCluster %s: %w", key, err)
	}
	defer unlock()

	before, exists := u.Latest(key)
	for attempt := 1; exists && before.UID == uid; attempt++ {
		after, outcome, err := u.mutated(owner, before, mutate)
		if err != nil || outcome != Written {
			return outcome, before, err
		}
		if wait := u.others.pause(key, before, u.config.Clock.Now()); wait > 0 {
			return "", nil, fmt.Errorf("writing the status of FlinkCluster %s, which another process writes too: waiting %s: %w",
				key, wait, apierrors.NewConflict(v1beta1.Resource("flinkclusters"), key.Name, errContended))
		}
		stored, err := u.store(ctx, after)
		switch {
		case err == nil:
			u.stored(ctx, key, owner, before, stored)
			return Written, stored.DeepCopy(), nil
		case apierrors.IsNotFound(err):
			u.known.forget(key)
			return Gone, nil, nil
		case !apierrors.IsConflict(err):
			return "", nil, fmt.Errorf("writing the status of FlinkCluster %s: %w", key, err)
		}
		u.config.Metrics.StatusConflict(string(owner))
		klog.FromContext(ctx).V(2).Info("The cluster has changed while its status was written", "attempt", attempt)
		if attempt == maxAttempts {
			return "", nil, fmt.Errorf("writing the status of FlinkCluster %s, attempt %d: %w", key, attempt, err)
		}
		if before, err = u.LiveGet(ctx, key); err != nil {
			if apierrors.IsNotFound(err) {
				return Gone, nil, nil
			}
			return "", nil, err
		}
	}
	return Gone, nil, nil
}

// mutated runs the mutation on a copy of the status of before. The outcome is Written if there is something to write.
func (u *Updater) mutated(owner Owner, before *v1beta1.FlinkCluster, mutate Mutation,
) (*v1beta1.FlinkCluster, Outcome, error) {
	// What is stored is the status alone. The rest is shared with before, and only read.
	after := &v1beta1.FlinkCluster{TypeMeta: before.TypeMeta, ObjectMeta: before.ObjectMeta, Spec: before.Spec, Status: *before.Status.DeepCopy()}
	if err := mutate(before, &after.Status); err != nil {
		if errors.Is(err, ErrDrop) {
			return nil, Dropped, nil
		}
		return nil, "", fmt.Errorf("changing the status of FlinkCluster %s/%s: %w", before.Namespace, before.Name, err)
	}
	// The time of the last change is no change.
	after.Status.LastUpdateTime = before.Status.LastUpdateTime
	if apiequality.Semantic.DeepEqual(&before.Status, &after.Status) {
		return nil, Unchanged, nil
	}
	if err := u.checkOwnership(owner, &before.Status, &after.Status); err != nil {
		u.config.Metrics.OwnershipViolated(string(owner))
		return nil, "", fmt.Errorf("refusing to write the status of FlinkCluster %s/%s: %w",
			before.Namespace, before.Name, err)
	}
	after.Status.LastUpdateTime = new(metav1.NewTime(u.config.Clock.Now()).Rfc3339Copy())
	return after, Written, nil
}

// store sends the status. The resource version and the UID in the object make the API server refuse it if the
// cluster was changed or made anew since.
func (u *Updater) store(ctx context.Context, cluster *v1beta1.FlinkCluster) (*v1beta1.FlinkCluster, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return u.config.Client.FlinkClusters(cluster.Namespace).UpdateStatus(ctx, cluster, metav1.UpdateOptions{})
}

// stored does what follows a change that the API server has stored.
func (u *Updater) stored(ctx context.Context, key cache.ObjectName, owner Owner, before, after *v1beta1.FlinkCluster) {
	u.known.record(key, after)
	u.others.wrote(key, after)
	u.config.Metrics.StatusWritten(string(owner))
	klog.FromContext(ctx).V(3).Info("Wrote status", "owner", owner, "resourceVersion", after.ResourceVersion)
	if events := u.config.Events(before, after); len(events) > 0 {
		for _, event := range events {
			klog.FromContext(ctx).Info("Event", "type", event.Type, "reason", event.Reason, "message", event.Message)
		}
		u.config.Recorder(after, events)
	}
	u.config.Written(key)
}

type noMetrics struct{}

func (noMetrics) StatusWritten(string)     {}
func (noMetrics) StatusConflict(string)    {}
func (noMetrics) OwnershipViolated(string) {}
