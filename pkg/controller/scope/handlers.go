package scope

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// listen connects the informers with the queues.
func (s *Scope) listen(flinkClusters cache.SharedIndexInformer) error {
	if err := s.handle(flinkClusters, func(object metav1.Object) { s.enqueueFresh(cache.MetaObjectToName(object)) }); err != nil {
		return err
	}
	for _, informer := range []cache.SharedIndexInformer{
		s.kubeFactory.Core().V1().ConfigMaps().Informer(), s.kubeFactory.Core().V1().Services().Informer(),
		s.kubeFactory.Core().V1().Pods().Informer(), s.kubeFactory.Apps().V1().StatefulSets().Informer(),
		s.kubeFactory.Batch().V1().Jobs().Informer(),
	} {
		if err := s.handle(informer, s.enqueueOwner); err != nil {
			return err
		}
	}
	return nil
}

// enqueueOwner wakes the cluster that an object is labelled with. Only the name is trusted: whether the object really
// belongs to the cluster is looked at in the sync.
func (s *Scope) enqueueOwner(object metav1.Object) {
	if name := object.GetLabels()[v1beta1.LabelCluster]; name != "" {
		s.enqueue(cache.ObjectName{Namespace: object.GetNamespace(), Name: name})
	}
}

func (s *Scope) handle(informer cache.SharedIndexInformer, changed func(metav1.Object)) error {
	notify := func(object any) {
		if tombstone, isTombstone := object.(cache.DeletedFinalStateUnknown); isTombstone {
			object = tombstone.Obj
		}
		if accessor, err := meta.Accessor(object); err == nil {
			changed(accessor)
		}
	}
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: notify,
		UpdateFunc: func(old, updated any) {
			// A resync is no news: whatever failed is in the queue already.
			if !sameVersion(old, updated) {
				notify(updated)
			}
		},
		DeleteFunc: notify,
	})
	if err != nil {
		return fmt.Errorf("watching: %w", err)
	}
	s.synced = append(s.synced, registration.HasSyncedChecker())
	return nil
}

func sameVersion(old, updated any) bool {
	before, errBefore := meta.Accessor(old)
	after, errAfter := meta.Accessor(updated)
	return errBefore == nil && errAfter == nil && before.GetResourceVersion() == after.GetResourceVersion()
}

// withoutManagedFields drops what nobody here reads and often makes up half of an object.
func withoutManagedFields(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}
