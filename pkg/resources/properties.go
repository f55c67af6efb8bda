package resources

import (
	"maps"
	"slices"
	"strconv"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// property is an option with a value. The first name is the one written; the others are the option's older and
// newer names, any of which the user may have set.
type property struct {
	names []string
	value string
}

// Properties is the Flink configuration of a cluster: the operator's defaults, over them spec.flinkProperties, over
// them what the operator's objects depend on.
//
// Without spec.job.parallelism it depends on the number of TaskManagers of the accepted spec, so scaling them
// changes the ConfigMap. Nothing is restarted by that: Flink reads the file when it starts only.
func Properties(in Input) map[string]string {
	flink := parseRelease(in.FlinkVersion)
	user := userProperties(&in.Cluster.Spec, flink)
	properties := maps.Clone(user)
	for _, fallback := range defaultProperties(in, user) {
		if !hasAny(user, fallback.names) {
			properties[fallback.names[0]] = fallback.value
		}
	}
	spec := &in.Cluster.Spec
	maps.Copy(properties, jobManagerMemory.properties(&spec.JobManager.ComponentSpec, user, flink))
	maps.Copy(properties, taskManagerMemory.properties(&spec.TaskManager.ComponentSpec, user, flink))
	maps.Copy(properties, javaOptions(user, flink))
	maps.Copy(properties, fixedProperties(in.Cluster))
	return properties
}

// IgnoredProperties returns the names in spec.flinkProperties that have no effect, sorted: the operator sets them
// itself, or they are no names of options at all.
func IgnoredProperties(spec *v1beta1.FlinkClusterSpec) []string {
	var ignored []string
	for _, name := range slices.Sorted(maps.Keys(spec.FlinkProperties)) {
		if isIgnored(spec, name) {
			ignored = append(ignored, name)
		}
	}
	return ignored
}

// fixedProperties are what ports, probes and addresses of the objects depend on.
func fixedProperties(cluster *v1beta1.FlinkCluster) map[string]string {
	jobManager, taskManager := cluster.Spec.JobManager.Ports, cluster.Spec.TaskManager.Ports
	return map[string]string{
		"jobmanager.rpc.address": JobManagerName(cluster.Name),
		"jobmanager.rpc.port":    port(jobManager.RPC),
		"blob.server.port":       port(jobManager.Blob),
		// Read by no Flink of today; the official image's entry point would write another number.
		"query.server.port":           port(jobManager.Query),
		"rest.port":                   port(jobManager.UI),
		"taskmanager.rpc.port":        port(taskManager.RPC),
		"taskmanager.data.port":       port(taskManager.Data),
		"queryable-state.proxy.ports": port(taskManager.Query),
	}
}

func port(number *int32) string {
	return strconv.Itoa(int(*number))
}

// defaultProperties are what the operator adds where the user says nothing. Durations are in milliseconds without a
// unit: before 1.20 most of these options are plain numbers. Names are those that every version reads.
func defaultProperties(in Input, user map[string]string) []property {
	cluster := in.Cluster
	slots := taskSlots(cluster.Spec.TaskManager.Resources)
	defaults := []property{
		{[]string{"taskmanager.numberOfTaskSlots"}, strconv.FormatInt(slots, 10)},
		// Without these, clusters would share one identity in the storage of high availability and delete each
		// other's files. The dot cannot occur in a namespace, so no two pairs of names meet.
		{[]string{"high-availability.cluster-id", "high-availability.zookeeper.path.namespace", "recovery.zookeeper.path.namespace"},
			cluster.Namespace + "." + cluster.Name},
		{[]string{"kubernetes.cluster-id"}, cluster.Name},
		// How long Flink may answer from a cache. A job's last checkpoint must be seen before the job is gone.
		{[]string{"web.refresh-interval", "jobmanager.web.refresh-interval"}, "1000"},
		{[]string{"rest.cache.checkpoint-statistics.timeout"}, "1000"},
		// A TaskManager that starts before its JobManager tries again soon, not after 10 to 30 seconds.
		{[]string{"cluster.registration.error-delay"}, "1000"},
		{[]string{"cluster.registration.refused-registration-delay"}, "1000"},
		{[]string{"cluster.registration.max-timeout"}, "5000"},
	}
	if cluster.Spec.Job == nil {
		return defaults
	}
	return append(defaults, jobProperties(in, slots, user)...)
}

// jobProperties are the defaults of a cluster that runs one job. Jobs of a session cluster are not the operator's:
// it neither restores them nor clears away what they would retain.
func jobProperties(in Input, slots int64, user map[string]string) []property {
	spec := &in.Cluster.Spec
	return []property{
		{[]string{"parallelism.default"}, strconv.FormatInt(parallelism(spec, slots, user), 10)},
		// Flink deletes a checkpoint as soon as this many newer ones exist: the recorded one must outlive a look.
		{retainedCheckpointsNames(in), "3"},
		{[]string{"execution.checkpointing.externalized-checkpoint-retention"}, "RETAIN_ON_CANCELLATION"},
		// The JobManager stays after the end of the job, so that the result can be read.
		{[]string{"execution.shutdown-on-application-finish"}, "false"},
		// In seconds, a year: an ended job that is no longer listed would look like a lost one to an operator that was
		// away for longer than Flink's default of an hour.
		{[]string{"jobstore.expiration-time"}, "31536000"},
		// An exception in the main method becomes a failed job that says why.
		{[]string{"execution.submit-failed-job-on-application-error"}, "true"},
	}
}

// retainedCheckpointsNames begins with the name that the version reads without a warning.
func retainedCheckpointsNames(in Input) []string {
	names := []string{"state.checkpoints.num-retained", "execution.checkpointing.num-retained"}
	if parseRelease(in.FlinkVersion).atLeast(1, 20) {
		slices.Reverse(names)
	}
	return names
}

func parallelism(spec *v1beta1.FlinkClusterSpec, slots int64, user map[string]string) int64 {
	if spec.Job.Parallelism != nil {
		return int64(*spec.Job.Parallelism)
	}
	if own, err := strconv.ParseInt(user["taskmanager.numberOfTaskSlots"], 10, 32); err == nil && own > 0 {
		slots = own
	}
	return int64(*spec.TaskManager.Replicas) * slots
}
