package apiserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

const (
	fieldManager = "test"
	// kindTimeout is how long a kind that was just defined may take to be served.
	kindTimeout = 20 * time.Second
)

// Apply applies all objects of some files by server-side apply, in their order. Kinds that are defined among them are
// waited for.
func (s *Server) Apply(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		objects, err := ReadObjects(path)
		require.NoError(t, err)
		for _, object := range objects {
			require.NoError(t, s.applyObject(t.Context(), object), "applying %s", path)
		}
	}
}

func (s *Server) applyObject(ctx context.Context, object *unstructured.Unstructured) error {
	var resource dynamic.ResourceInterface
	err := wait.PollUntilContextTimeout(ctx, pollInterval, kindTimeout, true, func(context.Context) (bool, error) {
		var err error
		resource, err = s.resource(object)
		if meta.IsNoMatchError(err) {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return fmt.Errorf("looking up %s: %w", object.GroupVersionKind(), err)
	}
	_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	return err
}

// resource is the way to the objects of one kind, in the namespace of the object given.
func (s *Server) resource(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kinds, err := discovery.NewDiscoveryClientForConfig(s.admin)
	if err != nil {
		return nil, err
	}
	groups, err := restmapper.GetAPIGroupResources(kinds)
	if err != nil {
		return nil, err
	}
	kind := object.GroupVersionKind()
	mapping, err := restmapper.NewDiscoveryRESTMapper(groups).RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(s.admin)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return client.Resource(mapping.Resource), nil
	}
	return client.Resource(mapping.Resource).Namespace(object.GetNamespace()), nil
}

// ReadObjects reads the objects of a file with one or more YAML documents.
func ReadObjects(path string) ([]*unstructured.Unstructured, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(file, 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		// A document may hold nothing but comments.
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}
