package lifecycle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// InForce returns the spec that is in force: the accepted one, with those fields of the wanted one that take effect
// at any time. A field that is not named here needs an upgrade of the cluster.
func InForce(accepted, wanted *v1beta1.FlinkClusterSpec) *v1beta1.FlinkClusterSpec {
	return withLive(accepted, wanted, scalesInPlace(accepted) && scalesInPlace(wanted))
}

func withLive(accepted, wanted *v1beta1.FlinkClusterSpec, scales bool) *v1beta1.FlinkClusterSpec {
	spec := accepted.DeepCopy()
	spec.RestartNonce = wanted.DeepCopy().RestartNonce
	spec.RevisionHistoryLimit = wanted.DeepCopy().RevisionHistoryLimit
	spec.Rollback = wanted.Rollback.DeepCopy()
	if scales {
		spec.TaskManager.Replicas = wanted.TaskManager.DeepCopy().Replicas
	}
	if spec.Job == nil || wanted.Job == nil {
		return spec
	}
	job, live := spec.Job, wanted.Job.DeepCopy()
	job.FromSavepoint = live.FromSavepoint
	job.SavepointsDir = live.SavepointsDir
	job.AutoSavepointSeconds = live.AutoSavepointSeconds
	job.SavepointGeneration = live.SavepointGeneration
	job.SavepointTriggerNonce = live.SavepointTriggerNonce
	job.SavepointFormatType = live.SavepointFormatType
	job.SavepointRetention = live.SavepointRetention
	job.RestartPolicy = live.RestartPolicy
	job.RestartBackoff = live.RestartBackoff
	job.MaxStateAgeToRestoreSeconds = live.MaxStateAgeToRestoreSeconds
	job.CancelRequested = live.CancelRequested
	job.CleanupPolicy = live.CleanupPolicy
	job.State = live.State
	job.UpgradeMode = live.UpgradeMode
	job.UpgradeFallback = live.UpgradeFallback
	job.TakeSavepointOnUpdate = live.TakeSavepointOnUpdate
	job.SavepointRedeployNonce = live.SavepointRedeployNonce
	job.DeletionPolicy = live.DeletionPolicy
	return spec
}

// scalesInPlace says whether another number of TaskManagers is of use without a restart: in a session cluster, for a job
// whose scheduler adapts to them, and for one whose parallelism is set. Else the parallelism follows their number.
func scalesInPlace(spec *v1beta1.FlinkClusterSpec) bool {
	scheduler := func(option, value string) bool { return strings.EqualFold(spec.FlinkProperties[option], value) }
	return spec.Job == nil || spec.Job.Parallelism != nil ||
		scheduler("jobmanager.scheduler", "adaptive") || scheduler("scheduler-mode", "reactive")
}

// RevisionHash identifies what of a spec needs an upgrade to change. It is taken over the user's intent: fields with
// their default value do not count, so that a new operator, with new fields and defaults, sees no change.
func RevisionHash(spec *v1beta1.FlinkClusterSpec) string {
	// Marshalling a map sorts its keys.
	canonical, err := json.Marshal(intent(spec))
	if err != nil {
		// A map made by json.Unmarshal can always be marshalled.
		panic(err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:5])
}

// ChangedFields names the fields, two levels deep, in which the intents of two specs differ and which need an upgrade.
func ChangedFields(accepted, wanted *v1beta1.FlinkClusterSpec) []string {
	return difference("spec", intent(accepted), intent(wanted), 2)
}

func difference(path string, a, b map[string]any, depth int) []string {
	var changed []string
	keys := map[string]any{}
	maps.Copy(keys, a)
	maps.Copy(keys, b)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if reflect.DeepEqual(a[key], b[key]) {
			continue
		}
		left, leftIsMap := a[key].(map[string]any)
		right, rightIsMap := b[key].(map[string]any)
		if depth > 1 && (leftIsMap || a[key] == nil) && (rightIsMap || b[key] == nil) {
			changed = append(changed, difference(path+"."+key, left, right, depth-1)...)
			continue
		}
		changed = append(changed, path+"."+key)
	}
	return changed
}

// intent is the spec as JSON, without live fields and without values that are the default.
func intent(spec *v1beta1.FlinkClusterSpec) map[string]any {
	blank := &v1beta1.FlinkClusterSpec{}
	if spec.Job != nil {
		blank.Job = &v1beta1.JobSpec{}
	}
	filled := &v1beta1.FlinkCluster{Spec: *spec.DeepCopy()}
	defaults := &v1beta1.FlinkCluster{Spec: *blank}
	v1beta1.SetDefaults(filled)
	v1beta1.SetDefaults(defaults)
	frozen := withLive(&filled.Spec, &defaults.Spec, scalesInPlace(spec))
	result := withoutDefaults(asMap(frozen), asMap(&defaults.Spec))
	if spec.Job != nil {
		// The presence of a job is an intent even if all its fields are defaults.
		if _, differs := result["job"]; !differs {
			result["job"] = map[string]any{}
		}
	}
	return result
}

func asMap(spec *v1beta1.FlinkClusterSpec) map[string]any {
	data, err := json.Marshal(spec)
	if err != nil {
		// Only a RawExtension with invalid JSON cannot be marshalled, and the API server stores none.
		return map[string]any{"unreadable": err.Error()}
	}
	var result map[string]any
	if err := json.Unmarshal(data, &result); err != nil {
		return map[string]any{"unreadable": err.Error()}
	}
	return result
}

func withoutDefaults(value, defaults map[string]any) map[string]any {
	result := map[string]any{}
	for key, field := range value {
		nested, isMap := field.(map[string]any)
		// Resources are defaulted as a whole: a part that equals the default's is still an intent.
		if !isMap || key == "resources" {
			if !reflect.DeepEqual(field, defaults[key]) {
				result[key] = field
			}
			continue
		}
		nestedDefaults, _ := defaults[key].(map[string]any)
		if rest := withoutDefaults(nested, nestedDefaults); len(rest) > 0 {
			result[key] = rest
		}
	}
	return result
}
