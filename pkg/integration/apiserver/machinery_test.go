//go:build apiserver

package apiserver

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/generated/clientset/versioned"
	"github.com/flink-operator/flink-operator/pkg/generated/informers/externalversions"
)

// machinery plays, in one namespace, what a real cluster has beside its API server: the controllers of Jobs and
// StatefulSets, the garbage collector, the kubelet, and Flink in the pods.
type machinery struct {
	namespace string
	client    kubernetes.Interface
	flink     versioned.Interface
	kinds     informers.SharedInformerFactory
	clusters  externalversions.SharedInformerFactory
	// changed has a token in it when something is to be looked at.
	changed chan struct{}

	// network leads to the JobManagers of pods that run, and storage holds what they write.
	network *flinktest.Network
	storage *flinktest.Storage

	mutex sync.Mutex
	// processes are the JobManagers by the UID of their pod; current ones by the name of their cluster.
	processes map[string]*flinktest.JobManager
	current   map[string]*flinktest.JobManager
}

// startMachinery starts it in a new namespace. At the end of the test it takes down what is left there.
func startMachinery(t *testing.T) *machinery {
	t.Helper()
	return startMachineryIn(t, newNamespace(t))
}

func startMachineryIn(t *testing.T, namespace string) *machinery {
	t.Helper()
	config := server.AdminConfig()
	flink, err := versioned.NewForConfig(config)
	require.NoError(t, err)
	m := &machinery{
		namespace: namespace, client: kubeClient(t), flink: flink, changed: make(chan struct{}, 1),
		network: flinktest.NewNetwork(), storage: flinktest.NewStorage(),
		processes: map[string]*flinktest.JobManager{}, current: map[string]*flinktest.JobManager{},
	}
	m.kinds = informers.NewSharedInformerFactoryWithOptions(m.client, 0, informers.WithNamespace(namespace))
	m.clusters = externalversions.NewSharedInformerFactoryWithOptions(flink, 0, externalversions.WithNamespace(namespace))
	for _, informer := range m.informers() {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { m.wake() }, UpdateFunc: func(any, any) { m.wake() }, DeleteFunc: func(any) { m.wake() },
		})
		require.NoError(t, err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	m.kinds.StartWithContext(ctx)
	m.clusters.StartWithContext(ctx)
	m.kinds.WaitForCacheSyncWithContext(ctx)
	m.clusters.WaitForCacheSyncWithContext(ctx)
	var running sync.WaitGroup
	running.Go(func() { m.run(ctx) })
	t.Cleanup(func() {
		m.takeDown(t)
		cancel()
		running.Wait()
		m.kinds.Shutdown()
		m.clusters.Shutdown()
	})
	return m
}

func (m *machinery) informers() []cache.SharedIndexInformer {
	return []cache.SharedIndexInformer{
		m.clusters.Flinkoperator().V1beta1().FlinkClusters().Informer(), m.kinds.Core().V1().Pods().Informer(),
		m.kinds.Batch().V1().Jobs().Informer(), m.kinds.Apps().V1().StatefulSets().Informer(),
		m.kinds.Core().V1().ConfigMaps().Informer(), m.kinds.Core().V1().Services().Informer(),
		m.kinds.Apps().V1().ControllerRevisions().Informer(), m.kinds.Core().V1().ServiceAccounts().Informer(),
		m.kinds.Rbac().V1().Roles().Informer(), m.kinds.Rbac().V1().RoleBindings().Informer(),
	}
}

func (m *machinery) wake() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

func (m *machinery) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.changed:
		}
		err := errors.Join(m.collectGarbage(ctx), m.runJobs(ctx), m.runStatefulSets(ctx), m.runPods(ctx))
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			// What it saw was out of date, most likely. It is level-triggered: the next look settles it.
			klog.FromContext(ctx).V(1).Info("The machinery looks again", "namespace", m.namespace, "err", err)
			m.wake()
		}
	}
}

