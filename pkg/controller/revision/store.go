package revision

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/singleflight"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
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
	// creates has the three loops, which meet a new spec at the same time, make one request.
	creates singleflight.Group

	mutex sync.Mutex
	// stored remembers what was read or made. A revision never changes; the UID keeps the lives of a name apart.
	stored   map[cache.ObjectName]remembered
	verdicts map[cache.ObjectName]verdict
	answers  map[cache.ObjectName]answer
}

type remembered struct {
	cluster types.UID
	// specs by the name of the revision: the one in force and the newest.
	specs map[string]*v1beta1.FlinkClusterSpec
}

// New makes a store.
func New(client appsv1client.ControllerRevisionsGetter) *Store {
	return &Store{
		client: client, stored: map[cache.ObjectName]remembered{}, verdicts: map[cache.ObjectName]verdict{}, answers: map[cache.ObjectName]answer{},
	}
}

// Forget drops what is remembered of a cluster that is gone.
func (s *Store) Forget(cluster cache.ObjectName) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.stored, cluster)
	delete(s.verdicts, cluster)
	delete(s.answers, cluster)
}

// Resolve says which spec of a cluster is in force: the accepted revision with the live fields of the wanted spec. A wanted
// spec that is valid is stored as a revision before anybody records its name: the first one, or the next one. The loops ask
// in each pass, and the same question is answered from memory.
func (s *Store) Resolve(ctx context.Context, cluster *v1beta1.FlinkCluster) (lifecycle.Resolution, error) {
	if known, isKnown := s.answered(cluster); isKnown {
		return known, nil
	}
	resolution, err := s.resolve(ctx, cluster)
	if err == nil {
		s.keepAnswer(cluster, resolution)
	}
	return resolution, err
}

func (s *Store) resolve(ctx context.Context, cluster *v1beta1.FlinkCluster) (lifecycle.Resolution, error) {
	wanted := cluster.DeepCopy()
	v1beta1.SetDefaults(wanted)
	judged := s.judged(wanted)
	errs := judged.errs
	current := cluster.Status.Revision.Current
	if cluster.DeletionTimestamp != nil {
		return s.resolveLast(ctx, wanted)
	}
	if current == "" {
		resolution := lifecycle.ResolveFirst(wanted, errs)
		if resolution.Revision == "" {
			return resolution, nil
		}
		return resolution, s.keep(ctx, wanted, resolution.Revision)
	}
	if len(errs) == 0 && judged.revision == current {
		return lifecycle.ResolveUnchanged(wanted, current), nil
	}
	accepted, err := s.read(ctx, cluster, current)
	if err != nil {
		return lifecycle.Resolution{}, err
	}
	errs = append(slices.Clone(errs), v1beta1.ValidateUpdate(wanted, &v1beta1.FlinkCluster{Spec: *accepted})...)
	resolution := lifecycle.ResolveChanged(wanted, accepted, errs, func(candidate *v1beta1.FlinkCluster) bool {
		return len(validate(candidate)) == 0
	})
	if resolution.NextRevision == "" {
		return resolution, nil
	}
	return resolution, s.keep(ctx, wanted, resolution.NextRevision)
}

// resolveLast is for a cluster that is being deleted, which gets no new spec. The accepted one may be gone already: the
// garbage collector knows no order. The deletion goes on then, with what the user wanted last.
func (s *Store) resolveLast(ctx context.Context, wanted *v1beta1.FlinkCluster) (lifecycle.Resolution, error) {
	current := wanted.Status.Revision.Current
	if current == "" {
		return lifecycle.ResolveUnchanged(wanted, ""), nil
	}
	accepted, err := s.read(ctx, wanted, current)
	switch {
	case err == nil:
		resolution := lifecycle.ResolveChanged(wanted, accepted, nil, func(candidate *v1beta1.FlinkCluster) bool {
			return len(validate(candidate)) == 0
		})
		resolution.NextRevision, resolution.Changed = "", nil
		return resolution, nil
	case apierrors.IsNotFound(err), errors.Is(err, errUnusable):
		return lifecycle.ResolveUnchanged(wanted, current), nil
	}
	return lifecycle.Resolution{}, err
}

// errUnusable says that there is a revision, and that no spec can be read from it.
var errUnusable = errors.New("no accepted spec of the FlinkCluster")

func (s *Store) keep(ctx context.Context, cluster *v1beta1.FlinkCluster, name string) error {
	_, err, _ := s.creates.Do(string(cluster.UID)+"/"+name, func() (any, error) {
		return nil, s.create(ctx, cluster, name)
	})
	return err
}

