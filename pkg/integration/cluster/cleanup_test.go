//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// TestCleanupPolicy lets jobs finish and looks at what is left of their clusters.
func TestCleanupPolicy(t *testing.T) {
	cases := []struct {
		action v1beta1.CleanupAction
		state  v1beta1.ClusterState
		// left and gone are objects of the cluster.
		left, gone []string
	}{
		{v1beta1.CleanupActionKeepCluster, v1beta1.ClusterStateRunning,
			[]string{"ConfigMap/short-configmap", "Service/short-jobmanager", "Job/short-jobmanager", "StatefulSet/short-taskmanager", "Pod/short-taskmanager-0"}, nil},
		{v1beta1.CleanupActionDeleteTaskManager, v1beta1.ClusterStatePartiallyStopped,
			[]string{"ConfigMap/short-configmap", "Service/short-jobmanager", "Job/short-jobmanager"},
			[]string{"StatefulSet/short-taskmanager", "Pod/short-taskmanager-0"}},
		{v1beta1.CleanupActionDeleteCluster, v1beta1.ClusterStateStopped, nil,
			[]string{"ConfigMap/short-configmap", "Service/short-jobmanager", "Job/short-jobmanager", "StatefulSet/short-taskmanager", "Pod/short-taskmanager-0"}},
	}
	for _, test := range cases {
		t.Run(string(test.action), func(t *testing.T) {
			t.Parallel()
			namespace := suite.NewNamespace(t)
			wanted := namespace.Counter("short", "--limit", "100")
			wanted.Spec.Job.CleanupPolicy.AfterJobSucceeds = test.action
			job := namespace.Create(t, wanted)
			cluster := job.Await(t, "the cluster to be "+string(test.state)+" after its job", func(cluster *v1beta1.FlinkCluster) bool {
				status := cluster.Status
				return status.Components.Job != nil && status.Components.Job.State == v1beta1.JobStateSucceeded && status.State == test.state
			})
			assert.Equal(t, v1beta1.LifecycleFinished, cluster.Status.Lifecycle)
			assert.NotNil(t, cluster.Status.Components.Job.CompletionTime)
			job.AwaitEvent(t, v1beta1.EventJobSucceeded, cluster.Status.Components.Job.ID)
			flinkcluster.Eventually(t, "what the policy leaves", func(ctx context.Context) error {
				return expectObjects(ctx, namespace, test.left, test.gone)
			})
			job.DeleteAll(t)
		})
	}
}

func expectObjects(ctx context.Context, namespace *flinkcluster.Namespace, left, gone []string) error {
	objects, err := namespace.Objects(ctx)
	if err != nil {
		return err
	}
	for _, object := range left {
		if !slices.Contains(objects, object) {
			return fmt.Errorf("%s is missing among %q", object, objects)
		}
	}
	for _, object := range gone {
		if slices.Contains(objects, object) {
			return fmt.Errorf("%s is left among %q", object, objects)
		}
	}
	return nil
}
