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
	t.Parallel()
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
	namespace := suite.NewNamespace(t)
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			wanted := namespace.Counter("failing")
			wanted.Spec.Job.RestartPolicy = v1beta1.RestartPolicyNever
			test.change(wanted.Spec.Job)
			job := namespace.Create(t, wanted)
			defer job.DeleteAll(t)
			requireReadableFailure(t, job, test.reason)
		})
	}
}

func requireReadableFailure(t *testing.T, job *flinkcluster.Cluster, reason string) {
	t.Helper()
	cluster := job.Await(t, "a failed job", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Lifecycle == v1beta1.LifecycleFailed
	})
	status := cluster.Status.Components.Job
	assert.Equal(t, v1beta1.JobStateFailed, status.State)
	assert.EqualValues(t, 1, status.Attempt)
	require.NotEmpty(t, status.FailureReasons)
	require.Contains(t, status.FailureReasons[0], reason, "the most telling reason comes first: %q", status.FailureReasons)
	assert.True(t, meta.IsStatusConditionTrue(cluster.Status.Conditions, v1beta1.ConditionDegraded))
	job.AwaitEvent(t, v1beta1.EventJobFailed, reason)
	assert.Contains(t, job.Namespace.Kubectl(t, "describe", "flinkcluster", job.Name), reason)
}

// TestJarAndArguments runs a jar that Flink would not find by itself, with arguments that anything on the way could
// have changed. The job names an option that it does not know.
func TestJarAndArguments(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("arguments", awkward, "1")
	wanted.Spec.Job.RestartPolicy = v1beta1.RestartPolicyNever
	wanted.Spec.Job.JarFile = flinkcluster.ExampleJar
	failing := namespace.Create(t, wanted)
	status := failing.AwaitJob(t, v1beta1.JobStateFailed).Status.Components.Job
	assert.Contains(t, failing.RootException(t, status.ID), "unknown option "+awkward+"\n")
	failing.DeleteAll(t)

	// A dash in front is Flink's own; the job has to get it.
	wanted = namespace.Counter("example", "--interval-millis", "10", "--limit", "50")
	wanted.Spec.Job.JarFile = "local://" + flinkcluster.ExampleJar
	wanted.Spec.Job.ClassName = flinkcluster.CounterClass
	example := namespace.Create(t, wanted)
	id := example.AwaitJob(t, v1beta1.JobStateSucceeded).Status.Components.Job.ID
	found, err := example.ReadJob(t.Context(), id)
	assert.NoError(t, err)
	assert.Equal(t, "FINISHED", found.State)
	example.DeleteAll(t)
}
