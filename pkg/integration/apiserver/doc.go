// Package apiserver holds the tests against a real kube-apiserver and etcd: the CRD and its rules, the roles, and the
// whole program, as the service account it is shipped with. hack/test-apiserver.sh runs them (build tag apiserver).
//
// Nothing but an API server is real here: a small machinery in the test plays the workload controllers, the garbage
// collector and the kubelet, and flinktest the JobManagers.
//
// All tests share one API server, and all operators one service account and one lease. So tests that run an operator
// run alone, but for the long one that watches a cluster at rest: it runs beside those that need no operator.
package apiserver
