//go:build apiserver

package apiserver

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
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
			kubectl(t, "wait", "--for=condition=Established", "--timeout=30s", copied)
			kubectl(t, "wait", "--for=condition=NamesAccepted", "--timeout=30s", copied)
			// A group of *.k8s.io needs an annotation that says that its API was not approved.
			kubectl(t, "wait", "--timeout=30s", copied,
				`--for=jsonpath={.status.conditions[?(@.type=="KubernetesAPIApprovalPolicyConformant")].reason}=UnapprovedAnnotation`)
		})
	}
}

// An upgrade of the operator applies the CRD again, either way.
func TestCRDIsAcceptedAgain(t *testing.T) {
	for _, options := range [][]string{nil, {"--server-side", "--force-conflicts"}, nil} {
		output := kubectl(t, append([]string{"apply", "-f", crdFile}, options...)...)
		require.Regexp(t, "(unchanged|configured|serverside-applied)", output)
	}
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
