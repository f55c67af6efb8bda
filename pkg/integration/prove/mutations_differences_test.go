//go:build prove

package prove

import (
	"regexp"
	"strings"
)

// kubernetesTypes are the fields of the spec that are Kubernetes' own types. The operator does not repeat their rules:
// what the API server refuses in a FlinkCluster it would refuse in a pod, and that is a condition.
var kubernetesTypes = regexp.MustCompile(`^spec\.(envFrom|envVars|image\.pullSecrets|job\.args|securityContext|` +
	`(jobManager|taskManager)\.(affinity|initContainers|livenessProbe|readinessProbe|resources|securityContext|sidecars|tolerations|volumeMounts|volumes))\b`)

// leniencies are the ways in which the operator accepts what the API server refuses. It may: it only ever meets what was
// stored, be it by an older schema, and has to go on with that.
var leniencies = []struct {
	reason  string
	applies func(complaint string) bool
}{
	{"Go drops fields that it does not know", func(complaint string) bool { return strings.HasPrefix(complaint, "unknown field spec.") }},
	{"Go knows no difference between an empty text and none, which is the default", func(complaint string) bool {
		return strings.Contains(complaint, `Unsupported value: "": `) || strings.Contains(complaint, `Invalid value: "": `)
	}},
	{"what is stored and longer than the schema allows goes on working", func(complaint string) bool { return strings.Contains(complaint, ": Too long: ") }},
	{"Kubernetes has the same rule about pods", func(complaint string) bool {
		ofItems := strings.Contains(complaint, ": Required value") || strings.Contains(complaint, ": Duplicate value: ") || strings.Contains(complaint, `: Invalid value: "null"`)
		return ofItems && kubernetesTypes.MatchString(complaint)
	}},
}

// strictnesses are the ways in which the operator refuses what the API server accepts: a schema cannot say it.
var strictnesses = []struct {
	reason        string
	path, message *regexp.Regexp
}{
	{"the schema leaves pod templates open, to stay small", regexp.MustCompile(`podTemplate$`), regexp.MustCompile(`spec\.[a-zA-Z.]*podTemplate`)},
	{"the schema cannot bound the keys of a map", regexp.MustCompile(`^spec\.logConfig$`), regexp.MustCompile(`spec\.logConfig\[.*is not the name of a file`)},
}

// justified names the reason why the API server and the operator may differ about an object; none if they may not.
func justified(object changedObject, found opinion) string {
	if found.refused() {
		for _, strictness := range strictnesses {
			if strictness.path.MatchString(object.path) && strictness.message.MatchString(found.String()) {
				return strictness.reason
			}
		}
		return ""
	}
	reason := ""
	for _, complaint := range object.complaints {
		if reason = leniency(complaint); reason == "" {
			return ""
		}
	}
	return reason
}

func leniency(complaint string) string {
	for _, leniency := range leniencies {
		if leniency.applies(complaint) {
			return leniency.reason
		}
	}
	return ""
}
