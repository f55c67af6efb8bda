//go:build cluster

package cluster

import (
	"context"
	"flag"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest/conversation"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest/scene"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// recordings is where the tests of the model find what a real Flink answered, by version.
const recordings = "../../flink/flinktest/testdata"

var update = flag.Bool("update", false, "record anew what the real Flink answers (hack/test-cluster.sh -run TestModel -update=true)")

// TestModel makes the same requests, in the same situations, of a real JobManager and of the model that all other
// tests of the operator rely on. What the model answers has to be what Flink answers.
func TestModel(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Session("session")
	// No checkpoint is taken but on request, each is kept as in all clusters with a job, and statistics are answered as
	// they are.
	wanted.Spec.FlinkProperties["execution.checkpointing.interval"] = "10h"
	wanted.Spec.FlinkProperties["execution.checkpointing.externalized-checkpoint-retention"] = "RETAIN_ON_CANCELLATION"
	wanted.Spec.FlinkProperties["execution.checkpointing.num-retained"] = "3"
	wanted.Spec.FlinkProperties["rest.cache.checkpoint-statistics.timeout"] = "1ms"
	session := namespace.Create(t, wanted)
	namespace.Kubectl(t, "wait", "--for=condition=Ready", "flinkcluster/session", "--timeout=5m")
	flinkcluster.Eventually(t, "the TaskManager at the JobManager", func(ctx context.Context) error {
		return session.ExpectTaskManagers(ctx, 1)
	})

	answers, err := conversation.Play(t.Context(), newRealScene(t, session))
	require.NoError(t, err, "with the real Flink")
	version := conversation.Version(answers)
	t.Logf("%d requests to Flink %s", len(answers), version)
	folder := filepath.Join(recordings, version)
	if *update {
		require.NoError(t, conversation.Record(folder, answers))
	}
	model, err := conversation.Play(t.Context(), scene.New(flinktest.Config{Version: version}))
	require.NoError(t, err, "with the model")
	for _, difference := range conversation.Differences(answers, model) {
		assert.Fail(t, difference)
	}
	recorded, err := conversation.Recorded(folder)
	require.NoError(t, err)
	for _, difference := range conversation.Differences(answers, recorded) {
		assert.Fail(t, "what was recorded is out of date: "+difference)
	}
	session.DeleteAll(t)
}
