// Package cluster is the loop that owns a cluster's objects and the life of its job: it makes, mends and removes the
// children, starts each run of the job, follows it, and restarts it by its policy.
//
// It may import lifecycle, resources, the view and the queue. It never waits for Flink and never imports another loop.
package cluster
