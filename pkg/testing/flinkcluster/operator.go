package flinkcluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// OperatorNamespace and OperatorName are those of the manifest; the service account has the name too.
	OperatorNamespace = "flink-operator-system"
	OperatorName      = "flink-operator"

	operatorSelector = "app.kubernetes.io/name=" + OperatorName
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

// deployOperator installs the manifest and starts a fresh pod, since the image may be newer than its name.
func deployOperator(ctx context.Context, suite *Suite, config Config) (*Operator, error) {
	operator := &Operator{suite: suite, manifest: config.Manifest}
	_, err := suite.Kube.CoreV1().Namespaces().Get(ctx, OperatorNamespace, metav1.GetOptions{})
	switch {
	case err == nil:
		operator.wasThere = true
	case !apierrors.IsNotFound(err):
		return nil, err
	}
	if _, err := os.Stat(config.Manifest); err != nil {
		return nil, err
	}
	if _, err := suite.Kubectl(ctx, "apply", "--server-side", "--force-conflicts", "-f", config.Manifest); err != nil {
		return nil, err
	}
	if config.OperatorImage != "" {
		if _, err := suite.Kubectl(ctx, "set", "image", "-n", OperatorNamespace, "deployment/"+OperatorName, OperatorName+"="+config.OperatorImage); err != nil {
			return nil, err
		}
	}
	if operator.wasThere {
		if _, err := suite.Kubectl(ctx, "rollout", "restart", "-n", OperatorNamespace, "deployment/"+OperatorName); err != nil {
			return nil, err
		}
	}
	return operator, operator.awaitRollout(ctx)
}

func (o *Operator) awaitRollout(ctx context.Context) error {
	_, err := o.suite.Kubectl(ctx, "rollout", "status", "-n", OperatorNamespace, "deployment/"+OperatorName, "--timeout", patience.String())
	return err
}

func (o *Operator) remove(ctx context.Context) error {
	if o.wasThere {
		return nil
	}
	_, err := o.suite.Kubectl(ctx, "delete", "--ignore-not-found", "-f", o.manifest, "--timeout", patience.String())
	return err
}

// Pod returns the one pod of the operator that is not on its way out.
func (o *Operator) Pod(ctx context.Context) (*corev1.Pod, error) {
	pods, err := o.suite.Kube.CoreV1().Pods(OperatorNamespace).List(ctx, metav1.ListOptions{LabelSelector: operatorSelector})
	if err != nil {
		return nil, err
	}
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp == nil {
			return &pods.Items[i], nil
		}
	}
	return nil, errors.New("the operator has no pod")
}

// Killer is a kill -9 of the operator that is ready to be done.
type Killer struct {
	operator *Operator
	pod      *corev1.Pod
	trigger  *trigger
}

// ArmKiller prepares a kill -9 of the operator, so that the kill itself takes only a moment.
func (o *Operator) ArmKiller(ctx context.Context) (*Killer, error) {
	pod, err := o.Pod(ctx)
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
	k.operator.keepLog(ctx, k.pod.Name)
	return k.operator.suite.Kube.CoreV1().Pods(OperatorNamespace).Delete(ctx, k.pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})
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
		deployment, err := o.suite.Kube.AppsV1().Deployments(OperatorNamespace).Get(ctx, OperatorName, metav1.GetOptions{})
		if err != nil || !available(deployment) {
			return false, nil
		}
		leads, err := o.Metric(ctx, "flink_operator_leader")
		return err == nil && leads == 1, nil
	})
}

func available(deployment *appsv1.Deployment) bool {
	return deployment.Status.ObservedGeneration == deployment.Generation && deployment.Status.AvailableReplicas > 0
}

// Metric returns the value of a metric without labels.
func (o *Operator) Metric(ctx context.Context, name string) (float64, error) {
	pod, err := o.Pod(ctx)
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
