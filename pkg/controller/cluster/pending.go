package cluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/lru"
)

// mostPending is how many applied children are remembered. A child is pending for as long as its watch is late.
const mostPending = 256

// pending remembers what was applied to a child, and on top of which version. While the informer still shows that version,
// the same need not be applied again. It is safe for concurrent use.
type pending struct {
	applied *lru.Cache // by UID
}

type applied struct {
	resourceVersion, form string
}

func newPending() pending { return pending{applied: lru.New(mostPending)} }

func (p pending) add(seen metav1.Object, form []byte) {
	p.applied.Add(seen.GetUID(), applied{resourceVersion: seen.GetResourceVersion(), form: string(form)})
}

// has says whether this form was applied already to what is seen.
func (p pending) has(seen metav1.Object, form []byte) bool {
	last, known := p.applied.Get(seen.GetUID())
	return known && last == applied{resourceVersion: seen.GetResourceVersion(), form: string(form)}
}
