package revision

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

func inBubble(t *testing.T, test func(t *testing.T, api *fixture.API, store *Store)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		test(t, api, New(api.KubeClient(t).AppsV1()))
	})
}

func accepted(t *testing.T, store *Store, cluster *v1beta1.FlinkCluster) {
	t.Helper()
	resolution, err := store.Resolve(t.Context(), cluster)
	require.NoError(t, err)
	require.Nil(t, resolution.Problem)
	cluster.Status.Revision.Current = resolution.Revision
}

func edited(cluster *v1beta1.FlinkCluster, change func(*v1beta1.FlinkClusterSpec)) *v1beta1.FlinkCluster {
	next := cluster.DeepCopy()
	next.Generation++
	change(&next.Spec)
	return next
}

// The first valid spec is stored once, owned by its cluster, and read from memory afterwards.
func TestFirstSpecIsStored(t *testing.T) {
	inBubble(t, func(t *testing.T, api *fixture.API, store *Store) {
		cluster := builders.JobCluster("a")
		accepted(t, store, cluster)
		stored := fixture.Get[appsv1.ControllerRevision](t, api, "default", cluster.Status.Revision.Current)
		require.Equal(t, cluster.UID, stored.OwnerReferences[0].UID)
		require.Equal(t, v1beta1.ManagedByOperator, stored.Labels[v1beta1.LabelManagedBy])
		requests := len(api.Requests())
		for range 3 {
			resolution, err := store.Resolve(t.Context(), cluster)
			require.NoError(t, err)
			require.Equal(t, lifecycle.Resolution{Cluster: resolution.Cluster, Revision: cluster.Status.Revision.Current}, resolution)
		}
		require.Len(t, api.Requests(), requests)
	})
}

func TestInvalidFirstSpecIsNotStored(t *testing.T) {
	inBubble(t, func(t *testing.T, api *fixture.API, store *Store) {
		cluster := edited(builders.JobCluster("a"), func(spec *v1beta1.FlinkClusterSpec) { spec.Job.JarFile = "https://example.com/job.jar" })
		resolution, err := store.Resolve(t.Context(), cluster)
		require.NoError(t, err)
		require.Empty(t, resolution.Revision)
		require.Contains(t, resolution.Problem.Message, "spec.job.jarFile")
		require.Empty(t, api.Requests())
	})
}

// An edit that is invalid or needs an upgrade, which has not been made, leaves the accepted spec in force, also for an operator that has just started.
func TestAcceptedSpecStaysInForce(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*v1beta1.FlinkClusterSpec)
		invalid bool
	}{
		"invalid": {func(spec *v1beta1.FlinkClusterSpec) { spec.Job.JarFile = "https://example.com/job.jar" }, true},
		"upgrade": {func(spec *v1beta1.FlinkClusterSpec) { spec.Image.Name = "flink:2.0" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, api *fixture.API, store *Store) {
				cluster := builders.JobCluster("a")
				accepted(t, store, cluster)
				next := edited(cluster, test.change)
				for _, store := range []*Store{store, New(api.KubeClient(t).AppsV1())} {
					resolution, err := store.Resolve(t.Context(), next)
					require.NoError(t, err)
					require.Equal(t, cluster.Status.Revision.Current, resolution.Revision)
					require.Equal(t, test.invalid, resolution.Problem != nil)
					require.Equal(t, test.invalid, resolution.NextRevision == "")
					require.Equal(t, cluster.Spec.Image.Name, resolution.Cluster.Spec.Image.Name)
					require.Equal(t, cluster.Spec.Job.JarFile, resolution.Cluster.Spec.Job.JarFile)
				}
			})
		})
	}
}

// A revision of a deleted cluster of the same name is not taken for ours; when it is gone, ours is stored.
func TestRevisionOfAFormerLife(t *testing.T) {
	inBubble(t, func(t *testing.T, api *fixture.API, store *Store) {
		former := builders.JobCluster("a", builders.UID("former"))
		accepted(t, store, former)
		store.Forget(cache.MetaObjectToName(former))
		cluster := builders.JobCluster("a")
		_, err := store.Resolve(t.Context(), cluster)
		require.ErrorContains(t, err, "does not belong")
		fixture.Delete[appsv1.ControllerRevision](t, api, "default", former.Status.Revision.Current)
		accepted(t, store, cluster)
	})
}

// A record that was lost with a crash or an answer is found again.
func TestStoredBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, api *fixture.API, store *Store) {
		cluster := builders.JobCluster("a")
		accepted(t, store, cluster.DeepCopy())
		accepted(t, New(api.KubeClient(t).AppsV1()), cluster)
		require.Len(t, fixture.List[appsv1.ControllerRevision](t, api, ""), 1)
	})
}

// The oldest revisions go, but never the one in force, or the stable one, which may be in force again.
func TestOldRevisionsAreRemoved(t *testing.T) {
	inBubble(t, func(t *testing.T, api *fixture.API, store *Store) {
		cluster := builders.JobCluster("a", builders.Spec(func(spec *v1beta1.FlinkClusterSpec) { spec.RevisionHistoryLimit = new(int32(1)) }))
		accepted(t, store, cluster)
		stable := cluster.Status.Revision.Current
		cluster.Status.Revision.Stable = stable
		names := []string{stable}
		for _, image := range []string{"flink:2.0", "flink:2.1", "flink:2.2", "flink:2.3"} {
			cluster = edited(cluster, func(spec *v1beta1.FlinkClusterSpec) { spec.Image.Name = image })
			resolution, err := store.Resolve(t.Context(), cluster)
			require.NoError(t, err)
			names = append(names, resolution.NextRevision)
			cluster.Status.Revision.Current = resolution.NextRevision
		}
		var kept []string
		for _, stored := range fixture.List[appsv1.ControllerRevision](t, api, "") {
			kept = append(kept, stored.Name)
		}
		// The last one, the one that was in force when it was made, one of before, and the stable one.
		require.ElementsMatch(t, []string{names[4], names[3], names[2], stable}, kept)
		rolledBack := cluster.DeepCopy()
		rolledBack.Status.Revision.Current = stable
		resolution, err := New(api.KubeClient(t).AppsV1()).Resolve(t.Context(), rolledBack)
		require.NoError(t, err)
		require.Equal(t, "flink:1.20", resolution.Cluster.Spec.Image.Name)
		require.Equal(t, names[4], resolution.NextRevision)
	})
}

func TestUnreadableRevision(t *testing.T) {
	inBubble(t, func(t *testing.T, api *fixture.API, store *Store) {
		cluster := builders.JobCluster("a")
		accepted(t, store, cluster)
		fixture.Change(t, api, "default", cluster.Status.Revision.Current, func(stored *appsv1.ControllerRevision) {
			stored.Data.Raw = []byte(`{"image": 3}`)
		})
		next := edited(cluster, func(spec *v1beta1.FlinkClusterSpec) { spec.Image.Name = "flink:2.0" })
		_, err := New(api.KubeClient(t).AppsV1()).Resolve(t.Context(), next)
		require.ErrorContains(t, err, "decoding ControllerRevision")

		api.FailNext("get", "controllerrevisions", fixture.Fault{Err: errors.New("connection reset")})
		_, err = New(api.KubeClient(t).AppsV1()).Resolve(t.Context(), next)
		require.ErrorContains(t, err, "connection reset")
	})
}
