package resources

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// mergeTemplates lays pod templates over each other, the first one lowest, as kubectl's strategic merge does:
// objects field by field, lists by the key that Kubernetes gives them (containers, volumes and variables by name,
// mounts by path, ports by number), other lists as a whole. A null takes away what lies below.
func mergeTemplates(layers ...[]byte) (corev1.PodTemplateSpec, error) {
	var merged corev1.PodTemplateSpec
	document := []byte("{}")
	for _, layer := range layers {
		if len(layer) == 0 {
			continue
		}
		next, err := strategicpatch.StrategicMergePatch(document, layer, corev1.PodTemplateSpec{})
		if err != nil {
			return merged, fmt.Errorf("merging pod templates: %w", err)
		}
		document = next
	}
	if err := json.Unmarshal(document, &merged); err != nil {
		return merged, fmt.Errorf("merging pod templates: %w", err)
	}
	return merged, nil
}

// arrange makes the main container the first one, which tools take when no container is named, and drops the other
// component's: spec.podTemplate may speak of both.
func arrange(containers []corev1.Container, main string) []corev1.Container {
	var first, others []corev1.Container
	for _, container := range containers {
		switch container.Name {
		case main:
			first = append(first, container)
		case v1beta1.ComponentJobManager, v1beta1.ComponentTaskManager:
		default:
			others = append(others, container)
		}
	}
	return append(first, others...)
}
