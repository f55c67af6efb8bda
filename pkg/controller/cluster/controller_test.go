package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/cluster"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// bed has one cluster and a cluster loop that is run by hand.
type bed struct {
	*world.Bed
	t    *testing.T
	loop *cluster.Controller
}

// inBed runs a test on a cluster and its children, which are made from it.
func inBed(t *testing.T, test func(t *testing.T, b *bed), made *v1beta1.FlinkCluster, children ...runtime.Object) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		api.Add(t, append([]runtime.Object{made}, children...)...)
		b := &bed{Bed: world.NewBed(t, api), t: t}
		b.loop = cluster.New(cluster.Config{
			Access: b.Access, Children: b.Children, Writer: cluster.NewWriter(api.KubeClient(t), b.Children),
			Metadata: &cluster.Metadata{Client: api.KubeClient(t)},
		})
		test(t, b)
	})
}

func (b *bed) sync() time.Duration {
	b.t.Helper()
	result, err := b.loop.Sync(b.t.Context(), world.Key)
	require.NoError(b.t, err)
	synctest.Wait()
	return result.RequeueAfter
}

func (b *bed) status() v1beta1.FlinkClusterStatus {
	return fixture.Get[v1beta1.FlinkCluster](b.t, b.API, "default", "a").Status
}

// The record of a run is stored before anything is made, and what is made is made in a pass of its own, after a last look
// at the API server; when all is there a pass costs no request.
func TestStartIsRecordedFirst(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.sync()
		require.Equal(t, []string{"create controllerrevisions default", "patch flinkclusters default/a"}, b.Requests())
		require.Equal(t, []string{v1beta1.Finalizer}, fixture.Get[v1beta1.FlinkCluster](t, b.API, "default", "a").Finalizers)
		b.sync()
		require.Equal(t, v1beta1.JobStateDeploying, b.status().Components.Job.State)
		require.Equal(t, []string{"update flinkclusters/status default/a"}, b.Requests())
		b.sync()
		require.Equal(t, []string{
			"get flinkclusters default/a", "get jobs default/a-jobmanager", "list pods default",
			"get configmaps default/a-configmap", "patch configmaps default/a-configmap",
			"get services default/a-jobmanager", "patch services default/a-jobmanager",
			"get jobs default/a-jobmanager", "patch jobs default/a-jobmanager",
			"get statefulsets default/a-taskmanager", "patch statefulsets default/a-taskmanager",
		}, b.Requests())
		// That the objects are there is progress, and written.
		time.Sleep(time.Minute)
		b.sync()
		b.Requests()
		b.sync()
		require.Empty(t, b.Requests())
	}, builders.JobCluster("a"))
}

func runningJob(options ...builders.ClusterOption) *v1beta1.FlinkCluster {
	return builders.JobCluster("a", append([]builders.ClusterOption{
		builders.Finalizer(v1beta1.Finalizer), builders.RunningJob(1, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), builders.Status(func(status *v1beta1.FlinkClusterStatus) {
			status.Components.JobManager = &v1beta1.WorkloadStatus{Name: "a-jobmanager", State: v1beta1.ComponentStateReady, Replicas: 1, ReadyReplicas: 1, Ready: "1/1"}
		}),
	}, options...)...)
}

// A JobManager that the informers do not show is looked up before its absence ends the run.
func TestAbsenceIsConfirmed(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		made := fixture.Get[v1beta1.FlinkCluster](t, b.API, "default", "a")
		b.API.HoldWatches(&batchv1.Job{})
		b.API.Add(t, builders.JobManagerJob(made, 1))
		b.sync()
		require.Equal(t, v1beta1.JobStateRunning, b.status().Components.Job.State)
		b.API.ReleaseWatches()
		synctest.Wait()
		fixture.Delete[batchv1.Job](t, b.API, "default", "a-jobmanager")
		synctest.Wait()
		b.sync()
		require.Equal(t, v1beta1.JobStateLost, b.status().Components.Job.State)
	}, runningJob())
}

