//go:build cluster

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest/conversation"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// realScene is a JobManager of a session cluster, for the conversation that it has to have with the model in common.
type realScene struct {
	session *flinkcluster.Cluster
	pod     string
	// patience is for the whole conversation.
	patience context.Context
}

const conversationTimeout = 2 * time.Minute

func newRealScene(t *testing.T, session *flinkcluster.Cluster) *realScene {
	ctx, cancel := context.WithTimeout(t.Context(), conversationTimeout)
	t.Cleanup(cancel)
	return &realScene{session: session, pod: session.OnlyPod(t, v1beta1.ComponentJobManager).Name, patience: ctx}
}

func (s *realScene) Send(ctx context.Context, method, path, body string) (int, []byte, error) {
	return s.session.Ask(ctx, method, path, body)
}

// Again polls five times a second.
func (s *realScene) Again(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.patience.Done():
		return s.patience.Err()
	case <-time.After(200 * time.Millisecond):
		return nil
	}
}

func (s *realScene) StartJob(ctx context.Context, id, restorePath string) error {
	options := []string{"-D", "$internal.pipeline.job-id=" + id}
	if restorePath != "" {
		options = append(options, "--fromSavepoint", restorePath)
	}
	err := s.submit(ctx, options, "--slow-snapshot-millis", "3000")
	if restorePath == conversation.MissingSavepoint {
		// Flink's command line tells of a job that cannot start, and the JobManager keeps it.
		err = nil
	}
	return err
}

func (s *realScene) StartFailingJob(ctx context.Context, id string) error {
	return s.submit(ctx, []string{"-D", "$internal.pipeline.job-id=" + id, "-D", "restart-strategy.type=disable"}, "--fail-at", "10")
}

// StartWaitingJob works because the one slot is taken.
func (s *realScene) StartWaitingJob(ctx context.Context, id string) error {
	return s.StartJob(ctx, id, "")
}

// submit lets Flink's command line do it.
func (s *realScene) submit(ctx context.Context, options []string, arguments ...string) error {
	command := []string{"exec", "-n", s.session.Namespace.Name, s.pod, "--", "flink", "run", "--detached", "--target", "remote", "-D", "rest.address=localhost"}
	command = append(append(command, options...), flinkcluster.ExampleJar)
	_, err := suite.Kubectl(ctx, append(command, arguments...)...)
	return err
}

func (s *realScene) CompleteCheckpoint(ctx context.Context, id string) error {
	status, body, err := s.Send(ctx, http.MethodPost, "/v1/jobs/"+id+"/checkpoints", "{}")
	if err != nil || status != http.StatusAccepted {
		return fmt.Errorf("asking for a checkpoint: %d %s: %w", status, body, err)
	}
	var trigger struct {
		ID string `json:"request-id"`
	}
	if err := json.Unmarshal(body, &trigger); err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, body, err := s.Send(ctx, http.MethodGet, "/v1/jobs/"+id+"/checkpoints/"+trigger.ID, "")
		var progress struct {
			Status struct {
				ID string `json:"id"`
			} `json:"status"`
		}
		if err == nil {
			err = json.Unmarshal(body, &progress)
		}
		return progress.Status.ID == "COMPLETED", err
	})
}

// CompleteOperation leaves it to Flink, and the script waits.
func (s *realScene) CompleteOperation(context.Context, string, string) error {
	return nil
}
