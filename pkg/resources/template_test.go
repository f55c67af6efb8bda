package resources

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

func TestValidatePodTemplates(t *testing.T) {
	for template, expected := range map[string]string{
		`{}`:                           "",
		`null`:                         "",
		`{metadata: {labels: {a: b}}}`: "",
		`{spec: {nodeSelector: null}}`: "",
		`{spec: {hostNetwork: true, terminationGracePeriodSeconds: 5, overhead: {cpu: 1, memory: 1Gi}}}`:                    "",
		`{spec: {containers: [{name: a, ports: [{containerPort: 80}], livenessProbe: {httpGet: {port: ui, path: /}}}]}}`:    "",
		`{spec: {containers: [{name: a, livenessProbe: {tcpSocket: {port: 5}}, env: [{name: x, valueFrom: null}]}]}}`:       "",
		`{spec: {volumes: [{name: a, emptyDir: {sizeLimit: 1Gi}}, {name: b, csi: {driver: x, volumeAttributes: {a: b}}}]}}`: "",
		`{metadata: {creationTimestamp: "2020-01-01T00:00:00Z"}}`:                                                           "",
		`5`:                              "spec.jobManager.podTemplate: Invalid value: must be an object",
		`{kind: Pod}`:                    `spec.jobManager.podTemplate.kind: Invalid value: unknown field`,
		`{Spec: {}}`:                     `spec.jobManager.podTemplate.Spec: Invalid value: unknown field`,
		`{spec: {containers: {}}}`:       `spec.jobManager.podTemplate.spec.containers: Invalid value: must be a list`,
		`{spec: {containers: [null]}}`:   `spec.jobManager.podTemplate.spec.containers[0]: Invalid value: must not be null`,
		`{spec: {containers: [5]}}`:      `spec.jobManager.podTemplate.spec.containers[0]: Invalid value: must be an object`,
		`{spec: {nodeSelector: [a]}}`:    `spec.jobManager.podTemplate.spec.nodeSelector: Invalid value: must be an object`,
		`{spec: {nodeSelector: {a: 5}}}`: `spec.jobManager.podTemplate.spec.nodeSelector[a]: Invalid value: must be a string`,
		`{spec: {hostNetwork: "yes"}}`:   `spec.jobManager.podTemplate.spec.hostNetwork: Invalid value: must be a bool`,
		`{spec: {priority: "5"}}`:        `spec.jobManager.podTemplate.spec.priority: Invalid value: must be a number`,
		`{spec: {priority: [5]}}`:        `spec.jobManager.podTemplate.spec.priority: Invalid value: must be a number`,
		`{spec: {priority: 1.5}}`:        `spec.jobManager.podTemplate.spec.priority: Invalid value: must be a whole number of 32 bits`,
		`{spec: {priority: 3000000000}}`: `spec.jobManager.podTemplate.spec.priority: Invalid value: must be a whole number of 32 bits`,
		`{spec: {containers: [{name: a, imagePullPolcy: Always}]}}`:                         `spec.jobManager.podTemplate.spec.containers[0].imagePullPolcy: Invalid value: unknown field`,
		`{spec: {containers: [{name: a, resources: {limits: {memory: much}}}]}}`:            `spec.jobManager.podTemplate.spec.containers[0].resources.limits[memory]: Invalid value: quantities must match`,
		`{spec: {containers: [{name: a, livenessProbe: {httpGet: {port: ui, x: w}}}]}}`:     `spec.jobManager.podTemplate.spec.containers[0].livenessProbe.httpGet.x: Invalid value: unknown field`,
		`{spec: {containers: [{image: nameless}]}}`:                                         `spec.jobManager.podTemplate: Invalid value: merging pod templates: map: map[image:nameless] does not contain declared merge key: name`,
		`{spec: {containers: [{name: a, "$patch": delete}]}}`:                               `spec.jobManager.podTemplate.spec.containers[0].$patch: Invalid value: unknown field`,
		`{spec: {ephemeralContainers: [{name: a, targetContainerName: b, image: [c]}]}}`:    `spec.jobManager.podTemplate.spec.ephemeralContainers[0].image: Invalid value: must be a string`,
		`{spec: {containers: [{name: a, env: [{name: x, value: 1}, {nam: y}]}], oops: {}}}`: `spec.jobManager.podTemplate.spec.containers[0].env[0].value: Invalid value: must be a string`,
	} {
		raw, err := yaml.YAMLToJSON([]byte(template))
		require.NoError(t, err)
		cluster := newJobCluster()
		cluster.Spec.JobManager.PodTemplate = &runtime.RawExtension{Raw: raw}
		errs := ValidatePodTemplates(&cluster.Spec)
		if expected == "" {
			require.Empty(t, errs, template)
			continue
		}
		require.NotEmpty(t, errs, template)
		require.Contains(t, errs[0].Error(), expected)
	}
}

