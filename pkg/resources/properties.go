package resources

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

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
	maps.Copy(properties, highAvailabilityProperties(in))
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
		{retainedCheckpointsNames(in), strconv.FormatInt(retainedCheckpoints(user), 10)},
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

// Flink deletes a checkpoint as soon as this many newer ones exist. The one that is recorded has to outlive the time
// until it is used: a look at the statistics, and the last seconds of a JobManager that is being killed.
const (
	fewestRetained = 3
	mostRetained   = 20
	retainedTime   = 30 * time.Second
)

func retainedCheckpoints(user map[string]string) int64 {
	interval := parseDuration(user["execution.checkpointing.interval"])
	if interval <= 0 {
		return fewestRetained
	}
	return min(max(int64((retainedTime+interval-1)/interval), fewestRetained), mostRetained)
}

// durationFormat is Flink's: a whole number, and a unit or none for milliseconds.
var durationFormat = regexp.MustCompile(`^\s*([0-9]{1,12})\s*([a-zA-Z]*)\s*$`)

var durationUnits = map[string]time.Duration{
	"": time.Millisecond, "ms": time.Millisecond, "milli": time.Millisecond, "millis": time.Millisecond,
	"millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hour": time.Hour, "hours": time.Hour,
}

// parseDuration is zero for what it does not know, such as days: what is that long needs no more than the fewest.
func parseDuration(text string) time.Duration {
	match := durationFormat.FindStringSubmatch(text)
	if match == nil {
		return 0
	}
	number, err := strconv.ParseInt(match[1], 10, 64)
	if unit := durationUnits[strings.ToLower(match[2])]; err == nil && number < int64(time.Hour*24*365/time.Nanosecond)/max(int64(unit), 1) {
		return time.Duration(number) * unit
	}
	return 0
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
