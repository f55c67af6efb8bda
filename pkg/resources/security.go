package resources

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// flinkUser is the user and group "flink" of the official images.
const flinkUser = 9999

// secure gives a pod what the Pod Security Standard "restricted" asks for, where the user says nothing else. The
// pod's part is all or nothing: half of it, such as runAsNonRoot beside the user's runAsUser 0, would not start.
func secure(pod *corev1.PodSpec, names ...string) {
	if pod.SecurityContext == nil {
		pod.SecurityContext = &corev1.PodSecurityContext{
			RunAsUser:    new(int64(flinkUser)),
			RunAsGroup:   new(int64(flinkUser)),
			RunAsNonRoot: new(true),
			// Volumes become writable, and large ones are walked through only once.
			FSGroup:             new(int64(flinkUser)),
			FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
			SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}
	}
	for _, containers := range [][]corev1.Container{pod.InitContainers, pod.Containers} {
		for i := range containers {
			if slices.Contains(names, containers[i].Name) {
				secureContainer(pod.SecurityContext, &containers[i])
			}
		}
	}
}

// secureContainer fills the container's part field by field. A privileged container is left as it is: it excludes
// the rest.
func secureContainer(pod *corev1.PodSecurityContext, container *corev1.Container) {
	if container.SecurityContext == nil {
		container.SecurityContext = &corev1.SecurityContext{}
	}
	security := container.SecurityContext
	if security.Privileged != nil && *security.Privileged {
		return
	}
	if security.AllowPrivilegeEscalation == nil && !addsCapability(security, "CAP_SYS_ADMIN", "SYS_ADMIN") {
		security.AllowPrivilegeEscalation = new(false)
	}
	// Images before 2.2 start as root and change to the user flink, for which they need capabilities.
	if security.Capabilities == nil && runsAsNonRoot(pod, security) {
		security.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	}
	if security.SeccompProfile == nil && pod.SeccompProfile == nil {
		security.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
}

// addsCapability: Kubernetes refuses a container that has this capability without privilege escalation.
func addsCapability(security *corev1.SecurityContext, names ...corev1.Capability) bool {
	return security.Capabilities != nil && slices.ContainsFunc(security.Capabilities.Add, func(added corev1.Capability) bool {
		return slices.Contains(names, added)
	})
}

// runsAsNonRoot says whether it is certain that a container does not run as root.
func runsAsNonRoot(pod *corev1.PodSecurityContext, container *corev1.SecurityContext) bool {
	user, nonRoot := pod.RunAsUser, pod.RunAsNonRoot
	if container.RunAsUser != nil {
		user = container.RunAsUser
	}
	if container.RunAsNonRoot != nil {
		nonRoot = container.RunAsNonRoot
	}
	if user != nil {
		return *user != 0
	}
	return nonRoot != nil && *nonRoot
}
