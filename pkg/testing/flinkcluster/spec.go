package flinkcluster

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

const (
	// CounterJar is in the folder where Flink looks for jars of users; ExampleJar is a copy elsewhere in the image.
	CounterJar = "/opt/flink/usrlib/counter.jar"
	ExampleJar = "/opt/flink/examples/counter.jar"
	// CounterClass is the job that counts, BrokenClass one that fails in its main method.
	CounterClass = "org.flinkoperator.jobs.CounterJob"
	BrokenClass  = "org.flinkoperator.jobs.BrokenJob"

	// DataPath is where pods see the folder of the test's namespace.
	DataPath = "/flink-data"
	// SavepointsDirectory and CheckpointsDirectory are in it.
	SavepointsDirectory  = "file://" + DataPath + "/savepoints"
	CheckpointsDirectory = "file://" + DataPath + "/checkpoints"
	// HAStorageDirectory is where the metadata of high availability points to.
	HAStorageDirectory = "file://" + DataPath + "/ha"

	dataVolume = "data"
)

// Session returns a small session cluster that has not been created yet.
func (n *Namespace) Session(name string) *v1beta1.FlinkCluster {
	return &v1beta1.FlinkCluster{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: n.Name},
		Spec: v1beta1.FlinkClusterSpec{
			Image: v1beta1.ImageSpec{Name: n.suite.flinkImage, PullPolicy: corev1.PullIfNotPresent},
			FlinkProperties: map[string]string{
				"execution.checkpointing.interval": "1s",
				"execution.checkpointing.dir":      CheckpointsDirectory,
				"taskmanager.memory.managed.size":  "0m",
				"metrics.fetcher.update-interval":  "500ms",
			},
			EnvVars:     []corev1.EnvVar{{Name: "JDK_JAVA_OPTIONS", Value: quickStart}},
			JobManager:  &v1beta1.JobManagerSpec{ComponentSpec: n.component("400Mi", "960Mi")},
			TaskManager: &v1beta1.TaskManagerSpec{Replicas: new(int32(1)), ComponentSpec: n.component("400Mi", "1200Mi")},
		},
	}
}

// Several JVMs start at a time on few cores, also those that Flink's scripts ask for the sizes of memory: compile less.
const quickStart = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

// Counter returns a cluster with a job that counts and takes a checkpoint every second. It has not been created yet.
func (n *Namespace) Counter(name string, arguments ...string) *v1beta1.FlinkCluster {
	cluster := n.Session(name)
	cluster.Spec.Job = &v1beta1.JobSpec{
		JarFile: CounterJar, Args: arguments, Parallelism: new(int32(1)),
		SavepointsDir: SavepointsDirectory,
		RestartPolicy: v1beta1.RestartPolicyFromLatestStateOnFailure,
		CleanupPolicy: &v1beta1.CleanupPolicy{
			AfterJobSucceeds: v1beta1.CleanupActionKeepCluster, AfterJobCancelled: v1beta1.CleanupActionKeepCluster,
		},
	}
	return cluster
}

// Pace is the argument of the counting job for a pause before each number.
func Pace(millis int) []string {
	return []string{"--interval-millis", strconv.Itoa(millis)}
}

func (n *Namespace) component(request, limit string) v1beta1.ComponentSpec {
	return v1beta1.ComponentSpec{
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("20m"), corev1.ResourceMemory: resource.MustParse(request),
			},
			Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)},
		},
		// The folder is on one node.
		NodeSelector: map[string]string{corev1.LabelHostname: n.suite.node.hostname},
		Volumes: []corev1.Volume{{Name: dataVolume, VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: n.suite.node.folder(n.Name), Type: new(corev1.HostPathDirectory)},
		}}},
		VolumeMounts: []corev1.VolumeMount{{Name: dataVolume, MountPath: DataPath}},
	}
}
