package resources

import (
	"encoding/json"
	"maps"
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

const (
	configVolume = "flink-operator-config"
	configPath   = "/opt/flink/conf"
)

// component is what makes the pods of one component differ from those of another.
type component struct {
	// name is the component's label and the name of its main container.
	name          string
	spec          *v1beta1.ComponentSpec
	ports         []corev1.ContainerPort
	env           []corev1.EnvVar
	args          []string
	restartPolicy corev1.RestartPolicy
	// jar is brought into the class path before Flink starts; empty if there is nothing to bring.
	jar string
}

// podTemplate makes the pods of a component, from lowest to highest: spec.podTemplate, the component's podTemplate,
// what the operator and the other fields of the spec set. What users may leave open is filled at the end, so that
// it never stands against them.
func podTemplate(in Input, part component) (corev1.PodTemplateSpec, error) {
	// API types can always be written as JSON.
	overlay, _ := json.Marshal(operatorTemplate(in, part))
	merged, err := mergeTemplates(rawTemplate(in.Cluster.Spec.PodTemplate), rawTemplate(part.spec.PodTemplate), overlay)
	if err != nil {
		return corev1.PodTemplateSpec{}, err
	}
	pod := &merged.Spec
	pod.Containers = arrange(pod.Containers, part.name)
	main := &pod.Containers[0]
	main.VolumeMounts = mountOver(main.VolumeMounts, corev1.VolumeMount{Name: configVolume, MountPath: configPath, ReadOnly: true})
	main.LivenessProbe = mergeProbe(mergeProbe(livenessProbe(), main.LivenessProbe), part.spec.LivenessProbe)
	main.ReadinessProbe = mergeProbe(mergeProbe(readinessProbe(), main.ReadinessProbe), part.spec.ReadinessProbe)
	if main.TerminationMessagePolicy == "" {
		// The last lines of the log say why a JobManager ended, when nobody can ask it any more.
		main.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	}
	if pod.EnableServiceLinks == nil {
		// The variables of all services of the namespace would slow down and confuse Flink's start scripts.
		pod.EnableServiceLinks = new(false)
	}
	if pod.ServiceAccountName == "" && MakesAccount(&in.Cluster.Spec) {
		pod.ServiceAccountName = HAAccountName(in.Cluster.Name)
	}
	if part.jar != "" {
		addJar(pod, part.jar)
	}
	secure(pod, part.name, stagingContainer)
	return merged, nil
}

func rawTemplate(template *runtime.RawExtension) []byte {
	if template == nil {
		return nil
	}
	return template.Raw
}

// operatorTemplate is the part of a pod that wins over the templates.
func operatorTemplate(in Input, part component) corev1.PodTemplateSpec {
	spec := &in.Cluster.Spec
	labels := map[string]string{}
	maps.Copy(labels, part.spec.PodLabels)
	maps.Copy(labels, in.runLabels(part.name))
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: part.spec.PodAnnotations},
		Spec: corev1.PodSpec{
			RestartPolicy:    part.restartPolicy,
			Containers:       append([]corev1.Container{mainContainer(spec, part)}, part.spec.Sidecars...),
			InitContainers:   initContainers(spec, part.spec),
			Volumes:          append(slices.Clone(part.spec.Volumes), configMapVolume(in.Cluster.Name)),
			ImagePullSecrets: spec.Image.PullSecrets,
			NodeSelector:     part.spec.NodeSelector,
			Tolerations:      part.spec.Tolerations,
			Affinity:         part.spec.Affinity,
			SecurityContext:  part.spec.SecurityContext,
		},
	}
	if spec.ServiceAccountName != nil {
		template.Spec.ServiceAccountName = *spec.ServiceAccountName
	}
	return template
}

func mainContainer(spec *v1beta1.FlinkClusterSpec, part component) corev1.Container {
	return corev1.Container{
		Name:            part.name,
		Image:           spec.Image.Name,
		ImagePullPolicy: spec.Image.PullPolicy,
		Args:            part.args,
		Ports:           append(slices.Clone(part.ports), extraPorts(part.spec.ExtraPorts)...),
		EnvFrom:         spec.EnvFrom,
		Env:             mergeEnv(part.env, spec.EnvVars),
		Resources:       part.spec.Resources,
		VolumeMounts:    part.spec.VolumeMounts,
	}
}

// initContainers get what the main container has of variables and, if they mount nothing themselves, of volumes.
// A variable of their own wins.
func initContainers(spec *v1beta1.FlinkClusterSpec, component *v1beta1.ComponentSpec) []corev1.Container {
	var containers []corev1.Container
	for _, container := range component.InitContainers {
		container = *container.DeepCopy()
		container.EnvFrom = append(slices.Clone(spec.EnvFrom), container.EnvFrom...)
		container.Env = mergeEnv(container.Env, spec.EnvVars)
		if len(container.VolumeMounts) == 0 {
			container.VolumeMounts = component.VolumeMounts
		}
		containers = append(containers, container)
	}
	return containers
}

// mergeEnv returns the variables of both lists; of two with the same name the first one stays. The winners come
// last, because a variable may refer to those before it.
func mergeEnv(winners, others []corev1.EnvVar) []corev1.EnvVar {
	var merged []corev1.EnvVar
	for _, variable := range others {
		if !slices.ContainsFunc(winners, func(winner corev1.EnvVar) bool { return winner.Name == variable.Name }) {
			merged = append(merged, variable)
		}
	}
	return append(merged, winners...)
}

func configMapVolume(cluster string) corev1.Volume {
	return corev1.Volume{Name: configVolume, VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: ConfigMapName(cluster)}},
	}}
}

// mountOver adds a mount in place of any other at the same path.
func mountOver(mounts []corev1.VolumeMount, mount corev1.VolumeMount) []corev1.VolumeMount {
	return append(withoutMount(mounts, mount.MountPath), mount)
}

func withoutMount(mounts []corev1.VolumeMount, mountPath string) []corev1.VolumeMount {
	return slices.DeleteFunc(slices.Clone(mounts), func(mount corev1.VolumeMount) bool {
		return path.Clean(mount.MountPath) == mountPath
	})
}
