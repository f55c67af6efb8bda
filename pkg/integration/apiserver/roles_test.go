//go:build apiserver

package apiserver

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/flink-operator/flink-operator/cmd/flink-operator/app/options"
	"github.com/flink-operator/flink-operator/pkg/testing/apiserver"
)

const (
	operatorRole = "flink-operator"
	electionRole = "flink-operator-leader-election"
)

// The whole program runs with the roles of install.yaml: nothing that it asks for is forbidden, and there is nothing in
// the roles that it never asks for.
func TestRolesAreExactlyWhatIsUsed(t *testing.T) {
	m := startMachinery(t)
	runWithAndWithoutStreaming(t, m, operatorNamespace)

	client := kubeClient(t).RbacV1()
	clusterRole, err := client.ClusterRoles().Get(t.Context(), operatorRole, metav1.GetOptions{})
	require.NoError(t, err)
	role, err := client.Roles(operatorNamespace).Get(t.Context(), electionRole, metav1.GetOptions{})
	require.NoError(t, err)
	requireRights(t, operatorRequests(t, operatorUser), append(clusterRole.Rules, role.Rules...))
}

// The variant for one namespace has no right outside it, and needs none.
func TestNamespacedRolesAreExactlyWhatIsUsed(t *testing.T) {
	// The namespace that manifests/namespaced has for an example.
	const namespace = "flink"
	makeNamespace(t, namespace)
	kubectl(t, "apply", "-k", "../../../manifests/namespaced")
	m := startMachineryIn(t, namespace)
	runWithAndWithoutStreaming(t, m, namespace, func(config *options.Config, _ *rest.Config) {
		config.Namespaces = []string{namespace}
	})

	roles, err := kubeClient(t).RbacV1().Roles(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, roles.Items, 2)
	user := apiserver.ServiceAccountUser(namespace, operatorAccount)
	requests := operatorRequests(t, user)
	for _, request := range requests {
		require.Equal(t, namespace, request.Namespace, request)
	}
	requireRights(t, requests, append(roles.Items[0].Rules, roles.Items[1].Rules...))
	// Nor does anything else grant it something.
	bindings, err := kubeClient(t).RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	for _, binding := range bindings.Items {
		require.False(t, slices.ContainsFunc(binding.Subjects, func(subject rbacv1.Subject) bool {
			return subject.Kind == rbacv1.ServiceAccountKind && subject.Namespace == namespace
		}), binding.Name)
	}
}

// runWithAndWithoutStreaming runs all scenarios, and then the operator against an API server of before Kubernetes 1.34.
func runWithAndWithoutStreaming(t *testing.T, m *machinery, namespace string, settings ...setting) {
	t.Helper()
	o := startOperatorAs(t, m, namespace, settings...)
	runScenarios(t, m)
	// The next one goes on with what this one leaves: a job whose upgrade waits, so that its spec is not the one in force.
	const name = "handed-over"
	applyManifest(t, m.namespace, countingJob(name))
	m.waitForSettled(t, name)
	askForUpgrade(t, m, name)
	o.stop(t)
	startOperatorAs(t, m, namespace, append(settings, func(_ *options.Config, client *rest.Config) {
		client.Wrap(func(next http.RoundTripper) http.RoundTripper { return withoutStreaming{next} })
	})...)
	applyManifest(t, m.namespace, minimalSession("old-server"))
	m.waitForSettled(t, "old-server")
	kubectl(t, "--namespace", m.namespace, "scale", "flinkcluster", name, "--replicas=1")
	m.waitForTaskManagers(t, name, 1)
}

// withoutStreaming answers requests for a streaming list as an API server does that has none.
type withoutStreaming struct{ next http.RoundTripper }

func (w withoutStreaming) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Query().Get("sendInitialEvents") == "" {
		return w.next.RoundTrip(request)
	}
	body := `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422,
		"message": "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"}`
	return &http.Response{
		StatusCode: http.StatusUnprocessableEntity, Header: http.Header{"Content-Type": []string{"application/json"}},
		Body: io.NopCloser(bytes.NewBufferString(body)), Request: request, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// operatorRequests are those of a user since the server was started, the oldest first.
func operatorRequests(t *testing.T, user string) []apiserver.Request {
	t.Helper()
	requests, err := requestsBy(t.Context(), user)
	require.NoError(t, err)
	return requests
}

func requestsBy(ctx context.Context, user string) ([]apiserver.Request, error) {
	all, err := server.Requests(ctx)
	return slices.DeleteFunc(all, func(request apiserver.Request) bool { return request.User != user }), err
}

// requireRights compares what was asked for with what is granted, both ways.
func requireRights(t *testing.T, requests []apiserver.Request, rules []rbacv1.PolicyRule) {
	t.Helper()
	var used, granted []string
	for _, request := range requests {
		require.NotEqual(t, http.StatusForbidden, request.Code, request)
		require.NotEmpty(t, request.Resource, "nothing but resources is asked for: %v", request)
		used = append(used, request.FullResource()+": "+request.Verb)
		if request.Verb == "patch" && request.Code == http.StatusCreated {
			// An apply that makes the object needs this right besides.
			used = append(used, request.FullResource()+": create")
		}
	}
	for _, rule := range rules {
		require.Empty(t, rule.NonResourceURLs)
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				resource = strings.TrimSuffix(resource+"."+group, ".")
				for _, verb := range rule.Verbs {
					granted = append(granted, resource+": "+verb)
				}
			}
		}
	}
	slices.Sort(used)
	slices.Sort(granted)
	require.Equal(t, slices.Compact(granted), slices.Compact(used))
}
