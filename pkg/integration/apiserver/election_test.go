//go:build apiserver

package apiserver

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/flink-operator/flink-operator/cmd/flink-operator/app"
	"github.com/flink-operator/flink-operator/cmd/flink-operator/app/options"
	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// A replica that stands by asks for the lease every 2 to 4.4 seconds (retryPeriod with the elector's jitter).
const takeOverLimit = 6 * time.Second

func TestLeaderHandsOver(t *testing.T) {
	m := startMachinery(t)
	first := startOperator(t, m)
	first.waitToLead(t, waitLimit)
	second := startOperator(t, m)
	// A replica that stands by is ready too, or its Deployment would never be complete.
	eventually(t, waitLimit, "the second to be ready", func(ctx context.Context) (bool, any) { return second.get(ctx, "/readyz") != "", nil })
	applyManifest(t, m.namespace, countingJob("counter"))
	job := m.waitForSettled(t, "counter").Status.Components.Job
	require.False(t, second.leads(t.Context()))
	require.Equal(t, first.identity, holder(t))

	stopped := time.Now()
	first.stop(t)
	released := time.Now()
	second.waitToLead(t, waitLimit)
	t.Logf("stopped within %s, taken over %s later", released.Sub(stopped).Round(time.Millisecond), time.Since(released).Round(time.Millisecond))
	require.Less(t, time.Since(released), takeOverLimit)
	require.Equal(t, second.identity, holder(t))

	cluster := m.control(t, "counter", v1beta1.ControlSavepoint)
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	require.Equal(t, job.ID, cluster.Status.Components.Job.ID)
	second.stop(t)
	require.Empty(t, holder(t))
}

// A leader that cannot reach the API server any more gives up before its lease has expired, and another takes over
// when it has.
func TestLeaderIsCutOff(t *testing.T) {
	m := startMachinery(t)
	wire := &wire{}
	first := startOperator(t, m, func(_ *options.Config, client *rest.Config) {
		client.Wrap(func(next http.RoundTripper) http.RoundTripper { return wire.to(next) })
	})
	first.waitToLead(t, waitLimit)
	applyManifest(t, m.namespace, countingJob("counter"))
	job := m.waitForSettled(t, "counter").Status.Components.Job
	second := startOperator(t, m)

	wire.cut.Store(true)
	cut := time.Now()
	second.waitToLead(t, time.Minute)
	t.Logf("taken over %s after the cut", time.Since(cut).Round(time.Millisecond))
	// By then the first has ended itself; Kubernetes starts it again.
	select {
	case <-first.ended:
	default:
		require.Fail(t, "two leaders")
	}
	require.ErrorIs(t, first.err, app.ErrLeaseLost)
	cluster := m.control(t, "counter", v1beta1.ControlSavepoint)
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	require.Equal(t, job.ID, cluster.Status.Components.Job.ID)
}

func (o *operator) waitToLead(t *testing.T, limit time.Duration) {
	t.Helper()
	eventually(t, limit, o.identity+" to lead", func(ctx context.Context) (bool, any) { return o.leads(ctx), nil })
}

// holder is who has the lease.
func holder(t *testing.T) string {
	t.Helper()
	lease, err := kubeClient(t).CoordinationV1().Leases(operatorNamespace).Get(t.Context(), app.LeaseName, metav1.GetOptions{})
	require.NoError(t, err)
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// wire leads to the API server until it is cut.
type wire struct{ cut atomic.Bool }

func (w *wire) to(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if w.cut.Load() {
			return nil, errors.New("the wire is cut")
		}
		return next.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
