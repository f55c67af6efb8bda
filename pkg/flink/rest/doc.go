// Package rest talks to the REST API of one Flink JobManager at a time: a handful of questions and three effects.
//
// It imports the standard library and pkg/flink only. A JobManager runs its tenant's code, so every answer is taken as
// hostile: size, time, redirects, ids and texts are bounded or checked here and nowhere else. It must never retry
// (the observer's schedule is the retry), never keep state about a cluster and never decide what an answer means
// for a FlinkCluster.
//
// Facts about the API are those of Flink 1.14 to 2.x
// (https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/rest_api/).
package rest
