//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// documentedPort is the port of this machine that the documents forward to Flink, forwardedPort the one that the test takes.
const documentedPort, forwardedPort = "8081", "18081"

// TestDocumentedCommands types the commands of the users' pages, one page after the other, and looks at what came of them.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	job := namespace.Create(t, namespace.Counter("counter", flinkcluster.Pace(paceMillis)...))
	job.AwaitRunning(t, 1)
	pages := []struct {
		name    string
		reached func(*v1beta1.FlinkCluster) bool
	}{
		{"savepoints.md", func(cluster *v1beta1.FlinkCluster) bool {
			status := cluster.Status
			external := slices.ContainsFunc(status.SavepointHistory, func(record v1beta1.SavepointRecord) bool {
				return record.Reason == v1beta1.SavepointReasonExternal
			})
			return status.Components.Job.SavepointGeneration == 3 && external && status.Control.State == v1beta1.ControlStateSucceeded
		}},
		{"user-guide/job-lifecycle.md", func(cluster *v1beta1.FlinkCluster) bool {
			status := cluster.Status
			nonce := status.ObservedRestartNonce
			return status.Lifecycle == v1beta1.LifecycleRunning && nonce != nil && *nonce == 1
		}},
		{"jobs.md", func(cluster *v1beta1.FlinkCluster) bool {
			return cluster.Status.Components.Job.State == v1beta1.JobStateCancelled
		}},
	}
	shell := namespace.Shell(t)
	for _, page := range pages {
		commands := documentedCommands(t, page.name)
		require.NotEmpty(t, commands)
		for _, command := range commands {
			typeCommand(t, shell, job, command)
		}
		job.Await(t, "what "+page.name+" tells to do", page.reached)
	}
	described := shell.Run(t, "kubectl describe flinkcluster counter")
	assert.Contains(t, described, "Savepoint Location:")
	assert.Contains(t, described, "user control job-cancel succeeded")
	job.DeleteAll(t)
}

// documentedCommands returns the lines of the shell blocks of a page.
func documentedCommands(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", filepath.FromSlash(page)))
	require.NoError(t, err)
	var commands []string
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case inside && line != "":
			commands = append(commands, line)
		}
	}
	return commands
}

// typeCommand puts in what a page leaves open. A port is forwarded until the test ends.
func typeCommand(t *testing.T, shell *flinkcluster.Shell, job *flinkcluster.Cluster, command string) {
	t.Helper()
	command = strings.NewReplacer(
		"JOB_ID", job.Get(t).Status.Components.Job.ID,
		documentedPort+":"+documentedPort, forwardedPort+":"+documentedPort,
		"localhost:"+documentedPort, "localhost:"+forwardedPort,
	).Replace(command)
	t.Log(command)
	if !strings.HasPrefix(command, "kubectl port-forward ") {
		shell.Run(t, strings.Replace(command, "curl ", "curl --fail --silent --show-error ", 1))
		return
	}
	shell.Start(t, command)
	flinkcluster.Eventually(t, "the forwarded port", func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", "localhost:"+forwardedPort)
		if err != nil {
			return fmt.Errorf("not yet: %w", err)
		}
		return connection.Close()
	})
}
