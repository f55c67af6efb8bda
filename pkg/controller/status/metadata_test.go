package status

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

func TestPatchMetadata(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		fixture.Change(t, b.api, key.Namespace, key.Name, builders.UserControl("savepoint"))
		synctest.Wait()
		b.api.HoldWatches(&v1beta1.FlinkCluster{})
		latest, _ := b.Latest(key)

		outcome, patched, err := b.PatchMetadata(t.Context(), latest, MetadataPatch{
			Annotations: map[string]*string{v1beta1.ControlAnnotation: nil, v1beta1.ControlHandledAnnotation: new("1")},
			Finalizers:  &[]string{"flinkoperator.k8s.io/cleanup"},
		})
		require.NoError(t, err)
		require.Equal(t, Written, outcome)
		require.Equal(t, map[string]string{v1beta1.ControlHandledAnnotation: "1"}, patched.Annotations)
		require.Equal(t, []string{"flinkoperator.k8s.io/cleanup"}, b.stored().Finalizers)
		known, _ := b.Latest(key)
		require.Equal(t, patched, known, "known before the informer has it")
		require.Len(t, b.written, 1)

		_, _, err = b.PatchMetadata(t.Context(), latest, MetadataPatch{Finalizers: &[]string{}})
		require.True(t, apierrors.IsConflict(err), "another version: %v", err)

		fixture.Change(t, b.api, key.Namespace, key.Name, builders.UserControl("job-cancel"))
		_, _, err = b.PatchMetadata(t.Context(), patched, MetadataPatch{Finalizers: &[]string{}})
		require.True(t, apierrors.IsConflict(err), "changed by somebody else: %v", err)
		patched, _ = b.Latest(key)
		require.Equal(t, "job-cancel", patched.Annotations[v1beta1.ControlAnnotation], "what the informer has not seen is known after a conflict")

		_, _, err = b.PatchMetadata(t.Context(), patched, MetadataPatch{Finalizers: &[]string{}})
		require.NoError(t, err)
		require.Empty(t, b.stored().Finalizers)
		require.Len(t, b.stored().Annotations, 2)
	})
}

func TestPatchMetadataOfAnotherLife(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		latest, _ := b.Latest(key)
		fixture.Delete[v1beta1.FlinkCluster](t, b.api, key.Namespace, key.Name)
		outcome, cluster, err := b.PatchMetadata(t.Context(), latest, MetadataPatch{Finalizers: &[]string{"a/b"}})
		require.NoError(t, err)
		require.Equal(t, Gone, outcome)
		require.Nil(t, cluster)

		b.api.Add(t, builders.JobCluster("wordcount", builders.UID("another life")))
		_, _, err = b.PatchMetadata(t.Context(), latest, MetadataPatch{Finalizers: &[]string{"a/b"}})
		require.True(t, apierrors.IsConflict(err), "%v", err)
		require.Empty(t, b.stored().Finalizers)
	})
}
