//go:build cluster

package cluster

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// awkward is an argument with everything that a shell, Kubernetes or Flink's own parser could change.
const awkward = `--it's "quoted"  $(HOME) $HOME -Dkey=value \ * ; --`

// TestFailingStart gives jobs that cannot start. A person has to be able to read why in kubectl describe.
func TestFailingStart(t *testing.T) {
	cases := []struct {
		name   string
		change func(*v1beta1.JobSpec)
		reason string
	}{
		{"no such jar", func(job *v1beta1.JobSpec) { job.JarFile = "/opt/flink/jobs/missing.jar" }, "/opt/flink/jobs/missing.jar"},
		{"no such jar in usrlib", func(job *v1beta1.JobSpec) { job.JarFile = "/opt/flink/usrlib/missing.jar" }, "missing.jar"},
		{"no such class", func(job *v1beta1.JobSpec) { job.ClassName = "org.example.Missing" }, "org.example.Missing"},
		{"failing main method", func(job *v1beta1.JobSpec) { job.ClassName = flinkcluster.BrokenClass }, "this job is broken on purpose"},
		{"no such savepoint", func(job *v1beta1.JobSpec) { job.FromSavepoint = flinkcluster.SavepointsDirectory + "/savepoint-none" }, "/flink-data/savepoints/savepoint-none"},
		{"no such option", func(job *v1beta1.JobSpec) { job.Args = []string{"--no-such", "1"} }, "unknown option --no-such"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			namespace := suite.NewNamespace(t)
			wanted := namespace.Counter("failing")
			wanted.Spec.Job.RestartPolicy = v1beta1.RestartPolicyNever
			test.change(wanted.Spec.Job)
			requireReadableFailure(t, namespace.Create(t, wanted), test.reason)
		})
	}
}

func requireReadableFailure(t *testing.T, job *flinkcluster.Cluster, reason string) {
	t.Helper()
	cluster := job.Await(t, "the end of the start", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Lifecycle == v1beta1.LifecycleFailed || cluster.Status.Lifecycle == v1beta1.LifecycleRunning
	})
	status := cluster.Status.Components.Job
	require.Equal(t, v1beta1.JobStateFailed, status.State)
	assert.EqualValues(t, 1, status.Attempt)
	require.NotEmpty(t, status.FailureReasons)
	require.Contains(t, status.FailureReasons[0], reason, "the most telling reason comes first: %q", status.FailureReasons)
	assert.True(t, meta.IsStatusConditionTrue(cluster.Status.Conditions, v1beta1.ConditionDegraded))
	job.AwaitEvent(t, v1beta1.EventJobFailed, reason)
	assert.Contains(t, job.Namespace.Kubectl(t, "describe", "flinkcluster", job.Name), reason)
}

// TestArguments: anything on the way could have changed the arguments. The job names an option that it does not know.
func TestArguments(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("arguments", awkward, "1")
	wanted.Spec.Job.RestartPolicy = v1beta1.RestartPolicyNever
	job := namespace.Create(t, wanted)
	status := job.AwaitJob(t, v1beta1.JobStateFailed).Status.Components.Job
	assert.Contains(t, job.RootException(t, status.ID), "unknown option "+awkward+"\n")
}

// TestJarOutsideUsrlib: Flink finds jars of users in one folder only.
func TestJarOutsideUsrlib(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("example", "--limit", "50")
	wanted.Spec.Job.JarFile = "local://" + flinkcluster.ExampleJar
	wanted.Spec.Job.ClassName = flinkcluster.CounterClass
	job := namespace.Create(t, wanted)
	id := job.AwaitJob(t, v1beta1.JobStateSucceeded).Status.Components.Job.ID
	found, err := job.ReadJob(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "FINISHED", found.State)
}
