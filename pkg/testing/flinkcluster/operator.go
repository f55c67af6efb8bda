package flinkcluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"
)

const (
	// OperatorNamespace and OperatorName are those of the manifest; the service account has the name too.
	OperatorNamespace = "flink-operator-system"
	OperatorName      = "flink-operator"
)

// Operator is the operator under test.
type Operator struct {
	suite    *Suite
	manifest string
	// wasThere is true if the operator was deployed before the tests: then it stays after them.
	wasThere bool

	// lastLogs holds the logs of pods that a test has killed.
	logsLock sync.Mutex
	lastLogs bytes.Buffer
}

// deployOperator installs the manifest, with a fresh pod: the image may be newer than its name.
func deployOperator(ctx context.Context, suite *Suite, config Config) (*Operator, error) {
	operator := &Operator{suite: suite, manifest: config.Manifest}
	_, err := suite.Kube.CoreV1().Namespaces().Get(ctx, OperatorNamespace, metav1.GetOptions{})
	switch {
	case err == nil:
		operator.wasThere = true
	case !apierrors.IsNotFound(err):
		return nil, err
	}
	manifest, err := os.ReadFile(config.Manifest)
	if err != nil {
		return nil, err
	}
	if manifest, err = forTest(manifest, config); err != nil {
		return nil, fmt.Errorf("%s: %w", config.Manifest, err)
	}
	if err := operator.apply(ctx, manifest); err != nil {
		return nil, err
	}
	return operator, operator.awaitRollout(ctx)
}

func (o *Operator) apply(ctx context.Context, manifest []byte) error {
	_, err := o.suite.kubectlWithInput(ctx, manifest, "apply", "--server-side", "--force-conflicts", "-f", "-")
	return err
}

// forTest changes the Deployment in the manifest: the image, how much is logged, and a mark that makes a new pod.
func forTest(manifest []byte, config Config) ([]byte, error) {
	documents := bytes.Split(manifest, []byte("\n---\n"))
	for i, document := range documents {
		deployment := new(appsv1.Deployment)
		if err := yaml.Unmarshal(document, deployment); err != nil {
			return nil, err
		}
		if deployment.Kind != "Deployment" {
			continue
		}
		template := &deployment.Spec.Template
		template.Annotations["flink-operator-tests/started"] = time.Now().Format(time.RFC3339Nano)
		container := &template.Spec.Containers[0]
		if config.OperatorImage != "" {
			container.Image = config.OperatorImage
		}
		container.Args = append(container.Args, config.OperatorArguments...)
		changed, err := yaml.Marshal(deployment)
		if err != nil {
			return nil, err
		}
		documents[i] = changed
	}
	return bytes.Join(documents, []byte("\n---\n")), nil
}

func (o *Operator) awaitRollout(ctx context.Context) error {
	_, err := o.suite.Kubectl(ctx, "rollout", "status", "-n", OperatorNamespace, "deployment/"+OperatorName, "--timeout", patience.String())
	return err
}

// remove brings back what was there before the tests: nothing, or the operator as the manifest has it.
func (o *Operator) remove(ctx context.Context) error {
	if !o.wasThere {
		_, err := o.suite.Kubectl(ctx, "delete", "--ignore-not-found", "-f", o.manifest, "--timeout", patience.String())
		return err
	}
	manifest, err := os.ReadFile(o.manifest)
	if err != nil {
		return err
	}
	return o.apply(ctx, manifest)
}

// Leader returns the pod of the operator that holds the lease.
func (o *Operator) Leader(ctx context.Context) (*corev1.Pod, error) {
	lease, err := o.suite.Kube.CoordinationV1().Leases(OperatorNamespace).Get(ctx, OperatorName, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return nil, errors.New("nobody holds the operator's lease")
	}
	name, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_")
	return o.suite.Kube.CoreV1().Pods(OperatorNamespace).Get(ctx, name, metav1.GetOptions{})
}

// Killer is a kill -9 of the operator that is ready to be done.
type Killer struct {
	operator *Operator
	pod      *corev1.Pod
	trigger  *trigger
}

// ArmKiller prepares a kill -9 of the operator, so that the kill itself takes only a moment.
func (o *Operator) ArmKiller(ctx context.Context) (*Killer, error) {
	pod, err := o.Leader(ctx)
	if err != nil {
		return nil, err
	}
	trigger, err := o.suite.node.armKill(ctx, pod, OperatorName)
	return &Killer{operator: o, pod: pod, trigger: trigger}, err
}

// Kill kills the operator's process, which gets no chance to release its lease or to finish anything. Its pod is
// deleted then, because kubelet would wait longer and longer before it starts a container that died several times.
func (k *Killer) Kill(ctx context.Context) error {
	if err := k.trigger.pull(); err != nil {
		return err
	}
	return k.operator.removePod(ctx, k.pod)
}

// Crash is the same for a moment that need not be exact.
func (o *Operator) Crash(ctx context.Context) error {
	pod, err := o.Leader(ctx)
	if err != nil {
		return err
	}
	if err := o.suite.node.killAtOnce(ctx, pod, OperatorName); err != nil {
		return err
	}
	return o.removePod(ctx, pod)
}

func (o *Operator) removePod(ctx context.Context, pod *corev1.Pod) error {
	o.keepLog(ctx, pod.Name)
	return o.suite.Kube.CoreV1().Pods(OperatorNamespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})
}

func (o *Operator) keepLog(ctx context.Context, pod string) {
	log, err := o.suite.Kube.CoreV1().Pods(OperatorNamespace).GetLogs(pod, &corev1.PodLogOptions{}).DoRaw(ctx)
	if err != nil {
		log = []byte(err.Error())
	}
	o.logsLock.Lock()
	defer o.logsLock.Unlock()
	fmt.Fprintf(&o.lastLogs, "--- pod %s, killed by a test\n%s\n", pod, log)
}

func (o *Operator) keptLogs() []byte {
	o.logsLock.Lock()
	defer o.logsLock.Unlock()
	return bytes.Clone(o.lastLogs.Bytes())
}

// AwaitLeading waits until an operator works: it holds the lease and its caches are full.
func (o *Operator) AwaitLeading(ctx context.Context) error {
	return wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		pod, err := o.Leader(ctx)
		leads := 0.0
		if err == nil && ready(pod) {
			leads, err = o.Metric(ctx, "flink_operator_leader")
		}
		// Errors are expected while one pod takes over from another.
		return err == nil && leads == 1, nil
	})
}

func ready(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
		return condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
	})
}

// Metric returns the value of a metric without labels.
func (o *Operator) Metric(ctx context.Context, name string) (float64, error) {
	pod, err := o.Leader(ctx)
	if err != nil {
		return 0, err
	}
	page, err := o.suite.Kube.CoreV1().Pods(OperatorNamespace).ProxyGet("http", pod.Name, "8080", "metrics", nil).DoRaw(ctx)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(page))
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("the operator has no metric %s", name)
}
