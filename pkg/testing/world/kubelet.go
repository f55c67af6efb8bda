package world

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// kubelet is the controllers of Jobs and StatefulSets, the scheduler and the kubelet in one loop. It looks at
// everything whenever something changed or is due. It looks at what is stored itself, so that no fault hits it, and that
// little time goes by: it copies what it changes.
type kubelet struct {
	world  *World
	client kubernetes.Interface
	wake   chan struct{}

	mutex sync.Mutex
	pods  map[types.UID]*podRecord
	// started are the Jobs that have had their pod.
	started map[types.UID]bool
	// garbage: a FlinkCluster was deleted, so there may be objects left whose owner is gone.
	garbage bool
	// blocked is why the containers of a component do not start.
	blocked map[string]corev1.ContainerStateWaiting
	// broken is how the JobManagers of an image end.
	broken map[string]Exit
}

// podRecord is what is known of a pod beyond its object.
type podRecord struct {
	made, started, deleted time.Time
	// process is the JobManager that runs in it.
	process *Process
	// exit is how the process is about to end, at exitAt.
	exit   *Exit
	exitAt time.Time
	// restarts is how often its container was started anew, last how it ended before.
	restarts int32
	last     *Exit
}

func newKubelet(w *World) *kubelet {
	return &kubelet{
		world: w, client: w.API.KubeClient(w.t), wake: make(chan struct{}, 1),
		pods: map[types.UID]*podRecord{}, started: map[types.UID]bool{}, blocked: map[string]corev1.ContainerStateWaiting{},
		broken: map[string]Exit{},
	}
}

func (k *kubelet) run() {
	ctx := k.world.ends
	k.world.API.Follow(k.signal, &batchv1.Job{}, &appsv1.StatefulSet{}, &corev1.Pod{}, &corev1.Service{})
	timer := time.NewTimer(0)
	for ctx.Err() == nil {
		if next := k.pass(time.Now()); next > 0 {
			timer.Reset(next)
		}
		select {
		case <-ctx.Done():
		case <-k.wake:
		case <-timer.C:
		}
	}
}

func (k *kubelet) signal() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// pass brings everything as far as it can be by now, and returns when more is due; 0 for never.
func (k *kubelet) pass(now time.Time) time.Duration {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.garbage {
		k.collectGarbage()
	}
	for _, job := range fixture.Look[batchv1.Job](k.world.t, k.world.API, "") {
		k.controlJob(job)
	}
	for _, set := range fixture.Look[appsv1.StatefulSet](k.world.t, k.world.API, "") {
		k.controlStatefulSet(set)
	}
	next := time.Duration(0)
	pods := fixture.Look[corev1.Pod](k.world.t, k.world.API, "")
	for _, pod := range pods {
		if due := k.runPod(pod, now); due > 0 && (next == 0 || due < next) {
			next = due
		}
	}
	k.forgetGone(pods)
	k.connect()
	return next
}

// controlJob is the Job controller with backoffLimit 0: the Job has one pod, and ends with it.
func (k *kubelet) controlJob(job *batchv1.Job) {
	if slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool { return c.Status == corev1.ConditionTrue }) {
		return
	}
	pods := k.owned(job)
	switch {
	case len(pods) == 0 && !k.started[job.UID]:
		if k.makePod(job, job.Name+"-"+attemptOf(job.Labels), &job.Spec.Template) {
			k.started[job.UID] = true
			k.setJob(job, func(status *batchv1.JobStatus) { status.Active = 1 })
		}
	case len(pods) == 0, pods[0].Status.Phase == corev1.PodFailed:
		k.endJob(job, batchv1.JobFailed, "BackoffLimitExceeded")
	case pods[0].Status.Phase == corev1.PodSucceeded:
		k.endJob(job, batchv1.JobComplete, "CompletionsReached")
	}
}

func (k *kubelet) endJob(job *batchv1.Job, condition batchv1.JobConditionType, reason string) {
	k.setJob(job, func(status *batchv1.JobStatus) {
		status.Active = 0
		status.Conditions = append(status.Conditions, batchv1.JobCondition{Type: condition, Status: corev1.ConditionTrue, Reason: reason})
	})
}

func (k *kubelet) setJob(job *batchv1.Job, change func(*batchv1.JobStatus)) {
	job = job.DeepCopy()
	change(&job.Status)
	fixture.Replace(k.world.t, k.world.API, job)
}

// tolerate lets pass that an object has changed or gone meanwhile: the next pass looks at it anew.
func (k *kubelet) tolerate(err error) {
	if k.world.ends.Err() == nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		assert.NoError(k.world.t, err)
	}
}

// controlStatefulSet keeps the wanted number of pods, all at once.
func (k *kubelet) controlStatefulSet(set *appsv1.StatefulSet) {
	wanted, ready := *set.Spec.Replicas, int32(0)
	var names []string
	for number := range wanted {
		name := fmt.Sprintf("%s-%d", set.Name, number)
		names = append(names, name)
		k.makePod(set, name, &set.Spec.Template)
	}
	for _, pod := range k.owned(set) {
		if !slices.Contains(names, pod.Name) && pod.DeletionTimestamp == nil {
			k.tolerate(k.client.CoreV1().Pods(pod.Namespace).Delete(k.world.ends, pod.Name, metav1.DeleteOptions{}))
		}
		if isReady(pod) {
			ready++
		}
	}
	if set.Status.Replicas != wanted || set.Status.ReadyReplicas != ready {
		set = set.DeepCopy()
		set.Status.Replicas, set.Status.ReadyReplicas = wanted, ready
		fixture.Replace(k.world.t, k.world.API, set)
	}
}

// owned returns the pods of a workload.
func (k *kubelet) owned(workload metav1.Object) []*corev1.Pod {
	return slices.DeleteFunc(fixture.Look[corev1.Pod](k.world.t, k.world.API, workload.GetNamespace()), func(pod *corev1.Pod) bool {
		return !metav1.IsControlledBy(pod, workload)
	})
}

// podFinalizer keeps a pod that is deleted until its process has ended.
const podFinalizer = "world.example.com/running"

// makePod makes a pod of a workload unless its name is taken, perhaps by one that has not gone yet.
func (k *kubelet) makePod(workload metav1.Object, name string, template *corev1.PodTemplateSpec) bool {
	if fixture.LookAt[corev1.Pod](k.world.t, k.world.API, workload.GetNamespace(), name) != nil {
		return false
	}
	apiVersion, kind := "apps/v1", "StatefulSet"
	if _, isJob := workload.(*batchv1.Job); isJob {
		apiVersion, kind = "batch/v1", "Job"
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: workload.GetNamespace(), Name: name, Labels: template.Labels, Annotations: template.Annotations,
			Finalizers: []string{podFinalizer},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: apiVersion, Kind: kind, Name: workload.GetName(), UID: workload.GetUID(), Controller: new(true),
			}},
		},
		Spec: template.Spec,
	}
	k.world.API.Add(k.world.t, pod)
	made := fixture.LookAt[corev1.Pod](k.world.t, k.world.API, pod.Namespace, name)
	k.pods[made.UID] = &podRecord{made: time.Now()}
	return true
}

func (k *kubelet) forgetGone(pods []*corev1.Pod) {
	for uid := range k.pods {
		if !slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { return pod.UID == uid }) {
			delete(k.pods, uid)
		}
	}
}
