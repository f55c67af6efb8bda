// Package status is the one writer of FlinkCluster.status, and of the metadata that goes with it.
//
// Three loops share one status object. They write it through Updater only, each as the Owner of certain fields, by
// mutations that can be run again on a newer object: so none overwrites what another wrote, none writes what is there
// already, and each reads its own last write at once (Latest), however late the informer is.
//
// It may import the API types, the generated client and client-go. It must never import the loops, lifecycle or
// resources, call Flink, or hold the lock of a key for longer than the few bounded requests of one write.
package status
