package flinkcluster

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// inEveryNamespace are objects that Kubernetes itself makes.
var inEveryNamespace = []string{"ConfigMap/kube-root-ca.crt", "ServiceAccount/default"}

func (n *Namespace) objectsOf(ctx context.Context, list *metav1.APIResourceList) ([]string, error) {
	groupVersion, err := schema.ParseGroupVersion(list.GroupVersion)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, resource := range list.APIResources {
		if !slices.Contains(resource.Verbs, "list") || resource.Kind == "Event" {
			continue
		}
		objects, err := n.suite.dynamic.Resource(groupVersion.WithResource(resource.Name)).Namespace(n.Name).List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, object := range objects.Items {
			if name := resource.Kind + "/" + object.GetName(); !slices.Contains(inEveryNamespace, name) {
				found = append(found, name)
			}
		}
	}
	return found, nil
}
