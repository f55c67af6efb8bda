//go:build apiserver

package apiserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
			copied := copyOfCRD(t, name+".k8s.io")
			_, complaints, err := server.Kubectl(t.Context(), "", append([]string{"apply", "-f", copied.file}, options...)...)
			require.NoError(t, err)
			require.Empty(t, complaints)
			t.Cleanup(func() { kubectlCleanup(t, "delete", copied.definition) })
			require.NoError(t, definitionReaches(t.Context(), copied.definition, "Established", "status", "True"))
			require.NoError(t, definitionReaches(t.Context(), copied.definition, "NamesAccepted", "status", "True"))
			// A group of *.k8s.io needs an annotation that says that its API was not approved.
			require.NoError(t, definitionReaches(t.Context(), copied.definition, "KubernetesAPIApprovalPolicyConformant", "reason", "UnapprovedAnnotation"))
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

// otherNames makes a copy of the CRD that does not get in the way of the real one.
var otherNames = strings.NewReplacer(
	"group: "+group, "group: GROUP", "name: flinkclusters."+group, "name: copiedclusters.GROUP", group+"/v1beta1", "GROUP/v1beta1",
	"plural: flinkclusters", "plural: copiedclusters", "singular: flinkcluster", "singular: copiedcluster", "- fc\n", "- cc\n",
	"kind: FlinkCluster\n", "kind: CopiedCluster\n", "listKind: FlinkClusterList", "listKind: CopiedClusterList",
)

// copiedCRD is a copy of the CRD under other names.
type copiedCRD struct {
	group string
	// file has the definition, and definition is what kubectl calls it.
	file, definition string
}

func copyOfCRD(t *testing.T, group string) copiedCRD {
	t.Helper()
	copied := copiedCRD{group: group, file: filepath.Join(t.TempDir(), "crd.yaml"), definition: "crd/copiedclusters." + group}
	content, err := os.ReadFile(crdFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(copied.file, []byte(copied.rename(string(content))), 0o600))
	return copied
}

// rename makes a manifest for the copy from one for the real thing.
func (c copiedCRD) rename(manifest string) string {
	return strings.ReplaceAll(otherNames.Replace(manifest), "GROUP", c.group)
}

// object is what kubectl calls an object of the copied kind.
func (c copiedCRD) object(name string) string {
	return "copiedclusters." + c.group + "/" + name
}
