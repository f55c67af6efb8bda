package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// livenessProbe kills a process that has not listened for five minutes.
func livenessProbe() *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: rpcHandler(), InitialDelaySeconds: 5, PeriodSeconds: 60, TimeoutSeconds: 10, FailureThreshold: 5,
	}
}

// readinessProbe is quick, because a component counts as up when it is ready.
func readinessProbe() *corev1.Probe {
	return &corev1.Probe{ProbeHandler: rpcHandler(), PeriodSeconds: 2, TimeoutSeconds: 10, FailureThreshold: 60}
}

func rpcHandler() corev1.ProbeHandler {
	return corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString(rpcPort)}}
}

// mergeProbe lays a probe over another, field by field; nil changes nothing. The handler (what is looked at) counts as
// one field, for a probe may have only one. A zero in the type cannot be told from a field that is not set.
func mergeProbe(under, over *corev1.Probe) *corev1.Probe {
	if over == nil {
		return under
	}
	merged := over.DeepCopy()
	if merged.ProbeHandler == (corev1.ProbeHandler{}) {
		merged.ProbeHandler = under.ProbeHandler
	}
	for _, field := range []struct{ target, fallback *int32 }{
		{&merged.InitialDelaySeconds, &under.InitialDelaySeconds},
		{&merged.TimeoutSeconds, &under.TimeoutSeconds},
		{&merged.PeriodSeconds, &under.PeriodSeconds},
		{&merged.SuccessThreshold, &under.SuccessThreshold},
		{&merged.FailureThreshold, &under.FailureThreshold},
	} {
		if *field.target == 0 {
			*field.target = *field.fallback
		}
	}
	if merged.TerminationGracePeriodSeconds == nil {
		merged.TerminationGracePeriodSeconds = under.TerminationGracePeriodSeconds
	}
	return merged
}
