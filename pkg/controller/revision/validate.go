package revision

import (
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// validate holds all rules of a spec: those of the API, those of the pod templates, which the schema leaves open, and
// that the objects can be made from it.
func validate(cluster *v1beta1.FlinkCluster) field.ErrorList {
	errs := append(v1beta1.Validate(cluster), resources.ValidatePodTemplates(&cluster.Spec)...)
	errs = append(errs, resources.ValidateHighAvailability(&cluster.Spec)...)
	if len(errs) > 0 {
		return errs
	}
	for _, err := range trial(cluster) {
		if err != nil {
			errs = append(errs, field.Forbidden(field.NewPath("spec"), err.Error()))
		}
	}
	return errs
}

// trial makes the objects of a run that is never started.
func trial(cluster *v1beta1.FlinkCluster) []error {
	input := resources.Input{Cluster: cluster, FlinkVersion: resources.FlinkVersion(&cluster.Spec)}
	_, configMapErr := resources.ConfigMap(input)
	var jobManagerErr error
	if cluster.Spec.Job != nil {
		input.Run = &resources.Run{}
	}
	if cluster.Spec.Job != nil && !cluster.Spec.HighAvailability() {
		_, jobManagerErr = resources.JobManagerJob(input)
	} else {
		_, jobManagerErr = resources.JobManagerStatefulSet(input)
	}
	_, taskManagerErr := resources.TaskManagerStatefulSet(input)
	return []error{configMapErr, jobManagerErr, taskManagerErr}
}

// verdict is what was found about one generation of a spec, which never changes.
type verdict struct {
	cluster    types.UID
	generation int64
	errs       field.ErrorList
	// revision is the name that the spec has as a revision.
	revision string
}

// judged validates and names each generation of a spec once.
func (s *Store) judged(cluster *v1beta1.FlinkCluster) verdict {
	key := cache.MetaObjectToName(cluster)
	s.mutex.Lock()
	known, isKnown := s.verdicts[key]
	s.mutex.Unlock()
	if isKnown && known.cluster == cluster.UID && known.generation == cluster.Generation {
		return known
	}
	found := verdict{
		cluster: cluster.UID, generation: cluster.Generation, errs: validate(cluster), revision: lifecycle.RevisionName(cluster),
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.verdicts[key] = found
	return found
}
