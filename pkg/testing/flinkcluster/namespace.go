package flinkcluster

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Namespace is where one test works. It is removed after the test, with all that is in it.
type Namespace struct {
	Name  string
	suite *Suite
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// NewNamespace makes a namespace for a test, with a folder for snapshots. If the test fails, logs and objects are kept.
func (s *Suite) NewNamespace(t testing.TB) *Namespace {
	t.Helper()
	word := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(t.Name()), "-"), "-")
	created, err := s.Kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: word[:min(len(word), 50)] + "-", Labels: map[string]string{runLabel: s.node.namespace}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	namespace := &Namespace{Name: created.Name, suite: s}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if t.Failed() {
			t.Logf("logs, events and objects: %s", s.keep(ctx, t.Name(), namespace.Name))
		}
		// Stop waits until it is gone.
		require.NoError(t, s.Kube.CoreV1().Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{}))
	})
	require.NoError(t, s.node.makeFolder(t.Context(), namespace.Name))
	return namespace
}

// SavepointFolders returns the names of the savepoints in the folder of the namespace, finished or not.
func (n *Namespace) SavepointFolders(t testing.TB) []string {
	t.Helper()
	names, err := n.suite.node.list(t.Context(), n.Name+"/savepoints")
	require.NoError(t, err)
	return names
}

// CompleteSavepoints returns the names of the savepoints that a job can be started from.
func (n *Namespace) CompleteSavepoints(t testing.TB) []string {
	t.Helper()
	names, err := n.suite.node.listComplete(t.Context(), n.Name+"/savepoints")
	require.NoError(t, err)
	return names
}

// Kubectl runs kubectl in the namespace and returns what it prints.
func (n *Namespace) Kubectl(t testing.TB, arguments ...string) string {
	t.Helper()
	output, err := n.suite.Kubectl(t.Context(), append([]string{"-n", n.Name}, arguments...)...)
	require.NoError(t, err)
	return output
}

// Objects returns everything in the namespace that somebody made for a FlinkCluster, as kind/name: all objects but
// those that every namespace has, and events, which the API server removes after an hour.
func (n *Namespace) Objects(ctx context.Context) ([]string, error) {
	lists, err := n.suite.discovery.ServerPreferredNamespacedResources()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, list := range lists {
		names, err := n.objectsOf(ctx, list)
		if err != nil {
			return nil, err
		}
		found = append(found, names...)
	}
	return found, nil
}