// A leader whose cluster is old removes nothing: the JobManager may be that of the next run.
func TestAnOldLeaderRemovesNothing(t *testing.T) {
	ended := builders.JobCluster("a", builders.Finalizer(v1beta1.Finalizer), builders.EndedJob(1, v1beta1.JobStateFailed, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)),
		builders.Restart(v1beta1.RestartPolicyNever),
		builders.Cleanup(v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteCluster))
	inBed(t, func(t *testing.T, b *bed) {
		// The first pass tells of what it sees; the next one would remove it.
		b.sync()
		b.API.HoldWatches(&v1beta1.FlinkCluster{})
		fixture.Change(t, b.API, "default", "a", func(stored *v1beta1.FlinkCluster) {
			stored.Status.Components.Job.Attempt, stored.Status.Components.Job.State = 2, v1beta1.JobStateDeploying
		})
		b.Requests()
		require.Positive(t, b.sync())
		require.Equal(t, []string{"get flinkclusters default/a"}, b.Requests())
		b.API.ReleaseWatches()
	}, ended, builders.JobManagerJob(ended, 1))
}

// What is removed is removed once, however long it is still seen.
func TestRemovesOnce(t *testing.T) {
	ended := builders.JobCluster("a", builders.Finalizer(v1beta1.Finalizer), builders.EndedJob(1, v1beta1.JobStateFailed, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)),
		builders.Restart(v1beta1.RestartPolicyNever),
		builders.Cleanup(v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteCluster, v1beta1.CleanupActionDeleteCluster))
	inBed(t, func(t *testing.T, b *bed) {
		b.sync()
		b.API.HoldWatches(&batchv1.Job{})
		b.Requests()
		for range 3 {
			b.sync()
		}
		require.Equal(t, []string{
			"get flinkclusters default/a", "delete jobs default/a-jobmanager", "get flinkclusters default/a", "get flinkclusters default/a",
		}, b.Requests())
		b.API.ReleaseWatches()
	}, ended, builders.JobManagerJob(ended, 1))
}

// An object that the API server refuses is told, tried again now and then, and does not keep the others from being made.
func TestRefusedObjectIsTold(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		quota := apierrors.NewForbidden(schema.GroupResource{Resource: "statefulsets"}, "a-taskmanager", errQuota)
		b.API.FailNext("patch", "statefulsets", fixture.Fault{Err: quota})
		b.sync()
		b.sync()
		require.Equal(t, time.Millisecond, b.sync(), "told in the next pass")
		b.sync()
		degraded := meta.FindStatusCondition(b.status().Conditions, v1beta1.ConditionDegraded)
		require.Equal(t, "ObjectRefused", degraded.Reason)
		require.Contains(t, degraded.Message, "StatefulSet/a-taskmanager")
		require.Contains(t, degraded.Message, "exceeded quota")
		require.NotNil(t, fixture.Get[batchv1.Job](t, b.API, "default", "a-jobmanager"))
	}, builders.JobCluster("a"))
}

var errQuota = stringError("exceeded quota: pods")

type stringError string

func (e stringError) Error() string { return string(e) }

// A cancel is sent only on what the API server still says.
func TestCancelTakesALastLook(t *testing.T) {
	made := runningJob(builders.Control(1, v1beta1.ControlJobCancelWithoutSavepoint, v1beta1.ControlStateInProgress, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))
	inBed(t, func(t *testing.T, b *bed) {
		b.Observer.Say(flink.Observation{
			JobID: builders.JobID(1), Attempt: 1, Reachable: true, AnsweredAt: time.Now(), Version: "2.1.0",
			Job: &flink.Job{ID: builders.JobID(1), Status: flink.JobRunning, RunningTasks: 1, TotalTasks: 1},
		})
		for range 3 {
			b.sync()
		}
		require.NotEmpty(t, b.Observer.Effects())
		require.Equal(t, flink.CancelJob, b.Observer.Effects()[0].Kind)
		sent := len(b.Observer.Effects())

		b.API.HoldWatches(&v1beta1.FlinkCluster{})
		fixture.Change(t, b.API, "default", "a", func(stored *v1beta1.FlinkCluster) { stored.Status.Components.Job.ID = builders.JobID(2) })
		b.sync()
		require.Len(t, b.Observer.Effects(), sent, "another run by now")
		b.API.ReleaseWatches()
	}, made, builders.JobManagerJob(made, 1), builders.JobManagerPod(made, 1))
}

// A cluster that is gone or going is let go of.
func TestForgetsWhatIsGone(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.sync()
		// Another one's finalizer keeps it.
		fixture.Change(t, b.API, "default", "a", func(stored *v1beta1.FlinkCluster) { stored.Finalizers = []string{"example.com/held"} })
		fixture.Delete[v1beta1.FlinkCluster](t, b.API, "default", "a")
		synctest.Wait()
		b.Requests()
		require.Zero(t, b.sync())
		require.Empty(t, b.Requests())
		require.Positive(t, b.Observer.Forgotten())
	}, builders.JobCluster("a"))
}
