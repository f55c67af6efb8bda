// Package view is what the three loops share at the top and at the bottom of a sync: the newest cluster with the spec
// in force and what is known of its Flink, and the way to store a decision.
//
// It may import lifecycle, the updater, the revisions and the observer. It decides nothing and never imports a loop.
package view
