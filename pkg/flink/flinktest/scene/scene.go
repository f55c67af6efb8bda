// Package scene puts the model of a JobManager into the situations of a conversation.
package scene

import (
	"context"
	"net/http/httptest"
	"strings"

	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest/conversation"
)

// tasks is what a job of the scene has: a source and a counter.
const tasks = 2

// Scene is the model in a conversation.
type Scene struct {
	manager *flinktest.JobManager
}

// New returns a scene without jobs.
func New(config flinktest.Config) *Scene {
	config.Clock = clock.RealClock{}
	config.CheckpointsDirectory = "file:/flink-data/checkpoints"
	return &Scene{manager: flinktest.New(config)}
}

// Send implements conversation.Scene.
func (s *Scene) Send(ctx context.Context, method, path, body string) (int, []byte, error) {
	recorder := httptest.NewRecorder()
	s.manager.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body)))
	return recorder.Code, recorder.Body.Bytes(), nil
}

// Again implements conversation.Scene.
func (s *Scene) Again(context.Context) error {
	return conversation.ErrSettled
}

// StartJob implements conversation.Scene.
func (s *Scene) StartJob(_ context.Context, id, restorePath string) error {
	s.manager.StartJob(id, restorePath)
	if !s.manager.Status(id).Terminal() {
		s.manager.SetTasks(id, tasks, tasks)
	}
	return nil
}

// StartFailingJob implements conversation.Scene.
func (s *Scene) StartFailingJob(_ context.Context, id string) error {
	s.manager.StartJob(id, "")
	s.manager.SetTasks(id, tasks, tasks)
	s.manager.Fail(id, "org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy",
		"java.lang.IllegalStateException: failing at count 10 as asked")
	return nil
}

// StartWaitingJob implements conversation.Scene.
func (s *Scene) StartWaitingJob(_ context.Context, id string) error {
	s.manager.StartJob(id, "")
	s.manager.SetTasks(id, 0, tasks)
	return nil
}

// CompleteCheckpoint implements conversation.Scene.
func (s *Scene) CompleteCheckpoint(_ context.Context, id string) error {
	s.manager.CompleteCheckpoint(id)
	return nil
}

// CompleteOperation implements conversation.Scene.
func (s *Scene) CompleteOperation(_ context.Context, id, triggerID string) error {
	s.manager.CompleteOperation(id, triggerID)
	return nil
}