func TestAllTemplatesAreChecked(t *testing.T) {
	cluster := newJobCluster()
	wrong := &runtime.RawExtension{Raw: []byte(`{"a": 1, "b": 2}`)}
	cluster.Spec.PodTemplate, cluster.Spec.JobManager.PodTemplate, cluster.Spec.TaskManager.PodTemplate = wrong, wrong, wrong
	var paths []string
	for _, err := range ValidatePodTemplates(&cluster.Spec) {
		paths = append(paths, err.Field)
	}
	require.Equal(t, []string{
		"spec.podTemplate.a", "spec.podTemplate.b", "spec.jobManager.podTemplate.a", "spec.jobManager.podTemplate.b",
		"spec.taskManager.podTemplate.a", "spec.taskManager.podTemplate.b",
	}, paths)
	cluster.Spec.PodTemplate = &runtime.RawExtension{Raw: []byte(`{`)}
	require.Equal(t, "spec.podTemplate", ValidatePodTemplates(&cluster.Spec)[0].Field)
}

func TestArrange(t *testing.T) {
	name := func(names ...string) []corev1.Container {
		var containers []corev1.Container
		for _, name := range names {
			containers = append(containers, corev1.Container{Name: name})
		}
		return containers
	}
	require.Equal(t, name("taskmanager", "a", "b"), arrange(name("a", "jobmanager", "taskmanager", "b"), "taskmanager"))
	require.Equal(t, name("jobmanager"), arrange(name("jobmanager"), "jobmanager"))
}

// FuzzPodTemplate: a template that passes the check can be merged or is refused with an error; nothing panics, and
// the pod always has its main container first, with the operator's image and labels.
func FuzzPodTemplate(f *testing.F) {
	f.Add([]byte(`{"spec": {"containers": [{"name": "jobmanager", "env": [{"name": "a", "value": "b"}]}]}}`), []byte(`{}`))
	f.Add([]byte(`{"spec": {"containers": null, "volumes": [{"name": "a"}]}}`), []byte(`{"metadata": {"labels": {"app": "x"}}}`))
	f.Add([]byte(`{"spec": {"securityContext": {"runAsUser": 0}, "tolerations": [{}]}}`), []byte(`null`))
	f.Add([]byte(`{"spec": {"containers": [{"name": "jobmanager", "securityContext": {"privileged": true}}]}}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, shared, own []byte) {
		cluster := newJobCluster()
		cluster.Spec.Job.JarFile = "/elsewhere/job.jar"
		cluster.Spec.PodTemplate = &runtime.RawExtension{Raw: shared}
		cluster.Spec.JobManager.PodTemplate = &runtime.RawExtension{Raw: own}
		errs := ValidatePodTemplates(&cluster.Spec)
		job, err := JobManagerJob(inputFor(cluster))
		if len(errs) > 0 || err != nil {
			return
		}
		main := job.Spec.Template.Spec.Containers[0]
		require.Equal(t, "jobmanager", main.Name)
		require.Equal(t, cluster.Spec.Image.Name, main.Image)
		require.Equal(t, "flink", job.Spec.Template.Labels["app"])
		require.NotNil(t, job.Spec.Template.Spec.SecurityContext)
	})
}
