package resources

import (
	"strings"
	"unicode"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// reservedNames are the options that users cannot set, with all their names, because ports, probes, addresses
// or the identity of a process would no longer be what the other objects say.
var reservedNames = map[string]bool{
	"jobmanager.rpc.address":      true,
	"jobmanager.rpc.port":         true,
	"jobmanager.rpc.bind-port":    true,
	"blob.server.port":            true,
	"query.server.port":           true,
	"rest.port":                   true,
	"rest.bind-port":              true,
	"web.port":                    true,
	"jobmanager.web.port":         true,
	"taskmanager.rpc.port":        true,
	"taskmanager.rpc.bind-port":   true,
	"taskmanager.data.port":       true,
	"taskmanager.data.bind-port":  true,
	"queryable-state.proxy.ports": true,
	"query.proxy.ports":           true,
	"taskmanager.host":            true,
	"taskmanager.hostname":        true,
	"taskmanager.resource-id":     true,
	"$internal.pipeline.job-id":   true,
}

// reservedForJob are the options that would decide, past the operator, which state a run starts from. With high
// availability, which the operator does not manage yet, a JobManager would recover the job of the run before beside its
// own.
var reservedForJob = map[string]bool{
	"high-availability":             true,
	"high-availability.type":        true,
	"recovery.mode":                 true,
	"execution.savepoint.path":      true,
	"execution.state-recovery.path": true,
}

// prefixNames are old names that are also the beginning of other names. From 1.19 on the configuration file is
// YAML, where the image's entry point writes it in nested form, and there a name cannot be both.
var prefixNames = map[string]string{
	"env.java.opts":     "env.java.opts.all",
	"high-availability": "high-availability.type",
	"restart-strategy":  "restart-strategy.type",
	"state.backend":     "state.backend.type",
}

// userProperties are those of spec.flinkProperties that have effect, under the names that suit the version.
func userProperties(spec *v1beta1.FlinkClusterSpec, flink release) map[string]string {
	properties := map[string]string{}
	for name, value := range spec.FlinkProperties {
		if isIgnored(spec, name) {
			continue
		}
		if newName, found := prefixNames[name]; found && flink.atLeast(1, 19) {
			// As in Flink, the new name wins where both are set.
			if _, both := spec.FlinkProperties[newName]; both {
				continue
			}
			name = newName
		}
		properties[name] = value
	}
	return properties
}

func isIgnored(spec *v1beta1.FlinkClusterSpec, name string) bool {
	return reservedNames[name] || (spec.Job != nil && reservedForJob[name]) || !isOptionName(name)
}

// isOptionName is false for what could not be told to Flink in each of its files and as an argument, and for what
// would begin another line.
func isOptionName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return strings.ContainsRune(":=#", r) || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}
