package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// FieldManager is the operator's name in server-side apply.
const FieldManager = "flink-operator"

// kind of a child, as people know it.
type kind string

const (
	kindConfigMap   kind = "ConfigMap"
	kindService     kind = "Service"
	kindStatefulSet kind = "StatefulSet"
	kindJob         kind = "Job"
	// What the pods of a cluster with high availability run as, and may do.
	kindServiceAccount kind = "ServiceAccount"
	kindRole           kind = "Role"
	kindRoleBinding    kind = "RoleBinding"
)

var apiVersions = map[kind]string{
	kindConfigMap: "v1", kindService: "v1", kindStatefulSet: "apps/v1", kindJob: "batch/v1", kindServiceAccount: "v1",
	kindRole: "rbac.authorization.k8s.io/v1", kindRoleBinding: "rbac.authorization.k8s.io/v1",
}

// collisionError says that a child's name belongs to somebody else.
type collisionError struct {
	kind kind
	name string
}

func (e *collisionError) Error() string { return string(e.kind) + "/" + e.name }

// childClient holds the requests about one kind. cached returns what the informer has, NotFound if nothing.
type childClient struct {
	kind   kind
	cached func(namespace, name string) (metav1.Object, error)
	get    func(ctx context.Context, namespace, name string) (metav1.Object, error)
	patch  func(ctx context.Context, namespace, name string, body []byte, options metav1.PatchOptions) error
	delete func(ctx context.Context, namespace, name string, options metav1.DeleteOptions) error
	// handled spares the comparison of what needs nothing, and the repetition of what was applied and is not seen yet.
	handled handled
}

// NewWriter makes a writer. The lister tells what is there already.
func NewWriter(client kubernetes.Interface, lister *Lister) *Writer {
	return &Writer{
		obstacles: map[cache.ObjectName]Obstacles{},
		removed:   map[cache.ObjectName][]types.UID{},
		clients: map[kind]childClient{
			kindConfigMap: newChildClient(kindConfigMap,
				func(namespace string) getter[*corev1.ConfigMap] { return lister.ConfigMaps.ConfigMaps(namespace) },
				func(namespace string) requests[*corev1.ConfigMap] { return client.CoreV1().ConfigMaps(namespace) }),
			kindService: newChildClient(kindService,
				func(namespace string) getter[*corev1.Service] { return lister.Services.Services(namespace) },
				func(namespace string) requests[*corev1.Service] { return client.CoreV1().Services(namespace) }),
			kindStatefulSet: newChildClient(kindStatefulSet,
				func(namespace string) getter[*appsv1.StatefulSet] { return lister.StatefulSets.StatefulSets(namespace) },
				func(namespace string) requests[*appsv1.StatefulSet] { return client.AppsV1().StatefulSets(namespace) }),
			kindJob: newChildClient(kindJob,
				func(namespace string) getter[*batchv1.Job] { return lister.Jobs.Jobs(namespace) },
				func(namespace string) requests[*batchv1.Job] { return client.BatchV1().Jobs(namespace) }),
			kindServiceAccount: newChildClient(kindServiceAccount,
				func(namespace string) getter[*corev1.ServiceAccount] {
					return lister.ServiceAccounts.ServiceAccounts(namespace)
				},
				func(namespace string) requests[*corev1.ServiceAccount] {
					return client.CoreV1().ServiceAccounts(namespace)
				}),
			kindRole: newChildClient(kindRole,
				func(namespace string) getter[*rbacv1.Role] { return lister.Roles.Roles(namespace) },
				func(namespace string) requests[*rbacv1.Role] { return client.RbacV1().Roles(namespace) }),
			kindRoleBinding: newChildClient(kindRoleBinding,
				func(namespace string) getter[*rbacv1.RoleBinding] { return lister.RoleBindings.RoleBindings(namespace) },
				func(namespace string) requests[*rbacv1.RoleBinding] { return client.RbacV1().RoleBindings(namespace) }),
		},
	}
}

// getter is the part of a lister, and requests that of a typed client, that childClient needs.
type getter[T metav1.Object] interface {
	Get(name string) (T, error)
}

type requests[T metav1.Object] interface {
	Get(ctx context.Context, name string, options metav1.GetOptions) (T, error)
	Patch(ctx context.Context, name string, patch types.PatchType, data []byte, options metav1.PatchOptions, subresources ...string) (T, error)
	Delete(ctx context.Context, name string, options metav1.DeleteOptions) error
}

