//go:build apiserver

package apiserver

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const (
	group      = "flinkoperator.k8s.io"
	definition = "crd/flinkclusters." + group
)

// A client-side apply keeps the whole object in an annotation, and all annotations together may have 256 KiB.
func TestCRDFitsIntoAnAnnotation(t *testing.T) {
	content, err := os.ReadFile(crdFile)
	require.NoError(t, err)
	asJSON, err := yaml.ToJSON(content)
	require.NoError(t, err)
	t.Logf("the CRD has %d KiB as JSON", len(asJSON)>>10)
	require.Less(t, len(asJSON), 256<<10)
}

// install.yaml was applied before the first test. A warning there would be about its pods' security, or about a field
// of the Kubernetes API that is going away.
func TestInstallationWithoutComplaint(t *testing.T) {
	require.Empty(t, installComplaints)
}

// Both ways of kubectl apply, onto an API server that does not know the CRD: a copy of it in another group.
func TestCRDIsAccepted(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]string{
		"client-side": nil,
		"server-side": {"--server-side"},
	} {
		t.Run(name, func(t *testing.T) {
			file, copied := copyOfCRD(t, name+".k8s.io")
			_, complaints, err := server.Kubectl(t.Context(), "", append([]string{"apply", "-f", file}, options...)...)
			require.NoError(t, err)
			require.Empty(t, complaints)
			t.Cleanup(func() { kubectlCleanup(t, "delete", copied) })
			require.NoError(t, definitionReaches(t.Context(), copied, "Established", "status", "True"))
			require.NoError(t, definitionReaches(t.Context(), copied, "NamesAccepted", "status", "True"))
			// A group of *.k8s.io needs an annotation that says that its API was not approved.
			require.NoError(t, definitionReaches(t.Context(), copied, "KubernetesAPIApprovalPolicyConformant", "reason", "UnapprovedAnnotation"))
		})
	}
}

// An upgrade of the operator applies the CRD again, either way.
func TestCRDIsAcceptedAgain(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{nil, {"--server-side", "--force-conflicts"}, nil} {
		output := kubectl(t, append([]string{"apply", "-f", crdFile}, options...)...)
		require.Regexp(t, "(unchanged|configured|serverside-applied)", output)
	}
}

// definitionReaches waits until a field of a condition of a CRD has a value. (kubectl wait fails if there are no
// conditions yet, as happens just after the creation.)
func definitionReaches(ctx context.Context, name, condition, field, wanted string) error {
	var seen string
	path := fmt.Sprintf("jsonpath={.status.conditions[?(@.type==%q)].%s}", condition, field)
	err := wait.PollUntilContextTimeout(ctx, pollInterval, waitLimit, true, func(ctx context.Context) (bool, error) {
		output, complaints, err := server.Kubectl(ctx, "", "get", name, "--output", path)
		seen = output + complaints
		return err == nil && output == wanted, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the condition %s of %s; last seen: %q: %w", condition, name, seen, err)
	}
	return nil
}

// copyOfCRD writes the CRD with another group and returns the file and what kubectl calls the object.
func copyOfCRD(t *testing.T, otherGroup string) (file, name string) {
	t.Helper()
	content, err := os.ReadFile(crdFile)
	require.NoError(t, err)
	content = bytes.ReplaceAll(content, []byte("group: "+group), []byte("group: "+otherGroup))
	content = bytes.ReplaceAll(content, []byte("name: flinkclusters."+group), []byte("name: flinkclusters."+otherGroup))
	file = filepath.Join(t.TempDir(), "crd.yaml")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	return file, "crd/flinkclusters." + otherGroup
}
