package resources

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestRestricted: pods of a cluster that asks for nothing special pass the Pod Security Standard "restricted".
func TestRestricted(t *testing.T) {
	manifests, err := filepath.Glob("testdata/*.cluster.yaml")
	require.NoError(t, err)
	for _, manifest := range manifests {
		name := strings.TrimSuffix(filepath.Base(manifest), ".cluster.yaml")
		// These have containers or a security context of the user's.
		if slices.Contains([]string{"full", "pod-templates"}, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			cluster := readCluster(t, name)
			cluster.Spec.JobManager.InitContainers = nil
			for _, pod := range renderPods(t, inputFor(cluster)) {
				require.Empty(t, restrictedViolations(pod))
			}
		})
	}
}

func TestRestrictedCheckFindsViolations(t *testing.T) {
	require.Len(t, restrictedViolations(corev1.PodSpec{HostNetwork: true, Containers: []corev1.Container{{Name: "c"}}}), 5)
}

// TestUserSecurityWins: what the user says replaces the default, and what cannot go with it is left out.
func TestUserSecurityWins(t *testing.T) {
	for name, test := range map[string]struct {
		pod, template  string
		drops          bool
		escalation     bool
		podSeccomp     bool
		expectedUserID *int64
	}{
		"nothing":                 {drops: true, podSeccomp: true, expectedUserID: new(int64(9999))},
		"a template's user":       {template: `{"securityContext": {"runAsUser": 7}}`, drops: true, expectedUserID: new(int64(7))},
		"root cannot drop":        {template: `{"securityContext": {"runAsUser": 0}}`, expectedUserID: new(int64(0))},
		"the image's user":        {template: `{"securityContext": {"fsGroup": 1}}`},
		"non-root by promise":     {template: `{"securityContext": {"runAsNonRoot": true}}`, drops: true},
		"the container is root":   {template: `{"containers": [{"name": "jobmanager", "securityContext": {"runAsUser": 0}}]}`, podSeccomp: true, expectedUserID: new(int64(9999))},
		"the container may be":    {template: `{"securityContext": {"fsGroup": 1}, "containers": [{"name": "jobmanager", "securityContext": {"runAsNonRoot": false}}]}`},
		"the container escalates": {template: `{"containers": [{"name": "jobmanager", "securityContext": {"allowPrivilegeEscalation": true}}]}`, drops: true, escalation: true, podSeccomp: true, expectedUserID: new(int64(9999))},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newJobCluster()
			if test.template != "" {
				cluster.Spec.PodTemplate = &runtime.RawExtension{Raw: []byte(`{"spec": ` + test.template + `}`)}
			}
			require.Empty(t, ValidatePodTemplates(&cluster.Spec))
			pod := renderPods(t, inputFor(cluster))[0]
			security := pod.Containers[0].SecurityContext
			require.Equal(t, test.drops, security.Capabilities != nil)
			require.Equal(t, test.escalation, *security.AllowPrivilegeEscalation)
			require.Equal(t, test.podSeccomp, pod.SecurityContext.SeccompProfile != nil)
			require.Equal(t, !test.podSeccomp, security.SeccompProfile != nil)
			require.Equal(t, test.expectedUserID, pod.SecurityContext.RunAsUser)
		})
	}
}

func TestPrivilegedContainersAreLeftAlone(t *testing.T) {
	for _, own := range []corev1.SecurityContext{
		{Privileged: new(true)},
		{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"CAP_SYS_ADMIN"}}},
	} {
		pod := corev1.PodSpec{Containers: []corev1.Container{{Name: "main", SecurityContext: own.DeepCopy()}, {Name: "other"}}}
		secure(&pod, "main")
		require.Nil(t, pod.Containers[0].SecurityContext.AllowPrivilegeEscalation)
		require.Equal(t, own.Capabilities, pod.Containers[0].SecurityContext.Capabilities)
		require.Nil(t, pod.Containers[1].SecurityContext)
	}
}

func renderPods(t *testing.T, in Input) []corev1.PodSpec {
	t.Helper()
	taskManager, err := TaskManagerStatefulSet(in)
	require.NoError(t, err)
	if in.Run == nil || in.Cluster.Spec.HighAvailability() {
		statefulSet, err := JobManagerStatefulSet(in)
		require.NoError(t, err)
		return []corev1.PodSpec{statefulSet.Spec.Template.Spec, taskManager.Spec.Template.Spec}
	}
	job, err := JobManagerJob(in)
	require.NoError(t, err)
	return []corev1.PodSpec{job.Spec.Template.Spec, taskManager.Spec.Template.Spec}
}

// restrictedViolations checks what the standard says of the fields that this package can set. The real admission
// was tried as well, in a namespace that enforces it.
func restrictedViolations(pod corev1.PodSpec) []string {
	var found []string
	check := func(ok bool, violation string) {
		if !ok {
			found = append(found, violation)
		}
	}
	podSecurity := pod.SecurityContext
	if podSecurity == nil {
		podSecurity = &corev1.PodSecurityContext{}
	}
	check(!pod.HostNetwork && !pod.HostPID && !pod.HostIPC, "host namespaces")
	for _, volume := range pod.Volumes {
		check(volume.ConfigMap != nil || volume.EmptyDir != nil || volume.PersistentVolumeClaim != nil, "volume type of "+volume.Name)
	}
	for _, container := range append(slices.Clone(pod.InitContainers), pod.Containers...) {
		security := container.SecurityContext
		if security == nil {
			security = &corev1.SecurityContext{}
		}
		check(security.Privileged == nil, "privileged")
		check(security.AllowPrivilegeEscalation != nil && !*security.AllowPrivilegeEscalation, "privilege escalation")
		check(security.Capabilities != nil && slices.Contains(security.Capabilities.Drop, "ALL") && len(security.Capabilities.Add) == 0, "capabilities")
		check(podSecurity.SeccompProfile != nil || security.SeccompProfile != nil, "seccomp")
		check(podSecurity.RunAsNonRoot != nil && *podSecurity.RunAsNonRoot && *podSecurity.RunAsUser != 0, "root")
	}
	return found
}
