package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// TestPostpone: progress waits for the next write of meaning, and not for long.
func TestPostpone(t *testing.T) {
	const deploying, running = v1beta1.JobStateDeploying, v1beta1.JobStateRunning
	some := up(1, func(c *Children) { c.Pods = c.Pods[:2] })
	for name, test := range map[string]struct {
		state     v1beta1.JobState
		after     time.Duration // since the last write
		children  Children
		observed  flink.Observation
		postponed bool
	}{
		"nothing has changed":          {state: deploying, children: some},
		"a pod is ready":               {state: deploying, children: up(1), postponed: true},
		"a pod is ready, some time on": {state: deploying, children: up(1), after: progressInterval},
		"the clock went back":          {state: deploying, children: up(1), after: -time.Hour},
		"the version is known":         {state: deploying, children: some, observed: flink.Observation{JobID: JobID(testUID, 1), Attempt: 1, Version: "2.1.0"}, postponed: true},
		"the job runs":                 {state: deploying, children: up(1), observed: heard()},
		"the JobManager has gone":      {state: running, children: up(1, jobManagerDeleted)},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(run(test.state))
			// Reconciling, so that a pod that becomes ready is progress and no change of the cluster's state.
			cluster.Status.State = v1beta1.ClusterStateReconciling
			settle(t, cluster, some, flink.Observation{})
			cluster.Status.LastUpdateTime = at(0)
			recorded := cluster.Status.DeepCopy()
			children := test.children
			if test.postponed && test.observed.Version == "" || name == "a pod is ready, some time on" {
				children = up(1, func(c *Children) { c.Pods = c.Pods[:3] })
			}
			decision := decideClusterAt(cluster, children, test.observed, start.Add(test.after))
			if test.postponed {
				require.Equal(t, *recorded, decision.Status)
				require.Positive(t, decision.RequeueAfter)
				require.LessOrEqual(t, decision.RequeueAfter, progressInterval)
				later := decideClusterAt(cluster, children, test.observed, start.Add(test.after+decision.RequeueAfter))
				require.NotEqual(t, *recorded, later.Status, "written in the end")
				return
			}
			require.Equal(t, name == "nothing has changed", equalStatus(*recorded, decision.Status))
		})
	}
	t.Run("that the JobManager was seen is written at once", func(t *testing.T) {
		cluster := newCluster(run(deploying))
		cluster.Status.Components.JobManager = nil
		settle(t, cluster, Children{}, flink.Observation{})
		cluster.Status.LastUpdateTime = at(0)
		require.NotNil(t, decideCluster(cluster, up(1, func(c *Children) { c.Pods = nil }), flink.Observation{}).Status.Components.JobManager)
	})
}
