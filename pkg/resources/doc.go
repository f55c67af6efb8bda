// Package resources turns a FlinkCluster into the Kubernetes objects it wants: one ConfigMap, the JobManager's
// Service, its Job (application) or StatefulSet (session cluster), and the StatefulSet of the TaskManagers.
//
// It is pure: the same Input gives the same bytes, so an object may be rendered again at any time and compared or
// sent by server-side apply. Only fields that are meant are set. What users write reaches a process byte for byte,
// as arguments and never through a shell.
//
// It may import the API types, k8s.io/api, k8s.io/apimachinery and the standard library. It must never talk to an
// API server or to Flink, read a clock or a file, log, or decide when something is created or deleted.
package resources
