package resources

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

func TestNames(t *testing.T) {
	cluster := newJobCluster()
	require.Equal(t, "http://shop-jobmanager.sales.svc:8081", RESTAddress(cluster))
	in := inputFor(cluster)
	service := JobManagerService(in)
	job, err := JobManagerJob(in)
	require.NoError(t, err)
	taskManager, err := TaskManagerStatefulSet(in)
	require.NoError(t, err)
	configMap, err := ConfigMap(in)
	require.NoError(t, err)
	require.Equal(t, []string{"shop-configmap", "shop-jobmanager", "shop-jobmanager", "shop-taskmanager"},
		[]string{configMap.Name, service.Name, job.Name, taskManager.Name})
	require.Equal(t, JobManagerName("shop"), Properties(in)["jobmanager.rpc.address"], "TaskManagers look for the Service")
}

func TestRunLabels(t *testing.T) {
	in := inputFor(newJobCluster())
	in.Run.Attempt = 12
	job, err := JobManagerJob(in)
	require.NoError(t, err)
	taskManager, err := TaskManagerStatefulSet(in)
	require.NoError(t, err)
	for _, labels := range []map[string]string{job.Labels, job.Spec.Template.Labels, taskManager.Labels, taskManager.Spec.Template.Labels} {
		require.Equal(t, "12", labels[v1beta1.LabelAttempt])
		require.Equal(t, testJobID, labels[v1beta1.LabelJobID])
		require.Equal(t, v1beta1.ManagedByOperator, labels[v1beta1.LabelManagedBy])
	}
	configMap, err := ConfigMap(in)
	require.NoError(t, err)
	for _, labels := range []map[string]string{configMap.Labels, JobManagerService(in).Labels, taskManager.Spec.Selector.MatchLabels} {
		require.NotContains(t, labels, v1beta1.LabelAttempt, "outlives the run")
	}
}

func TestWrongKindOfCluster(t *testing.T) {
	job, session := inputFor(newJobCluster()), inputFor(newSessionCluster())
	_, err := JobManagerStatefulSet(job)
	require.ErrorIs(t, err, errHAKind)
	_, err = JobManagerJob(session)
	require.ErrorIs(t, err, errNoRun)
	job.Run = nil
	_, err = JobManagerJob(job)
	require.ErrorIs(t, err, errNoRun)
	_, err = JobManagerStatefulSet(job)
	require.ErrorIs(t, err, errHasJob)
}

func TestBrokenTemplateIsAnError(t *testing.T) {
	broken := &runtime.RawExtension{Raw: []byte(`{"spec": {"containers": [{"image": "nameless"}]}}`)}
	job, session := inputFor(newJobCluster()), inputFor(newSessionCluster())
	for _, in := range []Input{job, session} {
		in.Cluster.Spec.PodTemplate = broken
	}
	_, err := JobManagerJob(job)
	require.ErrorContains(t, err, "pod template")
	_, err = JobManagerStatefulSet(session)
	require.ErrorContains(t, err, "pod template")
	_, err = TaskManagerStatefulSet(session)
	require.ErrorContains(t, err, "pod template")
	session.Cluster.Spec.PodTemplate.Raw = []byte(`{"spec": {"hostNetwork": "yes"}}`)
	_, err = TaskManagerStatefulSet(session)
	require.ErrorContains(t, err, "pod template")
}

func TestPodsAreNeverReplacedByAnotherTemplate(t *testing.T) {
	session, err := TaskManagerStatefulSet(inputFor(newSessionCluster()))
	require.NoError(t, err)
	require.Equal(t, appsv1.OnDeleteStatefulSetStrategyType, session.Spec.UpdateStrategy.Type)
}

func TestMergeProbe(t *testing.T) {
	user := &corev1.Probe{PeriodSeconds: 7, TerminationGracePeriodSeconds: new(int64(5))}
	merged := mergeProbe(livenessProbe(), user)
	require.Equal(t, &corev1.Probe{
		ProbeHandler: rpcHandler(), InitialDelaySeconds: 5, PeriodSeconds: 7, TimeoutSeconds: 10, FailureThreshold: 5,
		TerminationGracePeriodSeconds: new(int64(5)),
	}, merged)
	command := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}, SuccessThreshold: 2}
	merged = mergeProbe(merged, command)
	require.Nil(t, merged.TCPSocket, "a probe has one handler")
	require.Equal(t, int32(7), merged.PeriodSeconds)
	require.Equal(t, new(int64(5)), merged.TerminationGracePeriodSeconds)
	require.Same(t, merged, mergeProbe(merged, nil))
}

func TestUserMountAtTheJarFolder(t *testing.T) {
	cluster := newJobCluster()
	cluster.Spec.Job.JarFile = "/jobs/job.jar"
	cluster.Spec.JobManager.VolumeMounts = []corev1.VolumeMount{{Name: "jars", MountPath: "/opt/flink/usrlib/"}}
	job, err := JobManagerJob(inputFor(cluster))
	require.NoError(t, err)
	pod := job.Spec.Template.Spec
	require.Equal(t, "/opt/flink/usrlib/", pod.InitContainers[0].VolumeMounts[0].MountPath, "its files are copied")
	for _, mount := range pod.Containers[0].VolumeMounts {
		require.NotEqual(t, "jars", mount.Name, "a path can be mounted once")
	}
}

func TestJobManagerNeverStartsTwice(t *testing.T) {
	job, err := JobManagerJob(inputFor(newJobCluster()))
	require.NoError(t, err)
	require.Equal(t, int32(0), *job.Spec.BackoffLimit)
	require.Equal(t, corev1.RestartPolicyNever, job.Spec.Template.Spec.RestartPolicy)

	cluster := newJobCluster()
	cluster.Spec.JobManager.PodTemplate = &runtime.RawExtension{Raw: []byte(`{"spec": {"restartPolicy": "OnFailure"}}`)}
	job, err = JobManagerJob(inputFor(cluster))
	require.NoError(t, err)
	require.Equal(t, corev1.RestartPolicyNever, job.Spec.Template.Spec.RestartPolicy, "also against a template")
}
