// Package world is a small Kubernetes with Flink on it, in memory and in virtual time, for tests of the operator as a
// whole: what it does, request by request, while pods die, answers are lost and operators crash.
//
// It is made of the API server of pkg/testing/fixture, a tiny kubelet that turns Jobs and StatefulSets into pods with
// a life of their own, one JobManager of pkg/flink/flinktest for each JobManager pod that runs, and any number of
// operators, each a whole scope with clients of its own. Everything happens in one testing/synctest bubble: Test makes
// both, and takes care that nothing is left running.
//
// Each request of an operator is a Call. An Injector sees every one before it is carried out and may spoil it, lose its
// answer or have the operator crash at it: so a test first learns how many calls a scenario makes and then repeats it
// with a fault at each (Nth). What really happened stands in the ledger of the JobManagers (Ledger) and in the calls
// (Calls); Summary is the state of a cluster and its objects without times, to compare the ends of two runs. If a test
// fails, the history of its world is printed.
//
// It is for tests only; nothing of the program imports it.
package world
