package flinkcluster

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// KillJava ends the Java process of a pod as a crash would.
func (c *Cluster) KillJava(t testing.TB, pod *corev1.Pod) {
	t.Helper()
	require.NoError(t, c.suite.node.kill(t.Context(), pod, "java"))
}

// PauseJava stops the Java process of a pod: connections are made, and nobody answers. The returned function lets it go on.
func (c *Cluster) PauseJava(t testing.TB, pod *corev1.Pod) (resume func()) {
	t.Helper()
	require.NoError(t, c.suite.node.signal(t.Context(), pod, "java", "STOP"))
	return func() {
		t.Helper()
		require.NoError(t, c.suite.node.signal(t.Context(), pod, "java", "CONT"))
	}
}
