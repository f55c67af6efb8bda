// Package prove is the fault campaign: it lives through every scenario of the operator once undisturbed, learns each request,
// notification and write of it, and then again with one thing going wrong at each of them. Everything happens in the worlds
// of pkg/testing/world, in virtual time. `make prove` runs it (build tag prove) and prints what was tried and what held.
//
// Where to begin: scenario_test.go says what a scenario is, plans_test.go what can go wrong in it, oracle_test.go what must
// hold all the same, campaign_test.go runs one with the other.
//
// It is for tests only and imports what they may import; nothing imports it.
package prove
