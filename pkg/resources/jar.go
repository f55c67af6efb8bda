package resources

import (
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const (
	flinkHome        = "/opt/flink"
	userJarPath      = "/opt/flink/usrlib"
	stagingVolume    = "flink-operator-usrlib"
	stagingContainer = "flink-operator-jar"
	stagingPath      = "/opt/flink-operator/usrlib"
)

// stagingScript copies what the image has in its folder of user jars, and then the job's jar, into the volume that
// takes the folder's place. Both paths are arguments: a shell never reads what a user wrote. Links are followed,
// since what they point to may not be in the volume.
const stagingScript = `set -eu
if [ -d "$1" ]; then cp -RL -- "$1/." "$3"; fi
cp -L -- "$2" "$3/"`

// jarPath is where the job's jar is in the image; empty if the spec names none.
func jarPath(jarFile string) string {
	if jarFile == "" {
		return ""
	}
	jarFile = strings.TrimPrefix(jarFile, "local://")
	if !path.IsAbs(jarFile) {
		jarFile = path.Join(flinkHome, jarFile)
	}
	return path.Clean(jarFile)
}

// addJar adds the init container that looks after the jar. One that is where Flink looks anyway has to be there: Flink
// would run any other that it finds.
func addJar(pod *corev1.PodSpec, jar string) {
	if strings.HasPrefix(jar, userJarPath+"/") {
		container := jarContainer(&pod.Containers[0], "/bin/ls", "-d", "--", jar)
		pod.InitContainers = append(pod.InitContainers, container)
		return
	}
	stageJar(pod, jar)
}

// jarContainer runs last and sees what the main container sees, for an init container of the user may have fetched the
// jar.
func jarContainer(main *corev1.Container, command ...string) corev1.Container {
	return corev1.Container{
		Name:            stagingContainer,
		Image:           main.Image,
		ImagePullPolicy: main.ImagePullPolicy,
		EnvFrom:         main.EnvFrom,
		// A mount may be named after a variable.
		Env:     main.Env,
		Command: literal(command...),
		// Those of the main container, so that the pod needs nothing more and quotas that demand them are content.
		Resources:                *main.Resources.DeepCopy(),
		VolumeMounts:             withoutMount(main.VolumeMounts, configPath),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
}

// stageJar has the jar brought to where Flink looks for it.
func stageJar(pod *corev1.PodSpec, jar string) {
	main := &pod.Containers[0]
	staged := corev1.VolumeMount{Name: stagingVolume, MountPath: stagingPath}
	pod.Volumes = append(pod.Volumes, corev1.Volume{
		Name: stagingVolume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
	})
	container := jarContainer(main, "/bin/sh", "-c", stagingScript, stagingContainer, userJarPath, jar, stagingPath)
	container.VolumeMounts = mountOver(container.VolumeMounts, staged)
	pod.InitContainers = append(pod.InitContainers, container)
	main.VolumeMounts = mountOver(main.VolumeMounts, corev1.VolumeMount{Name: stagingVolume, MountPath: userJarPath})
}

// literal returns arguments that reach a process as they are. Kubernetes replaces $(NAME) in arguments by a
// variable; a doubled dollar sign stands for a single one.
func literal(arguments ...string) []string {
	escaped := make([]string, len(arguments))
	for i, argument := range arguments {
		escaped[i] = strings.ReplaceAll(argument, "$", "$$")
	}
	return escaped
}
