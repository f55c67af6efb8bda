package control_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/control"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

const (
	statusWrite = "update flinkclusters/status default/a"
	acknowledge = "patch flinkclusters default/a"
)

type bed struct {
	*world.Bed
	t    *testing.T
	loop *control.Controller
}

// inBed has a running job whose cluster is annotated with an unknown value, which is refused at once.
func inBed(t *testing.T, test func(t *testing.T, b *bed)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		api.Add(t, builders.JobCluster("a", builders.RunningJob(1, time.Now()), builders.UserControl("nonsense"),
			builders.Status(func(status *v1beta1.FlinkClusterStatus) { status.Control = nil })))
		b := &bed{Bed: world.NewBed(t, api), t: t}
		b.loop = control.New(b.Access)
		_, err := b.Access.Look(t.Context(), world.Key) // makes the revision
		require.NoError(t, err)
		b.Requests()
		test(t, b)
	})
}

func (b *bed) sync() error {
	_, err := b.loop.Sync(b.t.Context(), world.Key)
	synctest.Wait()
	return err
}

func (b *bed) stored() *v1beta1.FlinkCluster {
	return fixture.Get[v1beta1.FlinkCluster](b.t, b.API, "default", "a")
}

func down() fixture.Fault {
	return fixture.Fault{Err: apierrors.NewInternalError(errors.New("down"))}
}

// The result is stored in one pass, the annotation removed in the next; then there is nothing to do.
func TestResultBeforeAnnotation(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		require.NoError(t, b.sync())
		require.Equal(t, []string{statusWrite}, b.Requests())
		require.Equal(t, v1beta1.ControlStateFailed, b.stored().Status.Control.State)
		require.Contains(t, b.stored().Annotations, v1beta1.ControlAnnotation)
		require.NoError(t, b.sync())
		require.Equal(t, []string{acknowledge}, b.Requests())
		require.Equal(t, map[string]string{v1beta1.ControlHandledAnnotation: "1"}, b.stored().Annotations)
		require.NoError(t, b.sync())
		require.Empty(t, b.Requests())
	})
}

// Without a stored result the annotation stays.
func TestResultCannotBeStored(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.API.FailNext("update", "flinkclusters/status", down())
		require.ErrorContains(t, b.sync(), "down")
		require.Contains(t, b.stored().Annotations, v1beta1.ControlAnnotation)
		require.Nil(t, b.stored().Status.Control)
	})
}

// The answer to the write of the result may be lost: the request is not taken for a second one.
func TestAnswersAreLost(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		lost := down()
		lost.Applied = true
		b.API.FailNext("update", "flinkclusters/status", lost)
		require.Error(t, b.sync())
		require.NoError(t, b.sync())
		b.API.FailNext("patch", "flinkclusters", lost)
		require.NoError(t, b.sync(), "the annotation has gone already, or goes now")
		for range 3 {
			_ = b.sync()
		}
		require.EqualValues(t, 1, b.stored().Status.Control.Request)
		require.Equal(t, map[string]string{v1beta1.ControlHandledAnnotation: "1"}, b.stored().Annotations)
	})
}

// The annotation is removed from the version that was decided on, or not at all.
func TestAnnotationHasChanged(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		require.NoError(t, b.sync())
		remove := b.API.Intercept(func(_ context.Context, request fixture.Request) *fixture.Fault {
			if request.Verb == "patch" {
				fixture.Change(t, b.API, "default", "a", builders.UserControl("more nonsense"))
			}
			return nil
		})
		err := b.sync()
		require.True(t, apierrors.IsConflict(err), "%v", err)
		remove()
		require.Equal(t, "more nonsense", b.stored().Annotations[v1beta1.ControlAnnotation])
		for range 4 {
			require.NoError(t, b.sync())
		}
		require.EqualValues(t, 2, b.stored().Status.Control.Request)
		require.Equal(t, "more nonsense", b.stored().Status.Control.Name)
		require.Equal(t, map[string]string{v1beta1.ControlHandledAnnotation: "2"}, b.stored().Annotations)
	})
}

// A cluster that is gone, or going, is left alone.
func TestClusterIsGone(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		fixture.Delete[v1beta1.FlinkCluster](t, b.API, "default", "a")
		synctest.Wait()
		require.NoError(t, b.sync())
		require.Empty(t, b.Requests())
		require.Equal(t, 1, b.Observer.Forgotten())
	})
}

// A spec that is wrong does not keep a request from its answer.
func TestRefusesWithoutARevision(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		api.Add(t, builders.JobCluster("a", builders.UserControl("savepoint"),
			builders.Job(func(job *v1beta1.JobSpec) { job.JarFile = "https://example.com/a.jar" })))
		b := &bed{Bed: world.NewBed(t, api), t: t}
		b.loop = control.New(b.Access)
		require.NoError(t, b.sync())
		require.NoError(t, b.sync())
		require.Equal(t, v1beta1.ControlStateFailed, b.stored().Status.Control.State)
		require.NotContains(t, b.stored().Annotations, v1beta1.ControlAnnotation)
	})
}
