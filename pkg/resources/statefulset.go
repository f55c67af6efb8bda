package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AnnotationProperties is on the pods of session clusters a hash of spec.flinkProperties, so that a change of them
// replaces the pods, as a change of the image does. It is made of what the user wrote: a newer operator changes nothing.
const AnnotationProperties = "flinkoperator.k8s.io/flink-properties"

func statefulSet(in Input, part component, name string, replicas *int32) (*appsv1.StatefulSet, error) {
	template, err := podTemplate(in, part)
	if err != nil {
		return nil, err
	}
	strategy := appsv1.RollingUpdateStatefulSetStrategyType
	if in.Run == nil {
		annotateProperties(&template, in.Cluster.Spec.FlinkProperties)
	} else {
		// Pods of a run are never replaced while it lasts, least of all because a newer operator writes another pod.
		strategy = appsv1.OnDeleteStatefulSetStrategyType
	}
	return &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: in.metadata(name, in.runLabels(part.name)),
		Spec: appsv1.StatefulSetSpec{
			Replicas:    new(*replicas),
			ServiceName: name,
			Selector:    &metav1.LabelSelector{MatchLabels: in.selectorLabels(part.name)},
			// All at once; a pod that does not become ready must not hold up the others, or its own correction.
			PodManagementPolicy: appsv1.ParallelPodManagement,
			UpdateStrategy:      appsv1.StatefulSetUpdateStrategy{Type: strategy},
			Template:            template,
		},
	}, nil
}

func annotateProperties(template *corev1.PodTemplateSpec, properties map[string]string) {
	if len(properties) == 0 {
		return
	}
	// The encoder sorts the names, and strings cannot fail.
	encoded, _ := json.Marshal(properties)
	hash := sha256.Sum256(encoded)
	if template.Annotations == nil {
		template.Annotations = map[string]string{}
	}
	template.Annotations[AnnotationProperties] = hex.EncodeToString(hash[:8])
}
