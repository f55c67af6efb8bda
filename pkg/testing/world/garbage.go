package world

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// collectGarbage deletes what was made for a FlinkCluster in the moment after it was deleted, as the garbage collector
// does. What was there before goes with its owner in the API server itself.
func (k *kubelet) collectGarbage() {
	var owners []types.UID
	for _, cluster := range fixture.List[v1beta1.FlinkCluster](k.world.t, k.world.API, "") {
		owners = append(owners, cluster.UID)
	}
	for name, object := range k.world.Objects() {
		owner := metav1.GetControllerOf(object)
		if owner != nil && owner.Kind == v1beta1.Kind && !slices.Contains(owners, owner.UID) {
			k.world.Remove(name)
		}
	}
}

// expectGarbage has the collector look for a while: what is under way to the API server is made all the same.
func (k *kubelet) expectGarbage() {
	k.mutex.Lock()
	k.garbage = true
	k.mutex.Unlock()
	time.AfterFunc(time.Second, k.signal)
}
