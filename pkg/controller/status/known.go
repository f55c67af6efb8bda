package status

import (
	"sync"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// known keeps, for each key, the newest object that a request of ours returned and the informer has not reached yet.
// The objects in it are never changed.
type known struct {
	mutex   sync.Mutex
	objects map[cache.ObjectName]*v1beta1.FlinkCluster
}

func newKnown() *known {
	return &known{objects: map[cache.ObjectName]*v1beta1.FlinkCluster{}}
}

// record remembers an object that the API server returned, unless a newer one is known: a GET that began before a
// write may end after it.
func (k *known) record(key cache.ObjectName, cluster *v1beta1.FlinkCluster) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if existing, exists := k.objects[key]; exists && newer(existing, cluster) {
		return
	}
	k.objects[key] = cluster
}

// forget drops what is known of a deleted object.
func (k *known) forget(key cache.ObjectName) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	delete(k.objects, key)
}

// newest returns the newer of the informer's object and the recorded one. A recorded object that the informer has
// reached is dropped: memory holds clusters twice for a moment only.
//
// An object that was deleted and made again under the same name needs no rule of its own: resource versions of one
// resource are ordered across objects too, so the newer object is the newer life.
func (k *known) newest(key cache.ObjectName, fromInformer *v1beta1.FlinkCluster) *v1beta1.FlinkCluster {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	recorded, exists := k.objects[key]
	if !exists {
		return fromInformer
	}
	if newer(recorded, fromInformer) {
		return recorded
	}
	delete(k.objects, key)
	return fromInformer
}

// newer tells whether a was written after b. Versions that cannot be compared are not newer.
func newer(a, b *v1beta1.FlinkCluster) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err == nil && order > 0
}
