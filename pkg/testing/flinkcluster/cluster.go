package flinkcluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/yaml"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// Cluster is a FlinkCluster in Kubernetes.
type Cluster struct {
	Name      string
	Namespace *Namespace
	suite     *Suite
}

// Create creates a FlinkCluster. A field that the schema does not know is an error.
func (n *Namespace) Create(t testing.TB, cluster *v1beta1.FlinkCluster) *Cluster {
	t.Helper()
	_, err := n.suite.Flink.FlinkoperatorV1beta1().FlinkClusters(n.Name).Create(t.Context(), cluster,
		metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	require.NoError(t, err)
	return &Cluster{Name: cluster.Name, Namespace: n, suite: n.suite}
}

// Get reads the FlinkCluster.
func (c *Cluster) Get(t testing.TB) *v1beta1.FlinkCluster {
	t.Helper()
	cluster, err := c.suite.Flink.FlinkoperatorV1beta1().FlinkClusters(c.Namespace.Name).Get(t.Context(), c.Name, metav1.GetOptions{})
	require.NoError(t, err)
	return cluster
}

// untilUndisturbed is for edits of a cluster whose status may be written many times a second, on a machine that is slow.
var untilUndisturbed = wait.Backoff{Steps: 30, Duration: 10 * time.Millisecond, Factor: 1.2, Jitter: 0.5}

// Edit changes the FlinkCluster as kubectl edit does.
func (c *Cluster) Edit(t testing.TB, change func(*v1beta1.FlinkCluster)) *v1beta1.FlinkCluster {
	t.Helper()
	clusters := c.suite.Flink.FlinkoperatorV1beta1().FlinkClusters(c.Namespace.Name)
	var edited *v1beta1.FlinkCluster
	require.NoError(t, retry.RetryOnConflict(untilUndisturbed, func() error {
		cluster := c.Get(t)
		change(cluster)
		var err error
		edited, err = clusters.Update(t.Context(), cluster, metav1.UpdateOptions{FieldValidation: metav1.FieldValidationStrict})
		return err
	}))
	return edited
}

// Annotate makes a request by annotation and returns its number.
func (c *Cluster) Annotate(t testing.TB, value string) int64 {
	t.Helper()
	before := c.Get(t)
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1beta1.ControlAnnotation, value)
	_, err := c.suite.Flink.FlinkoperatorV1beta1().FlinkClusters(c.Namespace.Name).
		Patch(t.Context(), c.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	require.NoError(t, err)
	if before.Status.Control == nil {
		return 1
	}
	return before.Status.Control.Request + 1
}

// AwaitControl waits until a request by annotation has come to an end and its annotation is gone.
func (c *Cluster) AwaitControl(t testing.TB, request int64) *v1beta1.FlinkCluster {
	t.Helper()
	return c.Await(t, fmt.Sprintf("the end of request %d by annotation", request), func(cluster *v1beta1.FlinkCluster) bool {
		control := cluster.Status.Control
		_, annotated := cluster.Annotations[v1beta1.ControlAnnotation]
		return control != nil && control.Request == request && !annotated &&
			(control.State == v1beta1.ControlStateSucceeded || control.State == v1beta1.ControlStateFailed)
	})
}

// AwaitRunning waits until a run of the job has all its tasks running. A job that has ended for good is a failure at
// once; one that is about to be restarted is not Degraded.
func (c *Cluster) AwaitRunning(t testing.TB, attempt int32) *v1beta1.FlinkCluster {
	t.Helper()
	return c.await(t, fmt.Sprintf("run %d of the job to be running", attempt), func(cluster *v1beta1.FlinkCluster) (bool, error) {
		job := cluster.Status.Components.Job
		if job == nil {
			return false, nil
		}
		failed := cluster.Status.Lifecycle == v1beta1.LifecycleFailed && meta.IsStatusConditionTrue(cluster.Status.Conditions, v1beta1.ConditionDegraded)
		if failed || job.State == v1beta1.JobStateSucceeded || job.Attempt > attempt {
			return false, fmt.Errorf("the job is %s in run %d: %s", job.State, job.Attempt, strings.Join(job.FailureReasons, "; "))
		}
		return job.Attempt == attempt && job.State == v1beta1.JobStateRunning, nil
	})
}

// AwaitJob waits until the job is in a state.
func (c *Cluster) AwaitJob(t testing.TB, state v1beta1.JobState) *v1beta1.FlinkCluster {
	t.Helper()
	return c.Await(t, "the job to be "+string(state), func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Components.Job != nil && cluster.Status.Components.Job.State == state
	})
}

// Await watches the FlinkCluster until it is as wanted, and returns it.
func (c *Cluster) Await(t testing.TB, what string, reached func(*v1beta1.FlinkCluster) bool) *v1beta1.FlinkCluster {
	t.Helper()
	return c.await(t, what, func(cluster *v1beta1.FlinkCluster) (bool, error) { return reached(cluster), nil })
}

func (c *Cluster) await(t testing.TB, what string, reached func(*v1beta1.FlinkCluster) (bool, error)) *v1beta1.FlinkCluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var seen *v1beta1.FlinkCluster
	_, err := watchtools.UntilWithSync(ctx, c.listWatch(), &v1beta1.FlinkCluster{}, nil, func(event watch.Event) (bool, error) {
		cluster, isCluster := event.Object.(*v1beta1.FlinkCluster)
		if !isCluster {
			return false, fmt.Errorf("watching the FlinkCluster gave %T", event.Object)
		}
		seen = cluster
		if event.Type == watch.Deleted {
			return false, errors.New("the FlinkCluster was deleted")
		}
		return reached(cluster)
	})
	if err != nil {
		require.FailNow(t, "waited in vain for "+what, "%v\n%s", err, statusText(seen))
	}
	return seen
}

