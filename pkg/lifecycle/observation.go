package lifecycle

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// Children is what is seen of the Kubernetes objects of one cluster. Only objects that the cluster owns count.
type Children struct {
	ConfigMap   Object
	Service     Object
	JobManager  Workload
	TaskManager Workload
	Pods        []Pod
	// ServiceAccount, Role and RoleBinding are what the pods of a cluster with high availability run as.
	ServiceAccount, Role, RoleBinding Object
	// Confirmed says that JobManager and Pods were read from the API server. A view that is behind shows nothing of what was
	// made a moment ago, and so looks as if it had gone.
	Confirmed bool
	// Metadata is that of high availability; nil if it was not looked at.
	Metadata *Metadata
	// Foreign names the objects that bear the name of a child and belong to somebody else, as "ConfigMap/name".
	Foreign []string
	// Orphaned says that a workload of the cluster does not belong to it any more, or to anybody else.
	Orphaned bool
	// Refused tells which objects the API server refused to make or change, and why.
	Refused []string
}

// Object is what is seen of one child.
type Object struct {
	Exists   bool
	Deleting bool
	// DeletedAt is when the deletion began.
	DeletedAt time.Time
	// UID tells it from another one of the same name.
	UID types.UID
}

// Workload is what is seen of a Job or StatefulSet.
type Workload struct {
	Object
	// Attempt is the run that it was made for; in a session cluster the rollout.
	Attempt int32
	// Replicas is the number of pods wanted.
	Replicas int32
	// Ended says that a Job has finished or failed.
	Ended bool
	// Restarting says that its pods start anew in their place: it is a StatefulSet and not a Job.
	Restarting bool
}

// Pod is what is seen of a JobManager or TaskManager pod.
type Pod struct {
	Name string
	// Component is "jobmanager" or "taskmanager".
	Component string
	Attempt   int32
	Ready     bool
	Deleting  bool
	// GoneBy is when a pod that is being deleted has to have ended; zero if that is not known.
	GoneBy time.Time
	// Loose says that it belongs to no workload any more: nobody removes it.
	Loose bool
	// Terminated says that none of its containers runs any more.
	Terminated bool
	// ExitCode, Reason and Message are those of the main container's end, or of the pod's (such as Evicted).
	ExitCode *int32
	Reason   string
	Message  string
	// Restarts is how often its main container was started anew. ExitCode, Reason and Message then tell of the last end.
	Restarts int32
	// Waiting says why the pod does not run yet, in a form for people; empty if it runs.
	Waiting string
}

// succeeded says whether the process ended by itself and well. Flink's JobManager does so when its job finished or was
// cancelled: in 1.14 always, later if execution.shutdown-on-application-finish is set.
func (p *Pod) succeeded() bool {
	return p != nil && p.Terminated && !p.Deleting && p.ExitCode != nil && *p.ExitCode == 0 && (p.Reason == "" || p.Reason == "Completed")
}

// live returns the pods that still run or may run, as far as the filter accepts them.
func (c Children) live(accept func(Pod) bool) []Pod {
	return slices.DeleteFunc(slices.Clone(c.Pods), func(pod Pod) bool { return pod.Terminated || !accept(pod) })
}

func (c Children) ready(component string, attempt int32) int32 {
	return int32(len(c.live(func(pod Pod) bool {
		return pod.Component == component && pod.Attempt == attempt && pod.Ready && !pod.Deleting
	})))
}

// jobManagerPod returns the JobManager pod of a run: the live one if there is one, else one that has ended.
func (c Children) jobManagerPod(attempt int32) *Pod {
	var found *Pod
	for i := range c.Pods {
		pod := &c.Pods[i]
		if pod.Component != v1beta1.ComponentJobManager || pod.Attempt != attempt {
			continue
		}
		if found == nil || found.Terminated {
			found = pod
		}
	}
	return found
}

// clearFor says whether nothing of another run is left, so that the run may begin: two runs at once would both
// write to the job's sinks.
func (c Children) clearFor(attempt int32) bool {
	of := func(workload Workload) bool { return workload.Exists && workload.Attempt != attempt }
	return !of(c.JobManager) && !of(c.TaskManager) && !c.JobManager.Deleting && !c.TaskManager.Deleting &&
		len(c.live(func(pod Pod) bool { return pod.Attempt != attempt })) == 0
}

// ClearFor says whether nothing of another run is left.
func (c Children) ClearFor(attempt int32) bool {
	return c.clearFor(attempt)
}

// ClearToStart says whether the JobManager of a run may be made: nothing of another run is left, and nothing of this one is
// there.
func (c Children) ClearToStart(attempt int32) bool {
	return c.clearFor(attempt) && !c.JobManager.Exists && c.jobManagerPod(attempt) == nil
}

// Workloads says whether there is a workload that could be removed.
func (c Children) Workloads() bool {
	return c.JobManager.Exists && !c.JobManager.Deleting || c.TaskManager.Exists && !c.TaskManager.Deleting
}

// JobManagerLeaving says whether a JobManager pod is being deleted and still runs.
func (c Children) JobManagerLeaving() bool {
	return len(c.live(func(pod Pod) bool { return pod.Component == v1beta1.ComponentJobManager && pod.Deleting })) > 0
}
