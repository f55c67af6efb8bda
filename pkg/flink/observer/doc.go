// Package observer keeps one flink.Observation for each cluster, shaped like an informer: it polls the JobManagers
// beside the work queues, and calls Notify when the meaning of what it knows changed. It also carries out effects
// (savepoint, stop, cancel), so that no worker ever waits for Flink.
//
// It may import pkg/flink, klog and the clock; the REST client is handed in. It must never write to Kubernetes,
// decide what an observation means for a FlinkCluster, or do anything but bookkeeping while holding its mutex.
//
// One goroutine (Run) holds the timer. It starts a goroutine for each poll and each effect that is due, within
// separate bounds, so that polls never delay an effect and an idle cluster costs one record and no goroutine. A
// record belongs to one target: another UID, base URL or job id gets a new record, and what was on its way for the
// old one is cancelled and its answer dropped.
package observer