// create stores a spec as a revision, and removes old ones. Its number is one more than the highest, as in kubectl rollout
// history.
func (s *Store) create(ctx context.Context, cluster *v1beta1.FlinkCluster, name string) error {
	if s.known(cluster, name) != nil {
		return nil
	}
	data, err := json.Marshal(cluster.Spec)
	if err != nil {
		return fmt.Errorf("encoding the spec of FlinkCluster %s/%s: %w", cluster.Namespace, cluster.Name, err)
	}
	kept, err := s.list(ctx, cluster)
	if err != nil {
		return err
	}
	number := int64(1)
	for _, revision := range kept {
		number = max(number, revision.Revision+1)
	}
	_, err = s.client.ControllerRevisions(cluster.Namespace).Create(ctx, &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: cluster.Namespace, Labels: revisionLabels(cluster),
			OwnerReferences: []metav1.OwnerReference{resources.OwnerReference(cluster)},
		},
		Data: runtime.RawExtension{Raw: data}, Revision: number,
	}, metav1.CreateOptions{})
	if err == nil {
		s.remember(cluster, name, &cluster.Spec)
		return s.prune(ctx, cluster, kept)
	}
	if !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("storing the spec of FlinkCluster %s/%s: %w", cluster.Namespace, cluster.Name, err)
	}
	// Ours from before, or from a pass whose record was lost; or that of a deleted cluster of the same name, which will be
	// gone soon.
	_, err = s.read(ctx, cluster, name)
	return err
}

func revisionLabels(cluster *v1beta1.FlinkCluster) labels.Set {
	return labels.Set{
		v1beta1.LabelCluster: cluster.Name, v1beta1.LabelApp: v1beta1.AppFlink, v1beta1.LabelManagedBy: v1beta1.ManagedByOperator,
	}
}

// list returns the revisions of a cluster, the oldest first. The first spec of a cluster finds none, without a request.
func (s *Store) list(ctx context.Context, cluster *v1beta1.FlinkCluster) ([]appsv1.ControllerRevision, error) {
	if cluster.Status.Revision.Current == "" {
		return nil, nil
	}
	found, err := s.client.ControllerRevisions(cluster.Namespace).List(ctx, metav1.ListOptions{LabelSelector: revisionLabels(cluster).String()})
	if err != nil {
		return nil, fmt.Errorf("listing the revisions of FlinkCluster %s/%s: %w", cluster.Namespace, cluster.Name, err)
	}
	kept := slices.DeleteFunc(found.Items, func(revision appsv1.ControllerRevision) bool { return !metav1.IsControlledBy(&revision, cluster) })
	slices.SortFunc(kept, func(a, b appsv1.ControllerRevision) int { return cmp.Compare(a.Revision, b.Revision) })
	return kept, nil
}

// prune removes the oldest revisions beyond the limit, but never the one in force, or the stable one, which may be again.
func (s *Store) prune(ctx context.Context, cluster *v1beta1.FlinkCluster, kept []appsv1.ControllerRevision) error {
	used := []string{cluster.Status.Revision.Current, cluster.Status.Revision.Stable}
	unused := slices.DeleteFunc(kept, func(revision appsv1.ControllerRevision) bool { return slices.Contains(used, revision.Name) })
	for _, revision := range unused[:max(0, len(unused)-int(*cluster.Spec.RevisionHistoryLimit))] {
		err := s.client.ControllerRevisions(cluster.Namespace).Delete(ctx, revision.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &revision.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("removing an old revision of FlinkCluster %s/%s: %w", cluster.Namespace, cluster.Name, err)
		}
	}
	return nil
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
		return nil, fmt.Errorf("ControllerRevision %s/%s does not belong to the FlinkCluster: %w", cluster.Namespace, name, errUnusable)
	}
	accepted := &v1beta1.FlinkCluster{ObjectMeta: metav1.ObjectMeta{Name: cluster.Name, Namespace: cluster.Namespace}}
	if err := json.Unmarshal(stored.Data.Raw, &accepted.Spec); err != nil {
		return nil, fmt.Errorf("decoding ControllerRevision %s/%s: %w: %w", cluster.Namespace, name, errUnusable, err)
	}
	v1beta1.SetDefaults(accepted)
	s.remember(cluster, name, &accepted.Spec)
	return &accepted.Spec, nil
}

// known returns a copy of what is remembered of a revision, nil if nothing is.
func (s *Store) known(cluster *v1beta1.FlinkCluster, name string) *v1beta1.FlinkClusterSpec {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if known := s.stored[cache.MetaObjectToName(cluster)]; known.cluster == cluster.UID {
		return known.specs[name].DeepCopy()
	}
	return nil
}

func (s *Store) remember(cluster *v1beta1.FlinkCluster, name string, spec *v1beta1.FlinkClusterSpec) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	key := cache.MetaObjectToName(cluster)
	specs := map[string]*v1beta1.FlinkClusterSpec{name: spec.DeepCopy()}
	current := cluster.Status.Revision.Current
	if known := s.stored[key]; known.cluster == cluster.UID && known.specs[current] != nil && current != name {
		specs[current] = known.specs[current]
	}
	s.stored[key] = remembered{cluster: cluster.UID, specs: specs}
}
