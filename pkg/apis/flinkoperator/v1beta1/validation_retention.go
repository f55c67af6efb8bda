package v1beta1

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// claimModeOptions are the names of Flink's option for who owns the snapshot that a job is started from, newest first. In
// NO_CLAIM, Flink's default, a run needs it until its first checkpoint is complete, and never again.
var claimModeOptions = []string{"execution.state-recovery.claim-mode", "execution.savepoint-restore-mode"}

func validateRetention(path *field.Path, spec *FlinkClusterSpec) field.ErrorList {
	retention := spec.Job.SavepointRetention
	if retention == nil {
		return nil
	}
	var errs field.ErrorList
	if retention.MaxCount == nil && retention.MaxAgeSeconds == nil {
		errs = append(errs, field.Required(path, "needs maxCount or maxAgeSeconds"))
	}
	if count := retention.MaxCount; count != nil {
		errs = append(errs, validateRange(path.Child("maxCount"), *count, 1, MaxRetainedSavepoints)...)
	}
	if age := retention.MaxAgeSeconds; age != nil {
		errs = append(errs, validateRange(path.Child("maxAgeSeconds"), *age, 1, 1<<31-1)...)
	}
	for _, option := range claimModeOptions {
		if mode := spec.FlinkProperties[option]; !slices.Contains([]string{"", "NO_CLAIM", "no_claim"}, mode) {
			errs = append(errs, field.Invalid(path, option+": "+mode,
				"needs Flink's claim mode NO_CLAIM: in the others, checkpoints go on using the files of savepoints"))
		}
	}
	return errs
}
