package lifecycle

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// Resolution says which spec of a cluster is in force.
type Resolution struct {
	// Cluster is the cluster with its defaults set and the spec in force. Without a Revision nothing is in force.
	Cluster *v1beta1.FlinkCluster
	// Revision names the accepted spec; NextRevision the wanted one, if it is valid and needs an upgrade, which Changed names
	// the fields of.
	Revision     string
	NextRevision string
	Changed      []string
	// Next is the spec of NextRevision, nil if there is none.
	Next *v1beta1.FlinkClusterSpec
	// Problem is nil if the wanted spec is valid.
	Problem *SpecProblem
}

// RevisionName names the revision of a spec whose defaults are set.
func RevisionName(cluster *v1beta1.FlinkCluster) string {
	return cluster.Name + "-" + RevisionHash(&cluster.Spec)
}

// ResolveFirst decides on the first spec: it is accepted if it is valid.
func ResolveFirst(wanted *v1beta1.FlinkCluster, errs field.ErrorList) Resolution {
	if len(errs) > 0 {
		return Resolution{Cluster: wanted, Problem: invalid(errs)}
	}
	return Resolution{Cluster: wanted, Revision: RevisionName(wanted)}
}

// ResolveUnchanged is for a valid spec that asks for no upgrade: it has the name of the revision in force.
func ResolveUnchanged(wanted *v1beta1.FlinkCluster, revision string) Resolution {
	return Resolution{Cluster: wanted, Revision: revision}
}

// ResolveChanged decides on a spec that is invalid or asks for an upgrade: the accepted spec stays in force until the upgrade
// is made, with the live fields of the wanted one where those are valid. The status names what is not.
func ResolveChanged(wanted *v1beta1.FlinkCluster, accepted *v1beta1.FlinkClusterSpec, errs field.ErrorList,
	valid func(*v1beta1.FlinkCluster) bool,
) Resolution {
	resolution := Resolution{Cluster: wanted.DeepCopy(), Revision: wanted.Status.Revision.Current, Problem: invalid(errs)}
	resolution.Cluster.Spec = *InForce(accepted, &wanted.Spec)
	if job := resolution.Cluster.Spec.Job; job != nil && accepted.Job != nil && !valid(resolution.Cluster) {
		// They may need a directory that the accepted spec does not name. The other fields are not held up by that, perhaps for
		// long: after a rollback.
		job.UpgradeMode, job.AutoSavepointSeconds = accepted.Job.UpgradeMode, accepted.DeepCopy().Job.AutoSavepointSeconds
	}
	if !valid(resolution.Cluster) {
		resolution.Cluster.Spec = *accepted.DeepCopy()
	}
	if resolution.Problem != nil {
		return resolution
	}
	// Without a changed field it is another way to write the same, as after an upgrade of the operator.
	if resolution.Changed = ChangedFields(accepted, &wanted.Spec); len(resolution.Changed) > 0 {
		resolution.NextRevision, resolution.Next = RevisionName(wanted), wanted.Spec.DeepCopy()
	}
	return resolution
}

func invalid(errs field.ErrorList) *SpecProblem {
	if len(errs) == 0 {
		return nil
	}
	messages := make([]string, len(errs))
	for i, err := range errs {
		messages[i] = err.Error()
	}
	return &SpecProblem{Message: strings.Join(messages, "; ")}
}
