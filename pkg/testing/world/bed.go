package world

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/controller/cluster"
	"github.com/flink-operator/flink-operator/pkg/controller/revision"
	"github.com/flink-operator/flink-operator/pkg/controller/status"
	"github.com/flink-operator/flink-operator/pkg/controller/view"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/flink/observer"
	"github.com/flink-operator/flink-operator/pkg/generated/informers/externalversions"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// Bed is what one loop stands on, for tests of single syncs: an API server, informers, and an observer that says what
// the test wants. Nothing runs by itself.
type Bed struct {
	API      *fixture.API
	Access   *view.Access
	Children *cluster.Lister
	Observer *Observer
}

// NewBed makes a bed, with its informers filled and running until the end of the test, which must run in a bubble.
func NewBed(t testing.TB, api *fixture.API) *Bed {
	t.Helper()
	flinkClient, kubeClient := api.FlinkClient(t), api.KubeClient(t)
	flinkFactory := externalversions.NewSharedInformerFactory(flinkClient, 0)
	kubeFactory := informers.NewSharedInformerFactory(kubeClient, 0)
	b := &Bed{API: api, Observer: &Observer{}}
	b.Access = &view.Access{
		Updater: status.New(status.Config{
			Client: flinkClient.FlinkoperatorV1beta1(), Lister: flinkFactory.Flinkoperator().V1beta1().FlinkClusters().Lister(),
		}),
		Revisions: revision.New(kubeClient.AppsV1()), Observer: b.Observer, Clock: clock.RealClock{},
	}
	pods := kubeFactory.Core().V1().Pods().Informer()
	require.NoError(t, pods.AddIndexers(cluster.PodIndexers()))
	b.Children = &cluster.Lister{
		Client:     kubeClient,
		ConfigMaps: kubeFactory.Core().V1().ConfigMaps().Lister(), Services: kubeFactory.Core().V1().Services().Lister(),
		StatefulSets: kubeFactory.Apps().V1().StatefulSets().Lister(), Jobs: kubeFactory.Batch().V1().Jobs().Lister(),
		ServiceAccounts: kubeFactory.Core().V1().ServiceAccounts().Lister(), Roles: kubeFactory.Rbac().V1().Roles().Lister(),
		RoleBindings: kubeFactory.Rbac().V1().RoleBindings().Lister(), Pods: pods.GetIndexer(),
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	flinkFactory.StartWithContext(ctx)
	kubeFactory.StartWithContext(ctx)
	t.Cleanup(func() {
		cancel()
		flinkFactory.Shutdown()
		kubeFactory.Shutdown()
	})
	require.NoError(t, flinkFactory.WaitForCacheSyncWithContext(ctx).AsError())
	require.NoError(t, kubeFactory.WaitForCacheSyncWithContext(ctx).AsError())
	synctest.Wait()
	api.ForgetRequests()
	return b
}

// Requests lists what was asked of the API server but for watches, and begins anew. Before that it lets the informers
// see what came of it.
func (b *Bed) Requests() []string {
	synctest.Wait()
	var found []string
	for _, request := range b.API.Requests() {
		if request.Verb != "watch" {
			found = append(found, request.String())
		}
	}
	b.API.ForgetRequests()
	return found
}

// Observer says what a test wants and remembers what it is asked.
type Observer struct {
	mutex     sync.Mutex
	now       flink.Observation
	targets   []observer.Target
	effects   []flink.Effect
	forgotten int
	polls     int
}

// Say sets what is observed.
func (o *Observer) Say(observation flink.Observation) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.now = observation
}

// Targets are those that were to be watched.
func (o *Observer) Targets() []observer.Target {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return slices.Clone(o.targets)
}

// Effects are those that were asked for.
func (o *Observer) Effects() []flink.Effect {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return slices.Clone(o.effects)
}

// Forgotten counts how often a cluster was to be forgotten.
func (o *Observer) Forgotten() int {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.forgotten
}

// Polls counts how often a poll was asked for at once.
func (o *Observer) Polls() int {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.polls
}

// Watch implements view.Observer.
func (o *Observer) Watch(_ types.NamespacedName, target observer.Target) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.targets = append(o.targets, target)
}

// Forget implements view.Observer.
func (o *Observer) Forget(types.NamespacedName) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.forgotten++
}

// PollNow implements view.Observer.
func (o *Observer) PollNow(types.NamespacedName) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.polls++
}

// Observation implements view.Observer.
func (o *Observer) Observation(types.NamespacedName) flink.Observation {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.now.DeepCopy()
}

// Execute implements view.Observer.
func (o *Observer) Execute(_ types.NamespacedName, effect flink.Effect) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.effects = append(o.effects, effect)
}

// Key of the cluster that the tests of single syncs are about.
var Key = cache.NewObjectName("default", "a")
