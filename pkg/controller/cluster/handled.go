package cluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/flink-operator/flink-operator/pkg/resources"
)

// mostHandled is how many children of one kind are remembered. One that is forgotten costs a comparison, and one apply at most.
const mostHandled = 4096

// basis is all that the wanted forms of a cluster's children are made from: neither a generation of a spec nor a revision
// ever changes.
type basis struct {
	cluster    types.UID
	generation int64
	revision   string
	rollout    int32
	run        resources.Run
}

func basisOf(input resources.Input) basis {
	cluster := input.Cluster
	made := basis{cluster: cluster.UID, generation: cluster.Generation, revision: cluster.Status.Revision.Current, rollout: input.Rollout}
	if input.Run != nil {
		made.run = *input.Run
	}
	return made
}

// handled remembers which version of a child needs nothing more: it was found in its wanted form, or that was applied on top
// of it, and the informer still shows it. It is safe for concurrent use.
type handled struct {
	last *lru.Cache // handledVersion by UID
}

type handledVersion struct {
	resourceVersion string
	wanted          basis
}

func newHandled() handled { return handled{last: lru.New(mostHandled)} }

func (h handled) add(seen metav1.Object, wanted basis) {
	h.last.Add(seen.GetUID(), handledVersion{resourceVersion: seen.GetResourceVersion(), wanted: wanted})
}

func (h handled) has(seen metav1.Object, wanted basis) bool {
	last, known := h.last.Get(seen.GetUID())
	return known && last == handledVersion{resourceVersion: seen.GetResourceVersion(), wanted: wanted}
}
