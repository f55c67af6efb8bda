package resources

import (
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func statefulSet(in Input, part component, name string, replicas *int32) (*appsv1.StatefulSet, error) {
	template, err := podTemplate(in, part)
	if err != nil {
		return nil, err
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
			// Running pods are never replaced, least of all because a newer operator writes another pod.
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType},
			Template:       template,
		},
	}, nil
}
