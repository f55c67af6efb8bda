package revision

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
)

// question is all that the resolution of a cluster depends on: neither a generation of a spec nor a revision ever changes.
type question struct {
	cluster    types.UID
	generation int64
	current    string
	deleting   bool
}

func questionOf(cluster *v1beta1.FlinkCluster) question {
	return question{
		cluster: cluster.UID, generation: cluster.Generation, current: cluster.Status.Revision.Current, deleting: cluster.DeletionTimestamp != nil,
	}
}

// answer is the last resolution of a cluster. Of the cluster in it the spec alone counts.
type answer struct {
	question   question
	resolution lifecycle.Resolution
}

// answered returns the resolution of a cluster if it is known. The caller may change what it gets.
func (s *Store) answered(cluster *v1beta1.FlinkCluster) (lifecycle.Resolution, bool) {
	s.mutex.Lock()
	known, isKnown := s.answers[cache.MetaObjectToName(cluster)]
	s.mutex.Unlock()
	if !isKnown || known.question != questionOf(cluster) {
		return lifecycle.Resolution{}, false
	}
	return copied(known.resolution, cluster.DeepCopy()), true
}

func (s *Store) keepAnswer(cluster *v1beta1.FlinkCluster, resolution lifecycle.Resolution) {
	kept := answer{question: questionOf(cluster), resolution: copied(resolution, &v1beta1.FlinkCluster{})}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.answers[cache.MetaObjectToName(cluster)] = kept
}

// copied returns a copy of a resolution about a cluster, which gets the spec in force.
func copied(resolution lifecycle.Resolution, cluster *v1beta1.FlinkCluster) lifecycle.Resolution {
	cluster.Spec = *resolution.Cluster.Spec.DeepCopy()
	resolution.Cluster = cluster
	resolution.Changed = slices.Clone(resolution.Changed)
	resolution.Next = resolution.Next.DeepCopy()
	return resolution
}
