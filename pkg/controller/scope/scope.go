package scope

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/cluster"
	"github.com/flink-operator/flink-operator/pkg/controller/control"
	"github.com/flink-operator/flink-operator/pkg/controller/queue"
	"github.com/flink-operator/flink-operator/pkg/controller/revision"
	"github.com/flink-operator/flink-operator/pkg/controller/savepoint"
	"github.com/flink-operator/flink-operator/pkg/controller/status"
	"github.com/flink-operator/flink-operator/pkg/controller/view"
	"github.com/flink-operator/flink-operator/pkg/flink/observer"
	"github.com/flink-operator/flink-operator/pkg/generated/clientset/versioned"
	"github.com/flink-operator/flink-operator/pkg/generated/informers/externalversions"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
)

// Metrics is told of everything that happens in a scope.
type Metrics interface {
	queue.Metrics
	status.Metrics
	savepoint.Metrics
	observer.Metrics
}

// Config of a scope.
type Config struct {
	// Namespace to work in; empty for all.
	Namespace string
	// Workers of each loop.
	Workers     int
	FlinkClient versioned.Interface
	KubeClient  kubernetes.Interface
	// JobManagers asks JobManagers.
	JobManagers observer.Client
	// Recorder reports events.
	Recorder     func(cluster *v1beta1.FlinkCluster, events []v1beta1.Event)
	Clock        clock.WithTicker
	Metrics      Metrics
	QueueMetrics workqueue.MetricsProvider
	// OnPanic may be nil; tests fail in it.
	OnPanic func(key cache.ObjectName, value any)
}

// Scope works on the FlinkClusters of one namespace, or of all.
type Scope struct {
	flinkFactory externalversions.SharedInformerFactory
	kubeFactory  informers.SharedInformerFactory
	observer     *observer.Observer
	runners      []*queue.Runner[cache.ObjectName]
	synced       []cache.DoneChecker
	ready        chan struct{}
}

// New makes a scope. Nothing is requested before Run.
func New(config Config) (*Scope, error) {
	s := &Scope{
		flinkFactory: externalversions.NewSharedInformerFactoryWithOptions(config.FlinkClient, 0,
			externalversions.WithNamespace(config.Namespace), externalversions.WithTransform(withoutManagedFields)),
		// Only what the operator made: others' objects must not fill its memory.
		kubeFactory: informers.NewSharedInformerFactoryWithOptions(config.KubeClient, 0,
			informers.WithNamespace(config.Namespace), informers.WithTransform(withoutManagedFields),
			informers.WithTweakListOptions(func(options *metav1.ListOptions) {
				options.LabelSelector = labels.Set{v1beta1.LabelManagedBy: v1beta1.ManagedByOperator}.String()
			})),
		ready: make(chan struct{}),
	}
	flinkClusters := s.flinkFactory.Flinkoperator().V1beta1().FlinkClusters()
	s.observer = observer.New(observer.Config{
		Client: config.JobManagers, Clock: config.Clock, Metrics: config.Metrics,
		Notify: func(key types.NamespacedName) { s.enqueue(cache.ObjectName{Namespace: key.Namespace, Name: key.Name}) },
	})
	access := &view.Access{
		Updater: status.New(status.Config{
			Client: config.FlinkClient.FlinkoperatorV1beta1(), Lister: flinkClusters.Lister(), Clock: config.Clock,
			Events: lifecycle.Events, Recorder: config.Recorder, Written: s.enqueue, Metrics: config.Metrics,
		}),
		Revisions: revision.New(config.KubeClient.AppsV1()),
		Observer:  s.observer,
		Clock:     config.Clock,
	}
	children := &cluster.Lister{
		Client:     config.KubeClient,
		ConfigMaps: s.kubeFactory.Core().V1().ConfigMaps().Lister(), Services: s.kubeFactory.Core().V1().Services().Lister(),
		StatefulSets: s.kubeFactory.Apps().V1().StatefulSets().Lister(), Jobs: s.kubeFactory.Batch().V1().Jobs().Lister(),
		Pods:            s.kubeFactory.Core().V1().Pods().Informer().GetIndexer(),
		ServiceAccounts: s.kubeFactory.Core().V1().ServiceAccounts().Lister(), Roles: s.kubeFactory.Rbac().V1().Roles().Lister(),
		RoleBindings: s.kubeFactory.Rbac().V1().RoleBindings().Lister(),
	}
	if err := s.kubeFactory.Core().V1().Pods().Informer().AddIndexers(cluster.PodIndexers()); err != nil {
		return nil, fmt.Errorf("indexing pods: %w", err)
	}
	clusterLoop := cluster.New(cluster.Config{
		Access: access, Children: children, Writer: cluster.NewWriter(config.KubeClient, children),
		Metadata: &cluster.Metadata{Client: config.KubeClient},
	})
	for name, sync := range map[string]queue.Sync[cache.ObjectName]{
		cluster.Name:   clusterLoop.Sync,
		savepoint.Name: savepoint.New(access, config.Metrics).Sync,
		control.Name:   control.New(access).Sync,
	} {
		s.runners = append(s.runners, queue.New(queue.Config[cache.ObjectName]{
			Name: name, Sync: sync, Workers: config.Workers, Clock: config.Clock,
			Metrics: config.Metrics, QueueMetrics: config.QueueMetrics, OnPanic: config.OnPanic,
		}))
	}
	return s, s.listen(flinkClusters.Informer())
}

// enqueue wakes all three loops for a cluster. A pass that finds nothing to do costs no request.
func (s *Scope) enqueue(key cache.ObjectName) {
	for _, runner := range s.runners {
		runner.Add(key)
	}
}

// enqueueFresh is for a change that a user may have made: past failures no longer count.
func (s *Scope) enqueueFresh(key cache.ObjectName) {
	for _, runner := range s.runners {
		runner.AddFresh(key)
	}
}

// Run works until ctx is done and everything that it started has ended. It may be called once.
func (s *Scope) Run(ctx context.Context) error {
	factories, stopFactories := context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		stopFactories()
		s.flinkFactory.Shutdown()
		s.kubeFactory.Shutdown()
	}()
	s.flinkFactory.StartWithContext(factories)
	s.kubeFactory.StartWithContext(factories)
	if !cache.WaitFor(ctx, "caches", s.synced...) {
		// A queue that is never run would keep its goroutines.
		s.work(ctx)
		return fmt.Errorf("waiting for the caches: %w", context.Cause(ctx))
	}
	close(s.ready)
	s.work(ctx)
	return nil
}

// Ready says whether the caches are filled.
func (s *Scope) Ready() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

func (s *Scope) work(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { s.observer.Run(ctx) })
	for _, runner := range s.runners {
		running.Go(func() { runner.Run(ctx) })
	}
	running.Wait()
}
