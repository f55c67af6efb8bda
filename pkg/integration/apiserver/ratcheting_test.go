//go:build apiserver

package apiserver

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An object may be older than a rule. What breaks the rule may stay as it is, so that the operator can go on writing
// the status and the annotations, and users can change the rest.
func TestObjectsOlderThanARule(t *testing.T) {
	const otherGroup, schema = "ratcheting.k8s.io", "/spec/versions/0/schema/openAPIV3Schema"
	namespace := newNamespace(t)
	file, copied := copyOfCRD(t, otherGroup)
	kubectl(t, "apply", "-f", file)
	t.Cleanup(func() { kubectlCleanup(t, "delete", copied) })
	kubectl(t, "wait", "--for=condition=Established", "--timeout=30s", copied)
	inOtherGroup := func(manifest string) string { return strings.ReplaceAll(manifest, group, otherGroup) }
	manifest := inOtherGroup(strings.ReplaceAll(minimalJob("old"), "job: {}", "job: {parallelism: 2, jarFile: /a.jar}"))
	eventually(t, waitLimit, "the copied kind", func(ctx context.Context) (bool, any) {
		_, _, err := server.Kubectl(ctx, manifest, "--namespace", namespace, "apply", "-f", "-")
		return err == nil, err
	})

	// A bound and a rule of a field, and a rule of the whole spec, all of which the object breaks.
	kubectl(t, "patch", copied, "--type=json", "--patch", `[
	  {"op": "add", "path": "`+schema+`/properties/spec/properties/job/properties/parallelism/maximum", "value": 1},
	  {"op": "add", "path": "`+schema+`/properties/spec/properties/job/properties/jarFile/x-kubernetes-validations/-",
	   "value": {"rule": "self.startsWith('/opt/')", "message": "must begin with /opt/"}},
	  {"op": "add", "path": "`+schema+`/properties/spec/x-kubernetes-validations/-",
	   "value": {"rule": "self.image.name.startsWith('registry/')", "message": "must be from the registry"}}]`)
	eventually(t, waitLimit, "the new rules", func(ctx context.Context) (bool, any) {
		_, complaints, err := server.Kubectl(ctx, strings.Replace(manifest, "name: old", "name: new", 1),
			"--namespace", namespace, "create", "--dry-run=server", "-f", "-")
		return err != nil && strings.Contains(complaints, "/opt/") && strings.Contains(complaints, "registry"), complaints
	})

	object := "flinkclusters." + otherGroup + "/old"
	kubectl(t, "--namespace", namespace, "annotate", object, "a=b")
	kubectl(t, "--namespace", namespace, "patch", object, "--subresource=status", "--type=merge", "--patch", `{"status": {"flinkVersion": "2.1.3"}}`)
	// With the rule of the whole spec gone, the rest of the spec can be changed too, and what is wrong cannot.
	kubectl(t, "patch", copied, "--type=json", "--patch", `[{"op": "remove", "path": "`+schema+`/properties/spec/x-kubernetes-validations"}]`)
	eventually(t, waitLimit, "a change of another field", func(ctx context.Context) (bool, any) {
		_, _, err := server.Kubectl(ctx, "", "--namespace", namespace, "scale", object, "--replicas=2")
		return err == nil, err
	})
	complaint := kubectlRefused(t, "", "--namespace", namespace, "patch", object, "--type=merge", "--patch", `{"spec": {"job": {"parallelism": 3}}}`)
	require.Contains(t, complaint, "spec.job.parallelism")
}
