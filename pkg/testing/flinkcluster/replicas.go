package flinkcluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
)

// Scale changes the number of the operator's replicas and waits until they are ready.
func (o *Operator) Scale(ctx context.Context, replicas int) error {
	_, err := o.suite.Kubectl(ctx, "scale", "-n", OperatorNamespace, "deployment/"+OperatorName, fmt.Sprintf("--replicas=%d", replicas))
	if err != nil {
		return err
	}
	return o.awaitRollout(ctx)
}

// ReleaseLease takes the lease away from an operator that is dead, so that the next one need not wait for it to expire.
func (o *Operator) ReleaseLease(ctx context.Context) error {
	leases := o.suite.Kube.CoordinationV1().Leases(OperatorNamespace)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		lease, err := leases.Get(ctx, OperatorName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		lease.Spec.HolderIdentity = new("")
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
		return err
	})
}

// AwaitOtherLeader waits until the lease is held by another pod than this one, and that pod works.
func (o *Operator) AwaitOtherLeader(ctx context.Context, than *corev1.Pod) error {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		leader, err := o.Leader(ctx)
		// Errors are expected while one pod takes over from another.
		return err == nil && leader.UID != than.UID, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for another leader than %s: %w", than.Name, err)
	}
	return o.AwaitLeading(ctx)
}

// Pause stops the process of a pod of the operator, with all that it was about to do. Resume lets it go on.
func (o *Operator) Pause(ctx context.Context, pod *corev1.Pod) error {
	return o.suite.node.signal(ctx, pod, OperatorName, "STOP")
}

// Resume lets a paused process go on.
func (o *Operator) Resume(ctx context.Context, pod *corev1.Pod) error {
	return o.suite.node.signal(ctx, pod, OperatorName, "CONT")
}

// Restarts returns how often the containers of a pod of the operator have been restarted.
func (o *Operator) Restarts(ctx context.Context, pod *corev1.Pod) (int32, error) {
	now, err := o.suite.Kube.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	var restarts int32
	for _, container := range now.Status.ContainerStatuses {
		restarts += container.RestartCount
	}
	return restarts, nil
}
