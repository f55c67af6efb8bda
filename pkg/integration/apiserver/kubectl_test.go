//go:build apiserver

package apiserver

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// kubectl runs a command that has to succeed, and returns what it printed.
func kubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	output, _, err := server.Kubectl(t.Context(), "", arguments...)
	require.NoError(t, err)
	return output
}

// kubectlCleanup is kubectl for the end of a test, whose context has ended by then.
func kubectlCleanup(t *testing.T, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), waitLimit)
	defer cancel()
	_, _, err := server.Kubectl(ctx, "", arguments...)
	require.NoError(t, err)
}

// kubectlRefused runs a command that has to fail, with something on its standard input, and returns its complaints.
func kubectlRefused(t *testing.T, input string, arguments ...string) string {
	t.Helper()
	_, complaints, err := server.Kubectl(t.Context(), input, arguments...)
	require.Error(t, err)
	return complaints
}

func TestExplainDescribesEveryField(t *testing.T) {
	t.Parallel()
	for path, of := range map[string]any{
		"spec":                        v1beta1.FlinkClusterSpec{},
		"spec.image":                  v1beta1.ImageSpec{},
		"spec.job":                    v1beta1.JobSpec{},
		"spec.job.restartBackoff":     v1beta1.RestartBackoff{},
		"spec.job.cleanupPolicy":      v1beta1.CleanupPolicy{},
		"spec.jobManager":             v1beta1.JobManagerSpec{},
		"spec.jobManager.ports":       v1beta1.JobManagerPorts{},
		"spec.taskManager":            v1beta1.TaskManagerSpec{},
		"spec.taskManager.ports":      v1beta1.TaskManagerPorts{},
		"spec.taskManager.extraPorts": v1beta1.NamedPort{},
		"status":                      v1beta1.FlinkClusterStatus{},
	} {
		t.Run(path, func(t *testing.T) {
			described := explained(t, path)
			for _, name := range jsonNames(reflect.TypeOf(of)) {
				require.Contains(t, described, name)
				require.NotContains(t, []string{"", "<no description>"}, described[name], "description of %s", name)
			}
		})
	}
}

// explained is what `kubectl explain` prints about the fields of a path. The schema of a kind that was just installed
// takes a moment to be published.
func explained(t *testing.T, path string) map[string]string {
	t.Helper()
	var output string
	eventually(t, waitLimit, "kubectl explain "+path, func(ctx context.Context) (bool, any) {
		var err error
		output, _, err = server.Kubectl(ctx, "", "explain", "flinkcluster."+path)
		return err == nil, err
	})
	_, list, found := strings.Cut(output, "FIELDS:\n")
	require.True(t, found, output)
	fields, name := map[string]string{}, ""
	for line := range strings.Lines(list) {
		switch text := strings.TrimSpace(line); {
		case text == "" || strings.HasPrefix(text, "enum:"):
		case !strings.HasPrefix(line, "   "):
			name, _, _ = strings.Cut(text, "\t")
			fields[name] = ""
		default:
			fields[name] += text
		}
	}
	return fields
}

// jsonNames are the names of a struct's fields as users write them.
func jsonNames(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if options == "inline" {
			names = append(names, jsonNames(field.Type)...)
			continue
		}
		names = append(names, name)
	}
	return names
}

func TestMisspeltFieldIsReported(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for field, body := range map[string]string{
		"spec.job.autoSavepointSecond":               `image: {name: flink:2.1}, job: {autoSavepointSecond: 60}`,
		"spec.taskmanager":                           `image: {name: flink:2.1}, taskmanager: {}`,
		"spec.jobManager.resources.limit":            `image: {name: flink:2.1}, jobManager: {resources: {limit: {cpu: 1}}}`,
		"spec.taskManager.sidecars[0].imag":          `image: {name: flink:2.1}, taskManager: {sidecars: [{name: s, imag: x}]}`,
		"spec.taskManager.volumes[0].emptyDirectory": `image: {name: flink:2.1}, taskManager: {volumes: [{name: v, emptyDirectory: {}}]}`,
	} {
		t.Run(field, func(t *testing.T) {
			manifest := fmt.Sprintf("{apiVersion: %s/v1beta1, kind: FlinkCluster, metadata: {name: misspelt}, spec: {%s}}", group, body)
			for _, option := range []string{"--server-side=false", "--server-side=true"} {
				complaint := kubectlRefused(t, manifest, "apply", option, "--namespace", namespace, "-f", "-")
				require.Contains(t, complaint, field[strings.LastIndex(field, ".")+1:])
				if option == "--server-side=false" {
					require.Contains(t, complaint, `unknown field "`+field+`"`)
				}
			}
		})
	}
}

func TestKubectlGet(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	applyManifest(t, namespace, minimalJob("counter"))
	require.Contains(t, kubectl(t, "--namespace", namespace, "get", "fc", "counter", "--output", "name"), "flinkcluster."+group+"/counter")

	narrow := kubectl(t, "--namespace", namespace, "get", "fc")
	require.Equal(t, []string{"NAME", "JOB", "LIFECYCLE", "FLINK", "SAVEPOINTS", "LAST SAVEPOINT", "AGE"}, columns(narrow))
	wide := kubectl(t, "--namespace", namespace, "get", "fc", "--output", "wide")
	require.Equal(t, []string{
		"NAME", "JOB", "LIFECYCLE", "FLINK", "SAVEPOINTS", "LAST SAVEPOINT", "AGE",
		"JOB MANAGER", "TASK MANAGERS", "RESTARTS", "JOB ID", "SAVEPOINT LOCATION", "IMAGE",
	}, columns(wide))
}

// columns are the headings of a table; two spaces or more part them.
func columns(table string) []string {
	heading, _, _ := strings.Cut(table, "\n")
	var found []string
	for part := range strings.SplitSeq(heading, "  ") {
		if part = strings.TrimSpace(part); part != "" {
			found = append(found, part)
		}
	}
	return found
}

func TestScaleSubresource(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	applyManifest(t, namespace, minimalJob("counter"))
	kubectl(t, "--namespace", namespace, "scale", "flinkcluster/counter", "--replicas=5")
	require.Equal(t, "5", kubectl(t, "--namespace", namespace, "get", "fc", "counter", "--output", "jsonpath={.spec.taskManager.replicas}"))

	// What an autoscaler reads.
	kubectl(t, "--namespace", namespace, "patch", "fc", "counter", "--subresource=status", "--type=merge", "--patch",
		`{"status": {"components": {"taskManager": {"name": "t", "state": "Ready", "replicas": 4, "readyReplicas": 4, "selector": "a=b"}}}}`)
	require.Equal(t, "5 4 a=b", kubectl(t, "--namespace", namespace, "get", "fc", "counter", "--subresource=scale",
		"--output", "jsonpath={.spec.replicas} {.status.replicas} {.status.selector}"))

	// The bounds of the field hold here too.
	_, complaints, err := server.Kubectl(t.Context(), "", "--namespace", namespace, "scale", "flinkcluster/counter", "--replicas=0")
	require.Error(t, err)
	require.Contains(t, complaints, "spec.taskManager.replicas")
}
