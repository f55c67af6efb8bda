package savepoint_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/savepoint"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// bed has a running job whose revision is recorded, and a savepoint loop that is run by hand.
type bed struct {
	*world.Bed
	t     *testing.T
	loop  *savepoint.Controller
	ended []v1beta1.SavepointState
	// disposed has a value for each savepoint that was given up: whether its files are gone.
	disposed []bool
}

func (b *bed) SavepointEnded(_ v1beta1.SavepointReason, state v1beta1.SavepointState) {
	b.ended = append(b.ended, state)
}

func (b *bed) SavepointDisposed(retained bool) {
	b.disposed = append(b.disposed, !retained)
}

func inBed(t *testing.T, test func(t *testing.T, b *bed), options ...builders.ClusterOption) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		api.Add(t, builders.JobCluster("a", append([]builders.ClusterOption{
			builders.SavepointsDir("file:/savepoints"), builders.RunningJob(1, time.Now()),
		}, options...)...))
		b := &bed{Bed: world.NewBed(t, api), t: t}
		b.loop = savepoint.New(b.Access, b)
		b.Observer.Say(flink.Observation{
			JobID: builders.JobID(1), Attempt: 1, Reachable: true, AnsweredAt: time.Now(), Version: "2.1.0",
			Job: &flink.Job{ID: builders.JobID(1), Status: flink.JobRunning, RunningTasks: 1, TotalTasks: 1},
		})
		// The condition of the savepoints is set by the first pass.
		for range 2 {
			_, err := b.sync()
			require.NoError(t, err)
		}
		b.Requests()
		test(t, b)
	})
}

func (b *bed) sync() (time.Duration, error) {
	result, err := b.loop.Sync(b.t.Context(), world.Key)
	synctest.Wait()
	return result.RequeueAfter, err
}

func (b *bed) slot() *v1beta1.SavepointStatus {
	return fixture.Get[v1beta1.FlinkCluster](b.t, b.API, "default", "a").Status.Savepoint
}

var requested = builders.SavepointRequested(1, v1beta1.SavepointReasonUserRequested, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))

// A request that is recorded is sent, after one last look at the API server; with nothing to do there is no request.
func TestSendsWhatIsRecorded(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		before := len(b.Observer.Effects())
		_, err := b.sync()
		require.NoError(t, err)
		require.Equal(t, []string{"get flinkclusters default/a"}, b.Requests())
		effects := b.Observer.Effects()[before:]
		require.Len(t, effects, 1)
		require.Equal(t, flink.Effect{
			Kind: flink.TriggerSavepoint, JobID: builders.JobID(1), TriggerID: builders.TriggerID(1), Directory: "file:/savepoints",
		}, effects[0])
	}, requested)
}

func TestRestsWithoutARequest(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		_, err := b.sync()
		require.NoError(t, err)
		require.Empty(t, b.Requests())
		require.Empty(t, b.Observer.Effects())
	})
}

// The intent comes first: nothing is sent in the pass that files the request, and nothing if it cannot be stored.
func TestRecordsBeforeItSends(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		fixture.Change(t, b.API, "default", "a", builders.SavepointGeneration(1))
		synctest.Wait()
		b.API.FailNext("update", "flinkclusters/status", fixture.Fault{Err: apierrors.NewInternalError(errors.New("down"))})
		_, err := b.sync()
		require.ErrorContains(t, err, "down")
		require.Nil(t, b.slot())
		_, err = b.sync()
		require.NoError(t, err)
		require.Equal(t, v1beta1.SavepointStateRequested, b.slot().State)
		require.Empty(t, b.Observer.Effects())
		_, err = b.sync()
		require.NoError(t, err)
		require.Len(t, b.Observer.Effects(), 1)
		require.Equal(t, b.slot().TriggerID, b.Observer.Effects()[0].TriggerID)
	})
}

// What another leader has done meanwhile is seen in the last look, however stale the informer is.
func TestLastLook(t *testing.T) {
	for name, change := range map[string]func(*v1beta1.FlinkCluster){
		"succeeded": func(c *v1beta1.FlinkCluster) { c.Status.Savepoint.State = v1beta1.SavepointStateSucceeded },
		"failed":    func(c *v1beta1.FlinkCluster) { c.Status.Savepoint.State = v1beta1.SavepointStateFailed },
		"the next request": func(c *v1beta1.FlinkCluster) {
			c.Status.Savepoint.Request, c.Status.Savepoint.TriggerID = 2, builders.TriggerID(2)
		},
		"no request":    func(c *v1beta1.FlinkCluster) { c.Status.Savepoint = nil },
		"being deleted": func(c *v1beta1.FlinkCluster) { c.Finalizers = []string{"example.com/held"} },
	} {
		t.Run(name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				before := len(b.Observer.Effects())
				b.API.HoldWatches(&v1beta1.FlinkCluster{})
				fixture.Change(t, b.API, "default", "a", change)
				if name == "being deleted" {
					fixture.Delete[v1beta1.FlinkCluster](t, b.API, "default", "a")
				}
				_, err := b.sync()
				require.NoError(t, err)
				require.Len(t, b.Observer.Effects(), before)
				require.Equal(t, []string{"get flinkclusters default/a"}, b.Requests())
			}, requested)
		})
	}
}

func TestLastLookFindsAnotherLife(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		before := len(b.Observer.Effects())
		b.API.HoldWatches(&v1beta1.FlinkCluster{})
		fixture.Delete[v1beta1.FlinkCluster](t, b.API, "default", "a")
		_, err := b.sync()
		require.NoError(t, err)
		b.API.Add(t, builders.JobCluster("a", builders.UID("another"), builders.RunningJob(1, time.Now()), requested))
		_, err = b.sync()
		require.NoError(t, err)
		require.Len(t, b.Observer.Effects(), before)
	}, requested)
}

func TestLastLookFails(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		before := len(b.Observer.Effects())
		b.API.FailNext("get", "flinkclusters", fixture.Fault{Err: apierrors.NewTooManyRequests("slow down", 1)})
		_, err := b.sync()
		require.Error(t, err)
		require.Len(t, b.Observer.Effects(), before)
	}, requested)
}

// Each end of a savepoint is counted once, and only after it was stored.
func TestCountsEnds(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		observation := b.Observer.Observation(types.NamespacedName{})
		observation.Operation = &flink.Operation{
			JobID: builders.JobID(1), TriggerID: builders.TriggerID(1), State: flink.OperationSucceeded, Location: "file:/savepoints/1",
		}
		b.Observer.Say(observation)
		b.API.FailNext("update", "flinkclusters/status", fixture.Fault{Err: apierrors.NewInternalError(errors.New("down"))})
		_, err := b.sync()
		require.Error(t, err)
		require.Empty(t, b.ended)
		for range 3 {
			_, err = b.sync()
			require.NoError(t, err)
		}
		require.Equal(t, []v1beta1.SavepointState{v1beta1.SavepointStateSucceeded}, b.ended)
		require.Equal(t, "file:/savepoints/1", b.slot().Location)
	}, requested)
}

// A spec that was never valid has no job to take savepoints of.
func TestNothingWithoutARevision(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		require.Empty(t, b.Observer.Effects())
	}, requested, builders.Job(func(job *v1beta1.JobSpec) { job.JarFile = "https://example.com/a.jar" }))
}
