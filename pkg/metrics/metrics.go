package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/version"
)

const namespace = "flink_operator"

// ResultPanic is the result of a sync that panicked, which is counted on its own too.
const ResultPanic = "panic"

// Metrics holds the metrics of one operator and their registry. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	queues   *queueProvider

	syncs              *prometheus.CounterVec
	syncDuration       *prometheus.HistogramVec
	syncPanics         *prometheus.CounterVec
	statusWrites       *prometheus.CounterVec
	statusConflicts    *prometheus.CounterVec
	ownershipViolation *prometheus.CounterVec
	savepoints         *prometheus.CounterVec
	disposals          *prometheus.CounterVec
	leader             prometheus.Gauge

	flinkPolls          *prometheus.CounterVec
	flinkPollDuration   prometheus.Histogram
	flinkPollLateness   prometheus.Histogram
	flinkEffects        *prometheus.CounterVec
	flinkEffectDuration prometheus.Histogram
}

// New makes the metrics and registers them in a registry of their own.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		queues:   newQueueProvider(),

		// controller: cluster, savepoint, control.
		// result: success, requeue, conflict, error, panic, stopped (see pkg/controller/queue).
		syncs: counter("syncs_total", "Syncs of the loops, by how they ended.", "controller", "result"),
		// controller: cluster, savepoint, control.
		syncDuration: prometheus.NewHistogramVec(
			histogramOpts("sync_duration_seconds", "How long syncs of the loops took."), []string{"controller"}),
		// controller: cluster, savepoint, control.
		syncPanics: counter("sync_panics_total", "Syncs that panicked. Each is a bug of the operator.", "controller"),
		// owner: Cluster, Savepoint, Control.
		statusWrites: counter("status_writes_total", "Writes of FlinkCluster status. A cluster at rest causes none.", "owner"),
		// owner: Cluster, Savepoint, Control.
		statusConflicts: counter("status_conflicts_total",
			"Writes of FlinkCluster status that were refused because the object had changed.", "owner"),
		// owner: Cluster, Savepoint, Control.
		ownershipViolation: counter("status_ownership_violations_total",
			"Writes of status fields that belong to another loop, refused. Each is a bug of the operator.", "owner"),
		// reason: user requested, scheduled, job cancel, external.
		// result: Succeeded, Failed.
		savepoints: counter("savepoints_total", "Savepoints that ended.", "reason", "result"),
		// result: Disposed, Retained.
		disposals: counter("savepoint_disposals_total", "Savepoints that the retention gave up: disposed of, or left after several attempts.", "result"),
		leader: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace,
			Name:      "leader",
			Help:      "1 while this replica leads, else 0.",
		}),

		// outcome: ok, error.
		flinkPolls:        counter("flink_polls_total", "Looks at JobManagers by REST, by whether they answered.", "outcome"),
		flinkPollDuration: histogram("flink_poll_duration_seconds", "How long looks at JobManagers took."),
		flinkPollLateness: histogram("flink_poll_lateness_seconds", "How long looks at JobManagers waited after they were due."),
		// effect: TriggerSavepoint, StopWithSavepoint, CancelJob, DisposeSavepoint.
		// outcome: Accepted, Refused, Unknown (see pkg/flink).
		flinkEffects:        counter("flink_effects_total", "Requests to JobManagers that change something.", "effect", "outcome"),
		flinkEffectDuration: histogram("flink_effect_duration_seconds", "How long requests to JobManagers that change something took."),
	}
	m.registry.MustRegister(m.syncs, m.syncDuration, m.syncPanics, m.statusWrites, m.statusConflicts,
		m.ownershipViolation, m.savepoints, m.disposals, m.leader, buildInfo())
	m.registry.MustRegister(m.flinkPolls, m.flinkPollDuration, m.flinkPollLateness, m.flinkEffects,
		m.flinkEffectDuration)
	m.registry.MustRegister(m.queues.collectors()...)
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(histogramOpts(name, help))
}

func histogramOpts(name, help string) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help,
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 9), // 1 ms .. 65 s
	}
}

// buildInfo is always 1; its label says which build runs.
func buildInfo() prometheus.Gauge {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace:   namespace,
		Name:        "build_info",
		Help:        "Always 1; the label is the version of the operator.",
		ConstLabels: prometheus.Labels{"version": version.Version},
	})
	info.Set(1)
	return info
}

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// SyncDone counts one sync of a loop.
func (m *Metrics) SyncDone(controller, result string, duration time.Duration) {
	m.syncs.WithLabelValues(controller, result).Inc()
	m.syncDuration.WithLabelValues(controller).Observe(duration.Seconds())
	if result == ResultPanic {
		m.syncPanics.WithLabelValues(controller).Inc()
	}
}

// StatusWritten counts one write of status by the loop that owns what was changed.
func (m *Metrics) StatusWritten(owner string) {
	m.statusWrites.WithLabelValues(owner).Inc()
}

// StatusConflict counts one write of status that has to be made again on a newer object.
func (m *Metrics) StatusConflict(owner string) {
	m.statusConflicts.WithLabelValues(owner).Inc()
}

// OwnershipViolated counts one write that owner must not make.
func (m *Metrics) OwnershipViolated(owner string) {
	m.ownershipViolation.WithLabelValues(owner).Inc()
}

// PollDone counts one look at a JobManager: how long it took, and how long it was late for want of a free place.
func (m *Metrics) PollDone(answered bool, took, late time.Duration) {
	outcome := "ok"
	if !answered {
		outcome = "error"
	}
	m.flinkPolls.WithLabelValues(outcome).Inc()
	m.flinkPollDuration.Observe(took.Seconds())
	m.flinkPollLateness.Observe(late.Seconds())
}

// EffectDone counts one request to a JobManager that changes something.
func (m *Metrics) EffectDone(kind flink.EffectKind, outcome flink.Outcome, took time.Duration) {
	m.flinkEffects.WithLabelValues(string(kind), string(outcome)).Inc()
	m.flinkEffectDuration.Observe(took.Seconds())
}

// SavepointEnded counts one savepoint: why it was taken, and whether it succeeded or failed.
func (m *Metrics) SavepointEnded(reason v1beta1.SavepointReason, result v1beta1.SavepointState) {
	m.savepoints.WithLabelValues(string(reason), string(result)).Inc()
}

// SavepointDisposed counts one savepoint that the retention gave up: whether its files are gone, or could not be disposed of.
func (m *Metrics) SavepointDisposed(retained bool) {
	result := "Disposed"
	if retained {
		result = "Retained"
	}
	m.disposals.WithLabelValues(result).Inc()
}

// SetLeader says whether this replica leads.
func (m *Metrics) SetLeader(leads bool) {
	value := 0.0
	if leads {
		value = 1
	}
	m.leader.Set(value)
}
