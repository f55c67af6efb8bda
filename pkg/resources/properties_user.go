package resources

import (
	"slices"
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

// reservedForJob are the options that would decide, past the operator, which state a run starts from.
var reservedForJob = map[string]bool{
	"execution.savepoint.path":      true,
	"execution.state-recovery.path": true,
}

// reservedForHA are the options that the metadata of high availability depends on, where it is on.
var reservedForHA = map[string]bool{
	"kubernetes.cluster-id":             true,
	"kubernetes.namespace":              true,
	"high-availability.cluster-id":      true,
	"high-availability.jobmanager.port": true,
	"recovery.jobmanager.port":          true,
}

// reservedForHAJob are those that keep a job that has ended from being run again, by a JobManager that starts anew.
var reservedForHAJob = map[string]bool{
	"job-result-store.delete-on-commit":        true,
	"execution.shutdown-on-application-finish": true,
}

// haTypeNames are the names of the option that turns high availability on. It is written anew, as the version reads it.
var haTypeNames = []string{"high-availability.type", "high-availability", "recovery.mode"}

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
		if isIgnored(spec, name) || spec.HighAvailability() && slices.Contains(haTypeNames, name) {
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
	job, ha := spec.Job != nil, spec.HighAvailability()
	return reservedNames[name] || job && reservedForJob[name] || ha && reservedForHA[name] || job && ha && reservedForHAJob[name] || !isOptionName(name)
}

// isOptionName is false for what could not be told to Flink in each of its files and as an argument, and for what
// would begin another line.
func isOptionName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return strings.ContainsRune(":=#", r) || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}
