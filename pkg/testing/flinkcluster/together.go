package flinkcluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// JobManagers are the pods with JobManagers that a cluster has had since they are watched.
type JobManagers struct {
	lock  sync.Mutex
	alive map[types.UID]string
	// ever is how many there were, and together names those that were there beside others.
	ever     map[types.UID]bool
	together []string
}

// WatchJobManagers watches the pods with JobManagers until the test ends. A pod is there until Kubernetes says that its
// containers have ended.
func (c *Cluster) WatchJobManagers(t testing.TB) *JobManagers {
	t.Helper()
	watched := &JobManagers{alive: map[types.UID]string{}, ever: map[types.UID]bool{}}
	selector := v1beta1.LabelCluster + "=" + c.Name + "," + v1beta1.LabelComponent + "=" + v1beta1.ComponentJobManager
	factory := informers.NewSharedInformerFactoryWithOptions(c.suite.Kube, 0, informers.WithNamespace(c.Namespace.Name),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = selector }))
	informer := factory.Core().V1().Pods().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    watched.seen,
		UpdateFunc: func(_, pod any) { watched.seen(pod) },
		DeleteFunc: watched.gone,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	factory.StartWithContext(ctx)
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
	require.NoError(t, factory.WaitForCacheSyncWithContext(t.Context()).AsError())
	return watched
}

func (j *JobManagers) seen(object any) {
	pod, isPod := object.(*corev1.Pod)
	if !isPod {
		return
	}
	j.lock.Lock()
	defer j.lock.Unlock()
	j.ever[pod.UID] = true
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		delete(j.alive, pod.UID)
		return
	}
	j.alive[pod.UID] = fmt.Sprintf("%s (%s)", pod.Name, pod.UID)
	if len(j.alive) > 1 {
		j.together = append(j.together, strings.Join(slices.Sorted(maps.Values(j.alive)), " beside "))
	}
}

func (j *JobManagers) gone(object any) {
	if tombstone, isTombstone := object.(cache.DeletedFinalStateUnknown); isTombstone {
		object = tombstone.Obj
	}
	if pod, isPod := object.(*corev1.Pod); isPod {
		j.lock.Lock()
		defer j.lock.Unlock()
		delete(j.alive, pod.UID)
	}
}

// RequireOneAtATime fails if there were other than so many, or ever two at the same time.
func (j *JobManagers) RequireOneAtATime(t testing.TB, pods int) {
	t.Helper()
	j.lock.Lock()
	defer j.lock.Unlock()
	require.Empty(t, j.together, "two JobManagers at the same time")
	require.Len(t, j.ever, pods, "JobManagers since the first")
}