func newChildClient[T metav1.Object](kind kind, cached func(namespace string) getter[T], client func(namespace string) requests[T]) childClient {
	return childClient{
		kind: kind, handled: newHandled(),
		cached: func(namespace, name string) (metav1.Object, error) {
			return cached(namespace).Get(name)
		},
		get: func(ctx context.Context, namespace, name string) (metav1.Object, error) {
			return client(namespace).Get(ctx, name, metav1.GetOptions{})
		},
		patch: func(ctx context.Context, namespace, name string, body []byte, options metav1.PatchOptions) error {
			_, err := client(namespace).Patch(ctx, name, types.ApplyPatchType, body, options)
			return err
		},
		delete: func(ctx context.Context, namespace, name string, options metav1.DeleteOptions) error {
			return client(namespace).Delete(ctx, name, options)
		},
	}
}

// apply brings a child to its wanted form, by server-side apply with one field manager. A child that the informer
// shows in that form costs no request. One that it does not show is looked up first, since apply would take over a
// foreign object of the same name; the UID in the patch keeps it from falling on one made in between.
func (c childClient) apply(ctx context.Context, input resources.Input, step step, exists func() (bool, error)) error {
	cluster, basis := input.Cluster, basisOf(input)
	present, err := c.cached(cluster.Namespace, step.name)
	switch {
	case apierrors.IsNotFound(err):
		present, err = c.get(ctx, cluster.Namespace, step.name)
	case err == nil && c.handled.has(present, basis):
		return nil
	}
	switch {
	case apierrors.IsNotFound(err):
		if wanted, err := exists(); err != nil || !wanted {
			return err
		}
		return c.make(ctx, cluster, step)
	case err != nil:
		return fmt.Errorf("looking up %s %s/%s: %w", c.kind, cluster.Namespace, step.name, err)
	case formerLife(present, cluster):
		// Going, with the deleted cluster of this name; its end wakes this one.
		return nil
	case !metav1.IsControlledBy(present, cluster):
		return &collisionError{kind: c.kind, name: step.name}
	case present.GetDeletionTimestamp() != nil:
		return nil
	}
	if err := c.mend(ctx, cluster, present, step); err != nil {
		return err
	}
	c.handled.add(present, basis)
	return nil
}

func (c childClient) make(ctx context.Context, cluster *v1beta1.FlinkCluster, step step) error {
	wanted, err := step.applyBody()
	if err != nil {
		return err
	}
	klog.FromContext(ctx).V(2).Info("Making", "kind", c.kind, "name", step.name)
	return c.send(ctx, cluster, step.name, wanted)
}

// mend changes a child that is there and not in its wanted form.
func (c childClient) mend(ctx context.Context, cluster *v1beta1.FlinkCluster, present metav1.Object, step step) error {
	wanted, err := step.applyBody()
	if err != nil {
		return err
	}
	inForm, err := contains(present, wanted)
	if err != nil || inForm {
		return err
	}
	if err := unstructured.SetNestedField(wanted, string(present.GetUID()), "metadata", "uid"); err != nil {
		return err
	}
	klog.FromContext(ctx).V(2).Info("Mending", "kind", c.kind, "name", step.name)
	return c.send(ctx, cluster, step.name, wanted)
}

func (c childClient) send(ctx context.Context, cluster *v1beta1.FlinkCluster, name string, wanted map[string]any) error {
	body, err := json.Marshal(wanted)
	if err != nil {
		return fmt.Errorf("encoding %s %s/%s: %w", c.kind, cluster.Namespace, name, err)
	}
	// Force: the fields that we set are ours, whoever changed them.
	return c.patch(ctx, cluster.Namespace, name, body, metav1.PatchOptions{FieldManager: FieldManager, Force: new(true)})
}

// formerLife says whether a child belongs to a deleted cluster of the same name.
func formerLife(child metav1.Object, cluster *v1beta1.FlinkCluster) bool {
	owner := metav1.GetControllerOf(child)
	return owner != nil && owner.Kind == v1beta1.Kind && owner.APIVersion == v1beta1.SchemeGroupVersion.String() &&
		owner.Name == cluster.Name && owner.UID != cluster.UID
}

// remove deletes exactly the child that was decided on, and no other that has taken its name since. Its pods go with it in
// the background; decisions wait for them where it matters. The error is a conflict if the name belongs to another by now.
func (c childClient) remove(ctx context.Context, cluster *v1beta1.FlinkCluster, name string, uid types.UID) error {
	err := c.delete(ctx, cluster.Namespace, name, metav1.DeleteOptions{
		Preconditions:     &metav1.Preconditions{UID: &uid},
		PropagationPolicy: new(metav1.DeletePropagationBackground),
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// applyBody is the wanted form of a child as server-side apply takes it: only what we mean to set.
func (s step) applyBody() (map[string]any, error) {
	desired, err := s.desired()
	if err != nil {
		return nil, err
	}
	body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(desired)
	if err != nil {
		return nil, fmt.Errorf("encoding %s %s: %w", s.kind, s.name, err)
	}
	delete(body, "status")
	body["apiVersion"], body["kind"] = apiVersions[s.kind], string(s.kind)
	return body, nil
}
