package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func service(edit func(*corev1.Service)) *corev1.Service {
	made := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "a-jobmanager", Namespace: "default", Labels: map[string]string{"cluster": "a"}},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"component": "jobmanager"},
			Ports:    []corev1.ServicePort{{Name: "ui", Port: 8081, TargetPort: intstr.FromString("ui")}},
		},
	}
	edit(made)
	return made
}

// A child that has all that is wanted costs no request, whatever the API server and others have added to it.
func TestContains(t *testing.T) {
	wanted, err := step{kind: kindService, desired: func() (any, error) { return service(func(*corev1.Service) {}), nil }}.applyBody()
	require.NoError(t, err)
	for name, test := range map[string]struct {
		edit func(*corev1.Service)
		want bool
	}{
		"the same":             {func(*corev1.Service) {}, true},
		"defaults added":       {func(s *corev1.Service) { s.Spec.ClusterIP, s.Spec.Type = "10.0.0.1", corev1.ServiceTypeClusterIP }, true},
		"another label added":  {func(s *corev1.Service) { s.Labels["theirs"] = "yes" }, true},
		"an annotation added":  {func(s *corev1.Service) { s.Annotations = map[string]string{"theirs": "yes"} }, true},
		"metadata filled":      {func(s *corev1.Service) { s.UID, s.ResourceVersion, s.Generation = "u", "7", 3 }, true},
		"protocol defaulted":   {func(s *corev1.Service) { s.Spec.Ports[0].Protocol = corev1.ProtocolTCP }, true},
		"our label changed":    {func(s *corev1.Service) { s.Labels["cluster"] = "b" }, false},
		"our label removed":    {func(s *corev1.Service) { s.Labels = nil }, false},
		"port changed":         {func(s *corev1.Service) { s.Spec.Ports[0].Port = 80 }, false},
		"port added":           {func(s *corev1.Service) { s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Port: 1}) }, false},
		"ports removed":        {func(s *corev1.Service) { s.Spec.Ports = nil }, false},
		"selector removed":     {func(s *corev1.Service) { s.Spec.Selector = nil }, false},
		"target port retyped":  {func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromInt32(8081) }, false},
		"made for another one": {func(s *corev1.Service) { s.Name = "b-jobmanager" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			inForm, err := contains(service(test.edit), wanted)
			require.NoError(t, err)
			require.Equal(t, test.want, inForm)
		})
	}
}

// What is wanted to be empty says nothing: server-side apply would not change it either.
func TestCoversEmptyValues(t *testing.T) {
	require.True(t, covers(nil, map[string]any{}))
	require.True(t, covers(nil, []any{}))
	require.True(t, covers(map[string]any{"a": int64(1)}, nil))
	require.False(t, covers([]any{int64(1)}, []any{}))
	require.False(t, covers("text", map[string]any{"a": int64(1)}))
	require.False(t, covers("text", []any{"text"}))
}
