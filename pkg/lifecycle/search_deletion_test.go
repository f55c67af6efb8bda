package lifecycle

import (
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// deleteWith has the user delete the cluster, which the operator's finalizer keeps for now.
func deleteWith(policy v1beta1.DeletionPolicy) userStep {
	return edit("deletes the cluster, with the policy "+string(policy), func(cluster *v1beta1.FlinkCluster) {
		cluster.Spec.Job.DeletionPolicy = policy
		cluster.DeletionTimestamp, cluster.Finalizers = at(0), []string{v1beta1.Finalizer}
	})
}

func (s *search) deleting(at state) bool { return deleting(s.specs[at[partUser]]) }

// release lets the cluster go, and with it all that the operator knows of it.
func (s *search) release(at state) state {
	s.checkRelease(at)
	at[partGone] = 1
	return s.follow(at)
}

// checkRelease: while anything of the job runs, its cluster is not let go.
func (s *search) checkRelease(at state) {
	s.promise(s.deleting(at), "the cluster is let go, and nobody deletes it")
	live := s.objects(at).live(func(Pod) bool { return true })
	s.promise(len(live) == 0, "the cluster is let go, and %d pods run", len(live))
	run := jobManagerOf(s.objects(at), s.flink(at))
	s.promise(run == nil || !run.Working, "the cluster is let go, and its job runs")
}

// cancelsForDeletion says whether the job may be cancelled for a deletion: where no savepoint is wanted, or the status tells why
// there is none.
func (s *search) cancelsForDeletion(at state) bool {
	if !s.deleting(at) {
		return false
	}
	transition := s.status(at).Components.Job.Transition
	return s.specs[at[partUser]].Spec.Job.DeletionPolicy != v1beta1.DeletionPolicySavepoint || transition != nil && transition.Message != ""
}

// deletionWaited says whether a deletion has waited for the end of its job for as long as it has to: it goes on whatever Flink
// says then.
func (s *search) deletionWaited(at state) bool {
	transition := s.status(at).Components.Job.Transition
	return s.deleting(at) && transition != nil && start.Sub(transition.StartTime.Time) >= shortestDeletionWait
}

// shortestDeletionWait is the shortest time after which a deletion does not wait for the word of Flink.
const shortestDeletionWait = 30 * time.Second
