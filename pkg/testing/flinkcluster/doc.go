// Package flinkcluster runs FlinkClusters with a real Flink on a real Kubernetes, for tests and benchmarks: it deploys
// the operator from its manifest, gives each test a namespace and a folder for snapshots, reads Flink through the
// API server's proxy, and keeps logs and objects of what failed.
//
// It may import client-go and the generated client, and knows nothing of the operator's code: it does what a user
// with kubectl could do. What a user types, it types too, with the real kubectl.
package flinkcluster
