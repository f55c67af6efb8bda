//go:build prove

package prove

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// provenSoon returns the revision that a job runs and that has not proved itself yet, which it will; empty if there is none.
func provenSoon(w *world.World) string {
	found := cluster(w)
	revision := found.Status.Revision
	if found.Spec.Job == nil || found.Status.Components.Job.State != v1beta1.JobStateRunning || revision.Stable == revision.Current {
		return ""
	}
	return revision.Current
}

// imageOf returns the image of a revision, which has to be there as long as the status names it.
func imageOf(w *world.World, revision string) string {
	stored := fixture.Get[appsv1.ControllerRevision](w.T(), w.API, builders.Namespace, revision)
	if stored == nil {
		w.Violate(oracleHonest, "the status names the revision %q, which is gone", revision)
		return ""
	}
	var spec v1beta1.FlinkClusterSpec
	if err := json.Unmarshal(stored.Data.Raw, &spec); err != nil {
		w.Violate(oracleHonest, "the revision %s cannot be read: %v", revision, err)
	}
	return spec.Image.Name
}

// judgeRollback: an upgrade is taken back only where the user allows it, to a revision that was stable, while the spec asks
// for the one that failed; and nobody is told that this one is ready.
func judgeRollback(w *world.World, found *v1beta1.FlinkCluster) {
	revision, wanted := found.Status.Revision, found.DeepCopy()
	v1beta1.SetDefaults(wanted)
	switch {
	case !found.Spec.Rollback.Enabled:
		w.Violate(oracleHonest, "the upgrade to %s is rolled back, and rollback is not enabled", revision.Failed)
	case revision.Failed != lifecycle.RevisionName(wanted):
		w.Violate(oracleHonest, "the revision %s is told to have failed, and the spec asks for %s", revision.Failed, lifecycle.RevisionName(wanted))
	case revision.Stable == "" || revision.Stable == revision.Failed || revision.Current != revision.Stable:
		w.Violate(oracleHonest, "%s is in force after a rollback; %s failed and %s was stable", revision.Current, revision.Failed, revision.Stable)
	case revision.FailureReason == "":
		w.Violate(oracleHonest, "nobody tells why %s failed", revision.Failed)
	}
	ready := meta.FindStatusCondition(found.Status.Conditions, v1beta1.ConditionReady)
	if ready.Status == "True" && ready.ObservedGeneration >= found.Generation {
		w.Violate(oracleHonest, "generation %d is told to be ready, and what runs is older", ready.ObservedGeneration)
	}
}
