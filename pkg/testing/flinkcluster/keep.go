package flinkcluster

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// keep writes what is known of a failed test into a folder, and returns its path. What cannot be read is noted there
// and hinders nothing else.
func (s *Suite) keep(ctx context.Context, test, namespace string) string {
	folder, err := filepath.Abs(filepath.Join(s.artifacts, strings.ReplaceAll(test, "/", "_")))
	if err != nil {
		return err.Error()
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err.Error()
	}
	for file, arguments := range map[string][]string{
		"flinkclusters.yaml":          {"get", "flinkclusters", "-o", "yaml"},
		"flinkclusters.txt":           {"describe", "flinkclusters"},
		"objects.yaml":                {"get", "pods,services,configmaps,jobs,statefulsets,controllerrevisions", "-o", "yaml"},
		"pods.txt":                    {"describe", "pods"},
		"events.txt":                  {"get", "events", "--sort-by=.metadata.creationTimestamp", "-o", "wide"},
		"all-pods-of-the-cluster.txt": {"get", "pods", "--all-namespaces", "-o", "wide"},
	} {
		output, err := s.Kubectl(ctx, append([]string{"-n", namespace}, arguments...)...)
		s.write(folder, file, []byte(output), err)
	}
	s.keepLogs(ctx, folder, namespace)
	s.keepLogs(ctx, folder, OperatorNamespace)
	s.write(folder, "killed-operators.log", s.Operator.keptLogs(), nil)
	return folder
}

func (s *Suite) keepLogs(ctx context.Context, folder, namespace string) {
	pods, err := s.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		s.write(folder, "pods-of-"+namespace+".txt", nil, err)
		return
	}
	for _, pod := range pods.Items {
		for _, container := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
			for suffix, previous := range map[string]bool{"": false, "-before": true} {
				log, err := s.Kube.CoreV1().Pods(namespace).
					GetLogs(pod.Name, &corev1.PodLogOptions{Container: container.Name, Previous: previous}).DoRaw(ctx)
				if previous && err != nil {
					// Most containers have not been restarted.
					continue
				}
				s.write(folder, pod.Name+"-"+container.Name+suffix+".log", log, err)
			}
		}
	}
}

func (s *Suite) write(folder, file string, content []byte, problem error) {
	if problem != nil {
		content = append(content, []byte("\n"+problem.Error()+"\n")...)
	}
	// A folder that cannot be written to shows by what is missing in it; the test has failed anyway.
	_ = os.WriteFile(filepath.Join(folder, file), content, 0o644)
}
