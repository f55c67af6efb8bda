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
	t.Parallel()
	const schema = "/spec/versions/0/schema/openAPIV3Schema"
	namespace := newNamespace(t)
	copied := copyOfCRD(t, "ratcheting.k8s.io")
	server.Apply(t, copied.file)
	t.Cleanup(func() { kubectlCleanup(t, "delete", copied.definition) })
	require.NoError(t, definitionReaches(t.Context(), copied.definition, "Established", "status", "True"))
	manifest := copied.rename(strings.ReplaceAll(minimalJob("old"), "job: {}", "job: {parallelism: 2, jarFile: /a.jar}"))
	eventually(t, waitLimit, "the copied kind", func(ctx context.Context) (bool, any) {
		_, _, err := server.Kubectl(ctx, manifest, "--namespace", namespace, "apply", "-f", "-")
		return err == nil, err
	})

	// A bound and a rule of a field, and a rule of the whole spec, all of which the object breaks.
	kubectl(t, "patch", copied.definition, "--type=json", "--patch", `[
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

	object := copied.object("old")
	kubectl(t, "--namespace", namespace, "annotate", object, "a=b")
	kubectl(t, "--namespace", namespace, "patch", object, "--subresource=status", "--type=merge", "--patch", `{"status": {"flinkVersion": "2.1.3"}}`)
	// With the rule of the whole spec gone, the rest of the spec can be changed too, and what is wrong cannot.
	kubectl(t, "patch", copied.definition, "--type=json", "--patch", `[{"op": "remove", "path": "`+schema+`/properties/spec/x-kubernetes-validations"}]`)
	eventually(t, waitLimit, "a change of another field", func(ctx context.Context) (bool, any) {
		_, _, err := server.Kubectl(ctx, "", "--namespace", namespace, "scale", object, "--replicas=2")
		return err == nil, err
	})
	complaint := kubectlRefused(t, "", "--namespace", namespace, "patch", object, "--type=merge", "--patch", `{"spec": {"job": {"parallelism": 3}}}`)
	require.Contains(t, complaint, "spec.job.parallelism")
}

// The rule about names is at the root of the schema, where an object that breaks it could never be written again, not
// even to take its finalizer off. A name cannot change: the rule is for new objects only.
func TestNameOlderThanItsRule(t *testing.T) {
	t.Parallel()
	const rules = "/spec/versions/0/schema/openAPIV3Schema/x-kubernetes-validations"
	namespace := newNamespace(t)
	copied := copyOfCRD(t, "names.k8s.io")
	server.Apply(t, copied.file)
	require.NoError(t, definitionReaches(t.Context(), copied.definition, "Established", "status", "True"))
	kubectl(t, "patch", copied.definition, "--type=json", "--patch", `[{"op": "remove", "path": "`+rules+`"}]`)
	name := strings.Repeat("long", 14)
	manifest := copied.rename(minimalJob(name))
	submitted := func(ctx context.Context, with ...string) (bool, any) {
		_, _, err := server.Kubectl(ctx, manifest, append(with, "--namespace", namespace, "-f", "-")...)
		return err == nil, err
	}
	eventually(t, waitLimit, "a long name to be accepted", func(ctx context.Context) (bool, any) { return submitted(ctx, "apply") })
	object := copied.object(name)
	kubectl(t, "--namespace", namespace, "patch", object, "--type=merge", "--patch", `{"metadata": {"finalizers": ["a.b/c"]}}`)

	server.Apply(t, copied.file)
	manifest = strings.Replace(manifest, "long", "other", 1)
	eventually(t, waitLimit, "a long name to be refused", func(ctx context.Context) (bool, any) {
		accepted, seen := submitted(ctx, "create", "--dry-run=server")
		return !accepted, seen
	})
	kubectl(t, "--namespace", namespace, "patch", object, "--subresource=status", "--type=merge", "--patch", `{"status": {"flinkVersion": "2.1.3"}}`)
	kubectl(t, "--namespace", namespace, "delete", object, "--wait=false")
	kubectl(t, "--namespace", namespace, "patch", object, "--type=merge", "--patch", `{"metadata": {"finalizers": null}}`)
	kubectl(t, "delete", copied.definition, "--timeout=20s")
}
