// Package specs is a table of FlinkClusters that are accepted or refused. The rules of the API exist twice, in the
// schema with its CEL expressions and in Go (v1beta1.Validate): tests of both go through the same table.
package specs

import (
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// Case is a FlinkCluster as a user writes it.
type Case struct {
	Name string
	// YAML is the manifest; for an update the one after it.
	YAML string
	// Before is the manifest that is updated; empty for a creation.
	Before string
	// ExpectedField is the path of the refused field, as it stands in the error of the API server and in that of
	// Validate; empty if the cluster is accepted.
	ExpectedField string
	// ExpectedText is a part of the message of both; empty where the schema has its own words (bounds, enums, patterns).
	ExpectedText string
	// OnlyGo: the schema cannot say so, and the API server accepts it.
	OnlyGo bool
	// OnlySchema: Validate is not asked, since the API server stores no such object, or Go cannot hold it.
	OnlySchema bool
}

// Accepted says whether the case breaks no rule.
func (c Case) Accepted() bool { return c.ExpectedField == "" }

// Decode returns a manifest as Go sees it. Fields that nobody knows are an error.
func Decode(manifest string) (*v1beta1.FlinkCluster, error) {
	cluster := &v1beta1.FlinkCluster{}
	return cluster, yaml.UnmarshalStrict([]byte(manifest), cluster)
}

// session is a manifest with only what has to be there; spec is put below its spec.
func session(spec string) string { return named("sample", spec) }

func named(name, spec string) string {
	return "apiVersion: flinkoperator.k8s.io/v1beta1\nkind: FlinkCluster\nmetadata:\n  name: " + name +
		"\n  namespace: default\nspec:\n" + indent("image: {name: \"flink:2.1\"}\n"+spec, 2)
}

// job is a manifest with a job; spec is put below its spec.job.
func job(spec string) string {
	return session("job:\n" + indent("className: org.example.Job\n"+spec, 2))
}

func indent(text string, by int) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	return strings.Repeat(" ", by) + strings.Join(lines, "\n"+strings.Repeat(" ", by)) + "\n"
}