func statusText(cluster *v1beta1.FlinkCluster) string {
	if cluster == nil {
		return "the FlinkCluster was never seen"
	}
	text, err := yaml.Marshal(cluster.Status)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (c *Cluster) listWatch() *cache.ListWatch {
	clusters := c.suite.Flink.FlinkoperatorV1beta1().FlinkClusters(c.Namespace.Name)
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, c.Name).String()
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = selector
			return clusters.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = selector
			return clusters.Watch(ctx, options)
		},
	}
}

// Eventually looks again and again until look finds nothing missing.
func Eventually(t testing.TB, what string, look func(ctx context.Context) error) {
	t.Helper()
	missing := errors.New("not looked yet")
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		missing = look(ctx)
		return missing == nil, nil
	})
	if err != nil {
		require.FailNow(t, "waited in vain for "+what, "%v: %v", err, missing)
	}
}

// Pods returns the pods of a component, or of all for an empty one, by name.
func (c *Cluster) Pods(t testing.TB, component string) map[string]*corev1.Pod {
	t.Helper()
	selector := v1beta1.LabelCluster + "=" + c.Name
	if component != "" {
		selector += "," + v1beta1.LabelComponent + "=" + component
	}
	pods, err := c.suite.Kube.CoreV1().Pods(c.Namespace.Name).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	require.NoError(t, err)
	found := map[string]*corev1.Pod{}
	for i := range pods.Items {
		found[pods.Items[i].Name] = &pods.Items[i]
	}
	return found
}

// Identities tells pods and containers from those that replaced them: equal identities mean that nothing was restarted.
func (c *Cluster) Identities(t testing.TB, component string) []string {
	t.Helper()
	var identities []string
	for name, pod := range c.Pods(t, component) {
		for _, container := range pod.Status.ContainerStatuses {
			identities = append(identities, fmt.Sprintf("%s %s %s %d", name, pod.UID, container.Name, container.RestartCount))
		}
	}
	slices.Sort(identities)
	return identities
}

// StayingPods returns those of Pods that are not on their way out.
func (c *Cluster) StayingPods(t testing.TB, component string) map[string]*corev1.Pod {
	t.Helper()
	pods := c.Pods(t, component)
	maps.DeleteFunc(pods, func(_ string, pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil })
	return pods
}

// OnlyPod returns the one pod of a component that is not on its way out.
func (c *Cluster) OnlyPod(t testing.TB, component string) *corev1.Pod {
	t.Helper()
	pods := c.StayingPods(t, component)
	require.Len(t, pods, 1, "pods of the %s", component)
	return slices.Collect(maps.Values(pods))[0]
}

// DeletePod deletes a pod at once, as after the loss of its node.
func (c *Cluster) DeletePod(t testing.TB, pod *corev1.Pod) {
	t.Helper()
	require.NoError(t, c.suite.Kube.CoreV1().Pods(pod.Namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}))
}

// DeleteAll deletes the FlinkCluster and waits until nothing of it is left in the namespace.
func (c *Cluster) DeleteAll(t testing.TB) {
	t.Helper()
	c.Namespace.Kubectl(t, "delete", "flinkcluster", c.Name, "--timeout", patience.String())
	c.AwaitNothingLeft(t)
}

// AwaitNothingLeft waits until nothing is left of a FlinkCluster that is deleted.
func (c *Cluster) AwaitNothingLeft(t testing.TB) {
	t.Helper()
	Eventually(t, "an empty namespace", func(ctx context.Context) error {
		objects, err := c.Namespace.Objects(ctx)
		if err == nil && len(objects) > 0 {
			err = fmt.Errorf("left: %s", strings.Join(objects, ", "))
		}
		return err
	})
}

// AwaitEvent waits for an event of the FlinkCluster with a reason, and returns it. Events come after the status.
func (c *Cluster) AwaitEvent(t testing.TB, reason v1beta1.EventReason, text string) {
	t.Helper()
	Eventually(t, fmt.Sprintf("an event %s with %q", reason, text), func(ctx context.Context) error {
		events, err := c.suite.Kube.EventsV1().Events(c.Namespace.Name).List(ctx, metav1.ListOptions{FieldSelector: "reason=" + string(reason)})
		if err != nil {
			return err
		}
		var notes []string
		for _, event := range events.Items {
			if event.Regarding.Kind == v1beta1.Kind && event.Regarding.Name == c.Name {
				notes = append(notes, event.Note)
			}
		}
		if !slices.ContainsFunc(notes, func(note string) bool { return strings.Contains(note, text) }) {
			return fmt.Errorf("there are %d: %q", len(notes), notes)
		}
		return nil
	})
}

// PodsMadeByJobs returns how many pods each Job of the namespace has ever made, by the Job's uid. Events tell it, as
// neither Jobs nor pods remain.
func (c *Cluster) PodsMadeByJobs(t testing.TB) map[types.UID]int {
	t.Helper()
	events, err := c.suite.Kube.EventsV1().Events(c.Namespace.Name).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=SuccessfulCreate"})
	require.NoError(t, err)
	made := map[types.UID]int{}
	for _, event := range events.Items {
		if event.Regarding.Kind != "Job" || event.Regarding.Name != c.Name+"-jobmanager" {
			continue
		}
		count := max(1, int(event.DeprecatedCount))
		if event.Series != nil {
			count = int(event.Series.Count)
		}
		made[event.Regarding.UID] += count
	}
	return made
}

// Delete deletes the FlinkCluster and waits for nothing.
func (c *Cluster) Delete(t testing.TB) {
	t.Helper()
	require.NoError(t, c.suite.Flink.FlinkoperatorV1beta1().FlinkClusters(c.Namespace.Name).Delete(t.Context(), c.Name, metav1.DeleteOptions{}))
}
