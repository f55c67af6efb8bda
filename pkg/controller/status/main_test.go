package status

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/generated/informers/externalversions"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var key = cache.NewObjectName("default", "wordcount")

// bed is an updater with an API and a synced informer below it, in a bubble.
type bed struct {
	*Updater
	api *fixture.API
	t   *testing.T

	mutex   sync.Mutex
	events  []v1beta1.Event
	written []cache.ObjectName
	counts  map[string]int
}

func inBubble(t *testing.T, test func(t *testing.T, b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bed{api: fixture.New(nil), t: t, counts: map[string]int{}}
		b.api.Add(t, builders.JobCluster("wordcount", builders.RunningJob(1, time.Now())))
		client := b.api.FlinkClient(t)
		factory := externalversions.NewSharedInformerFactory(client, 0)
		b.Updater = New(Config{
			Client:   client.FlinkoperatorV1beta1(),
			Lister:   factory.Flinkoperator().V1beta1().FlinkClusters().Lister(),
			Events:   stateEvents,
			Recorder: b.record,
			Written:  b.wrote,
			Metrics:  b,
		})
		ctx, cancel := context.WithCancel(t.Context())
		factory.StartWithContext(ctx)
		defer factory.Shutdown()
		defer cancel()
		require.NoError(t, factory.WaitForCacheSyncWithContext(ctx).AsError())
		synctest.Wait()
		test(t, b)
	})
}

// stateEvents reports each change of state, with the state as message.
func stateEvents(before, after *v1beta1.FlinkCluster) []v1beta1.Event {
	if before.Status.State == after.Status.State {
		return nil
	}
	return []v1beta1.Event{{Type: "Normal", Reason: v1beta1.EventJobRunning, Message: string(after.Status.State)}}
}

func (b *bed) record(_ *v1beta1.FlinkCluster, events []v1beta1.Event) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.events = append(b.events, events...)
}

func (b *bed) wrote(key cache.ObjectName) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.written = append(b.written, key)
}

func (b *bed) count(name string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.counts[name]++
}

func (b *bed) StatusWritten(owner string)     { b.count("written " + owner) }
func (b *bed) StatusConflict(owner string)    { b.count("conflict " + owner) }
func (b *bed) OwnershipViolated(owner string) { b.count("violated " + owner) }

// stored is what the API server has.
func (b *bed) stored() *v1beta1.FlinkCluster {
	return fixture.Get[v1beta1.FlinkCluster](b.t, b.api, key.Namespace, key.Name)
}

// update runs a mutation for the present life of the cluster.
func (b *bed) update(owner Owner, mutate func(status *v1beta1.FlinkClusterStatus)) (Outcome, *v1beta1.FlinkCluster, error) {
	latest, exists := b.Latest(key)
	require.True(b.t, exists)
	return b.Update(b.t.Context(), key, latest.UID, owner, func(_ *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) error {
		mutate(status)
		return nil
	})
}

func toState(state v1beta1.ClusterState) func(*v1beta1.FlinkClusterStatus) {
	return func(status *v1beta1.FlinkClusterStatus) { status.State = state }
}
