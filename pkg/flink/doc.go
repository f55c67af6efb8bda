// Package flink holds Apache Flink's own words as plain Go data: job states, snapshots, operations and what is
// known of one cluster at one moment (Observation).
//
// It imports the standard library only, does no input or output and never asks the clock, so that the pure
// packages may use it. The REST client is in pkg/flink/rest, the poller in pkg/flink/observer.
package flink
