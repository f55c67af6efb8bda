package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/util/workqueue"
)

// queueProvider hands the metrics of a work queue to client-go, by the name of the queue: cluster, savepoint, control.
type queueProvider struct {
	depth          *prometheus.GaugeVec
	adds           *prometheus.CounterVec
	latency        *prometheus.HistogramVec
	workDuration   *prometheus.HistogramVec
	unfinished     *prometheus.GaugeVec
	longestRunning *prometheus.GaugeVec
	retries        *prometheus.CounterVec
}

var _ workqueue.MetricsProvider = &queueProvider{}

// WorkqueueProvider gives a queue its metrics.
func (m *Metrics) WorkqueueProvider() workqueue.MetricsProvider {
	return m.queues
}

func newQueueProvider() *queueProvider {
	labels := []string{"name"}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "workqueue_" + name, Help: help}, labels)
	}
	count := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "workqueue_" + name, Help: help}, labels)
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		buckets := prometheus.ExponentialBuckets(0.0001, 6, 8) // 0.1 ms .. 28 s
		return prometheus.NewHistogramVec(
			prometheus.HistogramOpts{Name: "workqueue_" + name, Help: help, Buckets: buckets}, labels)
	}
	return &queueProvider{
		depth:          gauge("depth", "Keys that wait for a worker."),
		adds:           count("adds_total", "Keys added to the queue."),
		latency:        histogram("queue_duration_seconds", "How long keys waited for a worker."),
		workDuration:   histogram("work_duration_seconds", "How long workers worked on a key."),
		unfinished:     gauge("unfinished_work_seconds", "Time spent so far on the keys that are being worked on, added up."),
		longestRunning: gauge("longest_running_processor_seconds", "Time spent so far on the key that takes longest."),
		retries:        count("retries_total", "Keys added with a delay."),
	}
}

func (p *queueProvider) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		p.depth, p.adds, p.latency, p.workDuration, p.unfinished, p.longestRunning, p.retries,
	}
}

// NewDepthMetric is part of workqueue.MetricsProvider, as are all below.
func (p *queueProvider) NewDepthMetric(name string) workqueue.GaugeMetric {
	return p.depth.WithLabelValues(name)
}

func (p *queueProvider) NewAddsMetric(name string) workqueue.CounterMetric {
	return p.adds.WithLabelValues(name)
}

func (p *queueProvider) NewLatencyMetric(name string) workqueue.HistogramMetric {
	return p.latency.WithLabelValues(name)
}

func (p *queueProvider) NewWorkDurationMetric(name string) workqueue.HistogramMetric {
	return p.workDuration.WithLabelValues(name)
}

func (p *queueProvider) NewUnfinishedWorkSecondsMetric(name string) workqueue.SettableGaugeMetric {
	return p.unfinished.WithLabelValues(name)
}

func (p *queueProvider) NewLongestRunningProcessorSecondsMetric(name string) workqueue.SettableGaugeMetric {
	return p.longestRunning.WithLabelValues(name)
}

func (p *queueProvider) NewRetriesMetric(name string) workqueue.CounterMetric {
	return p.retries.WithLabelValues(name)
}
