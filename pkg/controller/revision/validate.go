package revision

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// validate holds all rules of a spec: those of the API, and those of the pod templates, which the schema leaves open.
func validate(cluster *v1beta1.FlinkCluster) field.ErrorList {
	return append(v1beta1.Validate(cluster), resources.ValidatePodTemplates(&cluster.Spec)...)
}
