package scope

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// listen connects the informers with the queues.
func (s *Scope) listen(flinkClusters cache.SharedIndexInformer) error {
	if err := s.handle(flinkClusters, s.clusterChanged); err != nil {
		return err
	}
	for _, informer := range []cache.SharedIndexInformer{
		s.kubeFactory.Core().V1().ConfigMaps().Informer(), s.kubeFactory.Core().V1().Services().Informer(),
		s.kubeFactory.Core().V1().Pods().Informer(), s.kubeFactory.Apps().V1().StatefulSets().Informer(),
		s.kubeFactory.Batch().V1().Jobs().Informer(), s.kubeFactory.Core().V1().ServiceAccounts().Informer(),
		s.kubeFactory.Rbac().V1().Roles().Informer(), s.kubeFactory.Rbac().V1().RoleBindings().Informer(),
	} {
		if err := s.handle(informer, s.childChanged); err != nil {
			return err
		}
	}
	return nil
}

// clusterChanged wakes the loops. What its user changed makes past failures count no longer; a status that we wrote
// ourselves does not.
func (s *Scope) clusterChanged(old, updated metav1.Object) {
	key := cache.MetaObjectToName(updated)
	if old == nil || old.GetGeneration() != updated.GetGeneration() || !maps.Equal(old.GetAnnotations(), updated.GetAnnotations()) {
		s.enqueueFresh(key)
		return
	}
	s.enqueue(key)
}

// childChanged wakes the cluster that an object is labelled with. Only the name is trusted: whether the object really
// belongs to the cluster is looked at in the sync. A child that was labelled away is its old cluster's to mend.
func (s *Scope) childChanged(old, updated metav1.Object) {
	name := updated.GetLabels()[v1beta1.LabelCluster]
	s.enqueueOwner(updated.GetNamespace(), name)
	if old != nil && old.GetLabels()[v1beta1.LabelCluster] != name {
		s.enqueueOwner(old.GetNamespace(), old.GetLabels()[v1beta1.LabelCluster])
	}
}

func (s *Scope) enqueueOwner(namespace, name string) {
	if name != "" {
		s.enqueue(cache.ObjectName{Namespace: namespace, Name: name})
	}
}

// handle has changed called with each change of an object; old is nil if the object is new or gone.
func (s *Scope) handle(informer cache.SharedIndexInformer, changed func(old, updated metav1.Object)) error {
	appearedOrGone := func(object any) {
		if tombstone, isTombstone := object.(cache.DeletedFinalStateUnknown); isTombstone {
			object = tombstone.Obj
		}
		if accessor, err := meta.Accessor(object); err == nil {
			changed(nil, accessor)
		}
	}
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: appearedOrGone,
		UpdateFunc: func(old, updated any) {
			before, errBefore := meta.Accessor(old)
			after, errAfter := meta.Accessor(updated)
			// A resync is no news: whatever failed is in the queue already.
			if errBefore == nil && errAfter == nil && before.GetResourceVersion() != after.GetResourceVersion() {
				changed(before, after)
			}
		},
		DeleteFunc: appearedOrGone,
	})
	if err != nil {
		return fmt.Errorf("watching: %w", err)
	}
	s.synced = append(s.synced, registration.HasSyncedChecker())
	return nil
}

// withoutManagedFields drops what nobody here reads and often makes up half of an object.
func withoutManagedFields(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}