// ignoreGone: what is gone, or another one by now, or there already, is no matter.
func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// takeDown deletes the FlinkClusters and waits until everything that belonged to them is gone.
func (m *machinery) takeDown(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	clusters := m.flink.FlinkoperatorV1beta1().FlinkClusters(m.namespace)
	require.NoError(t, clusters.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
	letGo(ctx, t, clusters)
	if !t.Failed() {
		eventuallyWith(ctx, t, waitLimit, "the namespace to be empty", func(context.Context) (bool, any) {
			left := m.owned()
			return len(left) == 0, left
		})
	}
}

// owned names the objects that have an owner.
func (m *machinery) owned() []string {
	var names []string
	for _, informer := range m.informers() {
		for _, object := range informer.GetStore().List() {
			if accessor, err := meta.Accessor(object); err == nil && metav1.GetControllerOf(accessor) != nil {
				names = append(names, accessor.GetName())
			}
		}
	}
	return names
}

// collectGarbage deletes what has an owner that is gone.
func (m *machinery) collectGarbage(ctx context.Context) error {
	alive := map[string]bool{}
	for _, informer := range m.informers() {
		for _, object := range informer.GetStore().List() {
			if accessor, err := meta.Accessor(object); err == nil {
				alive[string(accessor.GetUID())] = true
			}
		}
	}
	deletions := m.deletions()
	for i, informer := range m.informers() {
		for _, object := range informer.GetStore().List() {
			accessor, err := meta.Accessor(object)
			if err != nil {
				return err
			}
			owner := metav1.GetControllerOf(accessor)
			if owner == nil || alive[string(owner.UID)] || accessor.GetDeletionTimestamp() != nil {
				continue
			}
			gone, err := m.gone(ctx, owner)
			if err != nil || !gone {
				return err
			}
			options := metav1.DeleteOptions{
				Preconditions: metav1.NewUIDPreconditions(string(accessor.GetUID())), PropagationPolicy: new(metav1.DeletePropagationBackground),
			}
			if err := ignoreGone(deletions[i](ctx, accessor.GetName(), options)); err != nil {
				return err
			}
		}
	}
	return nil
}

// deletions are in the order of informers.
func (m *machinery) deletions() []func(context.Context, string, metav1.DeleteOptions) error {
	return []func(context.Context, string, metav1.DeleteOptions) error{
		m.flink.FlinkoperatorV1beta1().FlinkClusters(m.namespace).Delete, m.client.CoreV1().Pods(m.namespace).Delete,
		m.client.BatchV1().Jobs(m.namespace).Delete, m.client.AppsV1().StatefulSets(m.namespace).Delete,
		m.client.CoreV1().ConfigMaps(m.namespace).Delete, m.client.CoreV1().Services(m.namespace).Delete,
		m.client.AppsV1().ControllerRevisions(m.namespace).Delete, m.client.CoreV1().ServiceAccounts(m.namespace).Delete,
		m.client.RbacV1().Roles(m.namespace).Delete, m.client.RbacV1().RoleBindings(m.namespace).Delete,
	}
}

// gone asks the API server whether an owner that the informers do not show is gone indeed.
func (m *machinery) gone(ctx context.Context, owner *metav1.OwnerReference) (bool, error) {
	var live metav1.Object
	var err error
	switch owner.Kind {
	case "Job":
		live, err = m.client.BatchV1().Jobs(m.namespace).Get(ctx, owner.Name, metav1.GetOptions{})
	case "StatefulSet":
		live, err = m.client.AppsV1().StatefulSets(m.namespace).Get(ctx, owner.Name, metav1.GetOptions{})
	default:
		live, err = m.flink.FlinkoperatorV1beta1().FlinkClusters(m.namespace).Get(ctx, owner.Name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return err == nil && live.GetUID() != owner.UID, err
}

// podsOf returns the pods that belong to an object.
func (m *machinery) podsOf(owner metav1.Object) ([]*corev1.Pod, error) {
	all, err := m.kinds.Core().V1().Pods().Lister().Pods(m.namespace).List(labels.Everything())
	var found []*corev1.Pod
	for _, pod := range all {
		if metav1.IsControlledBy(pod, owner) {
			found = append(found, pod)
		}
	}
	return found, err
}

// jobManager is the process of a cluster's newest JobManager pod. It may have ended.
func (m *machinery) jobManager(t *testing.T, cluster string) *flinktest.JobManager {
	t.Helper()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	require.Contains(t, m.current, cluster)
	return m.current[cluster]
}

func (m *machinery) newProcess() *flinktest.JobManager {
	return flinktest.New(flinktest.Config{Clock: clock.RealClock{}, Storage: m.storage, CompleteAfterPolls: 2})
}
