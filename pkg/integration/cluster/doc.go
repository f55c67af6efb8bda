// Package cluster tests and measures the whole program with a real Flink on a real Kubernetes (build tag cluster;
// hack/test-cluster.sh).
//
// The tests do what a user does and look at what a user sees: objects, status, events, Flink's REST API and the folder
// with the savepoints. How fast something is, is measured by the benchmarks and not tested.
package cluster
