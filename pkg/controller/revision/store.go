package revision

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/singleflight"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// Store reads and writes the revisions of FlinkClusters. It is safe for concurrent use.
type Store struct {
	client appsv1client.ControllerRevisionsGetter
	// creates has the three loops, which meet a new cluster at the same time, make one request.
	creates singleflight.Group

	mutex sync.Mutex
	// accepted remembers what was read. A revision never changes; the UID keeps the lives of a name apart.
	accepted map[cache.ObjectName]remembered
	verdicts map[cache.ObjectName]verdict
}

type remembered struct {
	cluster types.UID
	name    string
	spec    *v1beta1.FlinkClusterSpec
}

// New makes a store.
func New(client appsv1client.ControllerRevisionsGetter) *Store {
	return &Store{client: client, accepted: map[cache.ObjectName]remembered{}, verdicts: map[cache.ObjectName]verdict{}}
}

// Forget drops what is remembered of a cluster that is gone.
func (s *Store) Forget(cluster cache.ObjectName) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.accepted, cluster)
	delete(s.verdicts, cluster)
}

// Resolve says which spec of a cluster is in force: the accepted revision with the live fields of the wanted spec.
// If none has been accepted and the wanted spec is valid, it is stored as a revision; the caller records its name.
func (s *Store) Resolve(ctx context.Context, cluster *v1beta1.FlinkCluster) (lifecycle.Resolution, error) {
	wanted := cluster.DeepCopy()
	v1beta1.SetDefaults(wanted)
	judged := s.judged(wanted)
	errs := judged.errs
	current := cluster.Status.Revision.Current
	if current == "" {
		resolution := lifecycle.ResolveFirst(wanted, errs)
		if resolution.Revision == "" {
			return resolution, nil
		}
		_, err, _ := s.creates.Do(string(wanted.UID)+"/"+resolution.Revision, func() (any, error) {
			return nil, s.create(ctx, wanted, resolution.Revision)
		})
		return resolution, err
	}
	if len(errs) == 0 && judged.revision == current {
		return lifecycle.ResolveUnchanged(wanted, current), nil
	}
	accepted, err := s.read(ctx, cluster, current)
	if err != nil {
		return lifecycle.Resolution{}, err
	}
	errs = append(slices.Clone(errs), v1beta1.ValidateUpdate(wanted, &v1beta1.FlinkCluster{Spec: *accepted})...)
	return lifecycle.ResolveChanged(wanted, accepted, errs, func(candidate *v1beta1.FlinkCluster) bool {
		return len(validate(candidate)) == 0
	}), nil
}

func (s *Store) create(ctx context.Context, cluster *v1beta1.FlinkCluster, name string) error {
	if s.known(cluster, name) != nil {
		return nil
	}
	data, err := json.Marshal(cluster.Spec)
	if err != nil {
		return fmt.Errorf("encoding the spec of FlinkCluster %s/%s: %w", cluster.Namespace, cluster.Name, err)
	}
	revisions := s.client.ControllerRevisions(cluster.Namespace)
	_, err = revisions.Create(ctx, &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: cluster.Namespace,
			Labels: map[string]string{
				v1beta1.LabelCluster: cluster.Name, v1beta1.LabelApp: v1beta1.AppFlink, v1beta1.LabelManagedBy: v1beta1.ManagedByOperator,
			},
			OwnerReferences: []metav1.OwnerReference{resources.OwnerReference(cluster)},
		},
		Data: runtime.RawExtension{Raw: data}, Revision: 1,
	}, metav1.CreateOptions{})
	if err == nil {
		s.remember(cluster, name, &cluster.Spec)
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("storing the accepted spec of FlinkCluster %s/%s: %w", cluster.Namespace, cluster.Name, err)
	}
	// Ours from a pass whose record was lost; or that of a deleted cluster of the same name, which will be gone soon.
	_, err = s.read(ctx, cluster, name)
	return err
}

func (s *Store) read(ctx context.Context, cluster *v1beta1.FlinkCluster, name string) (*v1beta1.FlinkClusterSpec, error) {
	if known := s.known(cluster, name); known != nil {
		return known, nil
	}
	stored, err := s.client.ControllerRevisions(cluster.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the accepted spec of FlinkCluster %s/%s: %w", cluster.Namespace, cluster.Name, err)
	}
	if !metav1.IsControlledBy(stored, cluster) {
		return nil, fmt.Errorf("ControllerRevision %s/%s does not belong to the FlinkCluster", cluster.Namespace, name)
	}
	accepted := &v1beta1.FlinkCluster{ObjectMeta: metav1.ObjectMeta{Name: cluster.Name, Namespace: cluster.Namespace}}
	if err := json.Unmarshal(stored.Data.Raw, &accepted.Spec); err != nil {
		return nil, fmt.Errorf("decoding ControllerRevision %s/%s: %w", cluster.Namespace, name, err)
	}
	v1beta1.SetDefaults(accepted)
	s.remember(cluster, name, &accepted.Spec)
	return &accepted.Spec, nil
}

// known returns a copy of what is remembered of a revision, nil if nothing is.
func (s *Store) known(cluster *v1beta1.FlinkCluster, name string) *v1beta1.FlinkClusterSpec {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if known := s.accepted[cache.MetaObjectToName(cluster)]; known.cluster == cluster.UID && known.name == name {
		return known.spec.DeepCopy()
	}
	return nil
}

func (s *Store) remember(cluster *v1beta1.FlinkCluster, name string, spec *v1beta1.FlinkClusterSpec) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.accepted[cache.MetaObjectToName(cluster)] = remembered{cluster: cluster.UID, name: name, spec: spec.DeepCopy()}
}
