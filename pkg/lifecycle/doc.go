// Package lifecycle is the brain: from what is recorded, what is wanted and what is seen it decides what the status
// shall say, which objects shall exist, what Flink shall be asked to do and when to look again.
//
// Every function is pure. The package imports the API types, Flink's vocabulary (pkg/flink) and apimachinery's value
// types; it imports no client-go, no klog and no net/http, does no input or output, and never asks the clock: the
// time is an argument. Nothing here mutates its arguments.
//
// Where to begin: job.go holds the life of the job, run by run; restart.go and checkpoint.go what follows a failure;
// transition.go, upgrade.go, rollback.go and delete.go how a run is stopped for another one, or for good; metadata.go how it
// goes on with high availability; savepoint.go, schedule.go and retention.go the savepoints; control.go the requests made by
// annotation; cluster.go puts one pass of the cluster loop together.
package lifecycle
