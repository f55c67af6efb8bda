// Package mutant says which planted mistake is active. Only mutated copies of product files import it, which exist in
// the overlay of a build and nowhere else: the program itself has no switch for its mistakes.
package mutant

import (
	"fmt"
	"os"
	"sync/atomic"
)

// Variable names the active mutant in the environment.
const Variable = "FLINK_OPERATOR_MUTANT"

// Reached begins the line that tells that the code of the active mutant is run. A mutant that survives and was never
// reached needs another scenario, one that was reached needs another oracle.
const Reached = "MUTANT REACHED "

var (
	active = os.Getenv(Variable)
	told   atomic.Bool
)

// Active says whether the mutant of a name is the active one.
func Active(name string) bool {
	if name != active {
		return false
	}
	if told.CompareAndSwap(false, true) {
		fmt.Fprintln(os.Stderr, Reached+name)
	}
	return true
}
