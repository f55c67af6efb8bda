package resources

import (
	"errors"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

var (
	errNoRun  = errors.New("a JobManager of an application needs spec.job and the run that it is for")
	errHasJob = errors.New("a JobManager of a session cluster cannot have spec.job or a run")
	errHAKind = errors.New("a JobManager with high availability starts anew in its place, and so is a StatefulSet; one of an application without is a Job")
)

// JobManagerJob is the JobManager of one run of an application. It never starts a second time: without high
// availability it would begin again from the state it was given at first, and not from the newest. So its end is the
// end of the run. Its pod template cannot be changed; the Job of another run takes its place when it is gone.
func JobManagerJob(in Input) (*batchv1.Job, error) {
	if in.Cluster.Spec.Job == nil || in.Run == nil {
		return nil, errNoRun
	}
	if in.Cluster.Spec.HighAvailability() {
		return nil, errHAKind
	}
	part := applicationComponent(in)
	part.restartPolicy = corev1.RestartPolicyNever
	template, err := podTemplate(in, part)
	if err != nil {
		return nil, err
	}
	return &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: in.metadata(JobManagerName(in.Cluster.Name), in.runLabels(v1beta1.ComponentJobManager)),
		Spec: batchv1.JobSpec{
			Parallelism:  new(int32(1)),
			Completions:  new(int32(1)),
			BackoffLimit: new(int32(0)),
			// A pod that is going, but not gone, still counts.
			PodReplacementPolicy: new(batchv1.Failed),
			Template:             template,
		},
	}, nil
}

// JobManagerStatefulSet is the JobManager of a session cluster, and of a run with high availability: its pods start anew in
// their place, and go on from the newest checkpoint.
func JobManagerStatefulSet(in Input) (*appsv1.StatefulSet, error) {
	part, err := restartingComponent(in)
	if err != nil {
		return nil, err
	}
	part.restartPolicy = corev1.RestartPolicyAlways
	return statefulSet(in, part, JobManagerName(in.Cluster.Name), in.Cluster.Spec.JobManager.Replicas)
}

func restartingComponent(in Input) (component, error) {
	switch {
	case in.Cluster.Spec.Job == nil && in.Run == nil:
		part := jobManagerComponent(in)
		address, env := leaderAddress(in)
		part.args = slices.Concat([]string{"jobmanager"}, address, literal(dynamicProperties(in)...))
		part.env = env
		return part, nil
	case in.Cluster.Spec.Job == nil || in.Run == nil:
		return component{}, errHasJob
	case !in.Cluster.Spec.HighAvailability():
		return component{}, errHAKind
	}
	return applicationComponent(in), nil
}

// applicationComponent runs the job's main method in the JobManager.
func applicationComponent(in Input) component {
	part := jobManagerComponent(in)
	address, env := leaderAddress(in)
	part.args = slices.Concat(literal(applicationArguments(in)...), address, literal(programArguments(in.Cluster.Spec.Job.Args)...))
	part.env = env
	part.jar = jarPath(in.Cluster.Spec.Job.JarFile)
	return part
}

func jobManagerComponent(in Input) component {
	jobManager := in.Cluster.Spec.JobManager
	return component{name: v1beta1.ComponentJobManager, spec: &jobManager.ComponentSpec, ports: jobManagerPorts(jobManager.Ports)}
}

// applicationArguments are for Flink's standalone-job command. It parses options up to the first word that it does
// not know, so only options that all versions have may stand here.
func applicationArguments(in Input) []string {
	job, arguments := in.Cluster.Spec.Job, []string{"standalone-job"}
	if job.ClassName != "" {
		arguments = append(arguments, "--job-classname", job.ClassName)
	}
	arguments = append(arguments, "--job-id", in.Run.JobID)
	if in.Run.RestoreFrom != "" {
		arguments = append(arguments, "--fromSavepoint", in.Run.RestoreFrom)
	}
	if job.AllowNonRestoredState {
		arguments = append(arguments, "--allowNonRestoredState")
	}
	return slices.Concat(arguments, highAvailabilityArguments(in), dynamicProperties(in))
}

// programArguments are for the job's main method. The parser of each Flink version drops the first "--" and takes
// nothing behind it for an option of its own. Flink's start script, which looks for memory options, does not stop
// there: it fails if the last word is "-c", "--configDir" or "-D", or if "-D" is not followed by "name=value".
func programArguments(arguments []string) []string {
	if len(arguments) == 0 {
		return nil
	}
	return append([]string{"--"}, arguments...)
}
