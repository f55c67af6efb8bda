// Package apiserver holds the tests against a real kube-apiserver and etcd: the CRD and its rules, the roles, and the
// whole program, as the service account it is shipped with. hack/test-apiserver.sh runs them (build tag apiserver).
//
// Nothing but an API server is real here: a small cluster in the test plays the workload controllers, the garbage
// collector and the kubelet, and flinktest the JobManagers.
package apiserver
