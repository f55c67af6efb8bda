//go:build prove

package prove

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
)

var present = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// decide has all loops decide about a cluster: as a new one, and as one that was accepted in the form of its seed and runs.
func decide(cluster *v1beta1.FlinkCluster, errs field.ErrorList) {
	decideOn(lifecycle.ResolveFirst(cluster.DeepCopy(), errs), 3)
	accepted := builders.SessionCluster(cluster.Name)
	if cluster.Spec.Job != nil {
		accepted = builders.JobCluster(cluster.Name, builders.RunningJob(1, present.Add(-time.Hour)))
	}
	running := cluster.DeepCopy()
	running.Status = accepted.Status
	running.Status.Revision.Current = lifecycle.RevisionName(accepted)
	decideOn(lifecycle.ResolveChanged(running, &accepted.Spec, errs, func(candidate *v1beta1.FlinkCluster) bool {
		return len(v1beta1.Validate(candidate)) == 0
	}), 3)
}

// decideOn makes some passes of each loop.
func decideOn(resolution lifecycle.Resolution, passes int) {
	cluster := resolution.Cluster
	for range passes {
		observed := flink.Observation{}
		if job := cluster.Status.Components.Job; job != nil {
			observed = flink.Observation{
				JobID: job.ID, Reachable: true, AnsweredAt: present, Version: "2.1.3",
				Job: &flink.Job{ID: job.ID, Status: flink.JobRunning, RunningTasks: 1, TotalTasks: 1},
			}
		}
		cluster.Status = lifecycle.DecideCluster(lifecycle.ClusterInput{
			Cluster: cluster, Revision: resolution.Revision, NextRevision: resolution.NextRevision, Problem: resolution.Problem,
			Observation: observed, Now: present,
		}).Status
		cluster.Status = lifecycle.DecideSavepoint(lifecycle.SavepointInput{Cluster: cluster, Observation: observed, Now: present}).Status
		cluster.Status = lifecycle.DecideControl(lifecycle.ControlInput{Cluster: cluster, Observation: observed, Now: present}).Status
		lifecycle.WatchFor(cluster)
	}
}
