package mutation

import "slices"

// Mutant is one mistake.
type Mutant struct {
	// Name picks it; it is the argument of mutant.Active in New.
	Name string
	// File is the path of the product file, from the root of the repository.
	File string
	// Old stands in the file exactly once, and New takes its place.
	Old, New string
	// Breaks says which rule of the operator the mistake breaks.
	Breaks string
	// Plans are those of the campaign in which the mistake is looked for first, as an argument of go test -run:
	// "scenario", "scenario/family of plans/fault", or "scenario/undisturbed". It is a hint and may be empty.
	Plans string
}

// All returns every mutant.
func All() []Mutant {
	return slices.Concat(
		savepointMutants, slotMutants, scheduleMutants, controlMutants, effectMutants, cancelMutants, restartMutants,
		restoreMutants, runMutants, childrenMutants, leaderMutants, updaterMutants, observerMutants, queueMutants, honestyMutants,
		transitionMutants, highAvailabilityMutants, rollbackMutants, retentionMutants, deletionMutants,
	)
}
