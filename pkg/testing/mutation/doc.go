// Package mutation holds mistakes of the operator, and plants them: the campaign of faults (pkg/integration/prove) is
// only worth as much as the mistakes that it finds.
//
// A Mutant replaces a piece of a product file by one that is wrong while the mutant is active. Overlay writes the files
// with all mutants in them for go's -overlay flag, so one test binary holds every mistake, the environment picks one
// (mutant.Variable), and what is shipped has no switches. A unit test takes care that each piece is still there: who
// changes the code of a mutant moves the mutant along.
//
// It is for tests only; nothing of the program imports it.
package mutation
