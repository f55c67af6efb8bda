// Package revision keeps accepted specs as ControllerRevisions, so that an edit which cannot be carried out yet never
// changes half of a running cluster: children are always built from the spec that was accepted.
//
// It may import the API types, lifecycle, resources and client-go. It never deletes: revisions are owned by their
// FlinkCluster and go with it.
package revision
