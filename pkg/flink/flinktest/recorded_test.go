package flinktest_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest/conversation"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest/scene"
)

// TestModelAnswersAsRecorded compares the model with what JobManagers of real Flinks answered. The recordings are made
// by TestModel of pkg/integration/cluster, which also compares without them:
//
//	hack/test-cluster.sh -run 'TestModel$' -update=true
func TestModelAnswersAsRecorded(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("testdata", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		version := filepath.Base(folder)
		t.Run(version, func(t *testing.T) {
			recorded, err := conversation.Recorded(folder)
			require.NoError(t, err)
			model, err := conversation.Play(t.Context(), scene.New(flinktest.Config{Version: version}))
			require.NoError(t, err)
			for _, difference := range conversation.Differences(recorded, model) {
				assert.Fail(t, difference)
			}
		})
	}
}
