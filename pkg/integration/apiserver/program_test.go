//go:build apiserver

package apiserver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

func TestJob(t *testing.T) {
	m := startMachinery(t)
	startOperator(t, m)
	applyManifest(t, m.namespace, countingJob("counter"))
	m.waitForSettled(t, "counter")
	cluster := m.control(t, "counter", v1beta1.ControlSavepoint)
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
}
