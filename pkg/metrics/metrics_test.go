package metrics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/util/workqueue"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, recorder.Code)
	return recorder.Body.String()
}

func TestCounters(t *testing.T) {
	t.Parallel()
	m := New()
	m.SyncDone("cluster", "success", 20*time.Millisecond)
	m.SyncDone("cluster", ResultPanic, time.Millisecond)
	m.StatusWritten("Cluster")
	m.StatusConflict("Control")
	m.OwnershipViolated("Savepoint")
	m.PollDone(true, time.Millisecond, 0)
	m.PollDone(false, 5*time.Second, time.Second)
	m.EffectDone(flink.TriggerSavepoint, flink.OutcomeAccepted, time.Millisecond)
	m.SavepointEnded(v1beta1.SavepointReasonUserRequested, v1beta1.SavepointStateSucceeded)
	m.SavepointDisposed(false)
	m.SavepointDisposed(true)
	m.SetLeader(true)

	text := scrape(t, m)
	for _, line := range []string{
		`flink_operator_syncs_total{controller="cluster",result="success"} 1`,
		`flink_operator_syncs_total{controller="cluster",result="panic"} 1`,
		`flink_operator_sync_panics_total{controller="cluster"} 1`,
		`flink_operator_sync_duration_seconds_count{controller="cluster"} 2`,
		`flink_operator_status_writes_total{owner="Cluster"} 1`,
		`flink_operator_status_conflicts_total{owner="Control"} 1`,
		`flink_operator_status_ownership_violations_total{owner="Savepoint"} 1`,
		`flink_operator_flink_polls_total{outcome="ok"} 1`,
		`flink_operator_flink_polls_total{outcome="error"} 1`,
		`flink_operator_flink_effects_total{effect="TriggerSavepoint",outcome="Accepted"} 1`,
		`flink_operator_flink_poll_duration_seconds_sum 5.001`,
		`flink_operator_flink_poll_lateness_seconds_sum 1`,
		`flink_operator_flink_effect_duration_seconds_count 1`,
		`flink_operator_savepoints_total{reason="user requested",result="Succeeded"} 1`,
		`flink_operator_savepoint_disposals_total{result="Disposed"} 1`,
		`flink_operator_savepoint_disposals_total{result="Retained"} 1`,
		`flink_operator_leader 1`,
		`flink_operator_build_info{version="dev"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.Contains(t, text, "\ngo_goroutines ")
	require.Contains(t, text, "\nprocess_resident_memory_bytes ")

	m.SetLeader(false)
	require.Contains(t, scrape(t, m), "\nflink_operator_leader 0\n")
}

// Two operators in one process, as in tests, have nothing in common.
func TestNoGlobalRegistry(t *testing.T) {
	t.Parallel()
	first, second := New(), New()
	first.StatusWritten("Cluster")
	require.NotContains(t, scrape(t, second), "status_writes_total{")
}

func TestWorkqueueProvider(t *testing.T) {
	t.Parallel()
	m := New()
	queue := workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.DefaultTypedControllerRateLimiter[string](),
		workqueue.TypedRateLimitingQueueConfig[string]{Name: "cluster", MetricsProvider: m.WorkqueueProvider()})
	t.Cleanup(queue.ShutDown)
	queue.Add("a")
	queue.Add("b")
	key, _ := queue.Get()
	queue.Done(key)

	text := scrape(t, m)
	require.Contains(t, text, `workqueue_depth{name="cluster"} 1`)
	require.Contains(t, text, `workqueue_adds_total{name="cluster"} 2`)
	require.Contains(t, text, `workqueue_work_duration_seconds_count{name="cluster"} 1`)
	require.Contains(t, text, `workqueue_retries_total{name="cluster"} 0`)
	require.Equal(t, 1, strings.Count(text, "# HELP workqueue_depth "))
}
