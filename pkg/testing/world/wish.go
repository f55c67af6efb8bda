package world

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// wish is what a user has written.
type wish struct {
	at  time.Time
	job *v1beta1.JobSpec
}

// wished remembers a spec. What a run starts from was decided on a spec that may have been replaced since.
func (w *World) wished(cluster *v1beta1.FlinkCluster) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.wishes[cluster.Name] = append(w.wishes[cluster.Name], wish{at: time.Now(), job: cluster.Spec.DeepCopy().Job})
}

// wishesSince returns the specs that were wanted at a time or later.
func (w *World) wishesSince(cluster string, since time.Time) []*v1beta1.JobSpec {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var found []*v1beta1.JobSpec
	all := w.wishes[cluster]
	for i, wish := range all {
		replaced := i+1 < len(all) && all[i+1].at.Before(since)
		if wish.job != nil && !replaced {
			found = append(found, wish.job)
		}
	}
	return found
}

// discarded is what a user has thrown away of one cluster.
type discarded struct {
	uid       types.UID
	locations []string
	// redeployed is the last nonce that a redeployment has served.
	redeployed *int64
}

// startedBy returns the transition that the recorded run begins with, nil if it begins in another way.
func startedBy(job *v1beta1.JobStatus) *v1beta1.JobTransition {
	if job.Transition == nil || job.Transition.Attempt != job.Attempt-1 {
		return nil
	}
	return job.Transition
}

// discards says whether a run that begins may throw the state of before away, and does. It is noted here, from what users
// have written, and not taken from the status: then none of it may be used again.
func (w *World) discards(cluster *v1beta1.FlinkCluster, restore string, known []string) bool {
	job := cluster.Status.Components.Job
	may := w.mayDiscard(cluster)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	mine := w.discarded[cluster.Name]
	if mine.uid != cluster.UID {
		mine = discarded{uid: cluster.UID}
	}
	mine.redeployed = job.ObservedSavepointRedeployNonce
	mine.locations = slices.DeleteFunc(mine.locations, func(location string) bool { return location == cluster.Spec.Job.FromSavepoint })
	does := may && (restore == "" || restore == cluster.Spec.Job.FromSavepoint)
	if does {
		mine.locations = append(mine.locations, slices.DeleteFunc(slices.Clone(known), func(location string) bool { return location == restore })...)
	}
	w.discarded[cluster.Name] = mine
	return does
}

// mayDiscard: by another savepointRedeployNonce, or by upgradeMode stateless in a transition; one that was suspended in that
// mode is resumed in it, too. A rollback throws nothing away.
func (w *World) mayDiscard(cluster *v1beta1.FlinkCluster) bool {
	transition := startedBy(cluster.Status.Components.Job)
	if transition == nil || transition.Purpose == v1beta1.TransitionRollBack {
		return false
	}
	if transition.Purpose == v1beta1.TransitionResume && transition.Mode == v1beta1.UpgradeModeStateless {
		return true
	}
	w.mutex.Lock()
	mine := w.discarded[cluster.Name]
	w.mutex.Unlock()
	return slices.ContainsFunc(w.wishesSince(cluster.Name, transition.StartTime.Time), func(spec *v1beta1.JobSpec) bool {
		nonce := spec.SavepointRedeployNonce
		redeploys := nonce != nil && (mine.uid != cluster.UID || mine.redeployed == nil || *mine.redeployed != *nonce)
		return redeploys || spec.UpgradeMode == v1beta1.UpgradeModeStateless
	})
}

// thrownAway returns the snapshots that must not be used again.
func (w *World) thrownAway(cluster *v1beta1.FlinkCluster) []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if mine := w.discarded[cluster.Name]; mine.uid == cluster.UID {
		return slices.Clone(mine.locations)
	}
	return nil
}
