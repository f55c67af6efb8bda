// Package metrics counts what the operator does, for Prometheus.
//
// All names begin with flink_operator_, but for the workqueue_ metrics, whose names are the ones that every dashboard
// for Kubernetes controllers knows, and the go_ and process_ metrics of the runtime. Metrics is the one place where
// metrics are defined, and the comment of each metric lists every value that its labels can have. Labels never name a
// cluster, a namespace or a job, so that the number of series does not grow with the number of clusters.
//
// It imports Prometheus' client, the interfaces of client-go's work queue, and the words of the API and of Flink. It
// must never import the loops: they declare what they count as interfaces of their own, which Metrics satisfies.
// There is no global registry.
package metrics
