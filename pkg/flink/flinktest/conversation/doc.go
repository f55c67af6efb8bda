// Package conversation holds the model of a JobManager against a real one: a script of requests with the situations
// in which they are made, a player that works with either of the two, recordings of what a real JobManager answered,
// and the comparison of two of them.
//
// It knows neither the model nor Kubernetes. The tests of flinktest play the script with the model and compare with
// the recordings; the tests of pkg/integration/cluster play it with both and renew the recordings.
package conversation
