// Package apiserver runs a real kube-apiserver on a real etcd, for tests of what only the real ones know: the schema
// and its rules, defaults, roles, server-side apply, and who asked for what.
//
// Both run as the user of the test, on free ports of 127.0.0.1, with their files in a temporary folder. There are no
// controllers and no nodes. Every request is in the audit log, which Requests reads.
//
// It is for tests only; nothing of the program imports it. The programs are found in the folder that
// KUBE_APISERVER_BINARIES names (hack/test-apiserver.sh builds them): a test that cannot have its server fails.
package apiserver
