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
			// A generation and a nonce that wait at the same time are served by one savepoint.
			nonce := status.Components.Job.ObservedSavepointTriggerNonce
			served := status.Components.Job.SavepointGeneration >= 2 && nonce != nil && *nonce == 7
			external := slices.ContainsFunc(status.SavepointHistory, func(record v1beta1.SavepointRecord) bool {
				return record.Reason == v1beta1.SavepointReasonExternal
			})
			return served && external && status.Control.State == v1beta1.ControlStateSucceeded
		}},
		{"jobs.md", func(cluster *v1beta1.FlinkCluster) bool {
			job := cluster.Status.Components.Job
			return job.State == v1beta1.JobStateCancelled && slices.Contains(cluster.Finalizers, v1beta1.Finalizer)
		}},
		// It ends with the deletion of the cluster.
		{"user-guide/job-lifecycle.md", nil},
	}
	shell := namespace.Shell(t)
	printed := ""
	for _, page := range pages {
		commands := documentedCommands(t, page.name)
		require.NotEmpty(t, commands)
		for _, command := range commands {
			if output := typeCommand(t, shell, job, command); output != "" {
				printed = output
			}
		}
		if page.reached != nil {
			job.Await(t, "what "+page.name+" tells to do", page.reached)
		}
	}
	assert.Contains(t, printed, "(job deletion) completed: file:")
	job.AwaitNothingLeft(t)
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

// typeCommand puts in what a page leaves open, and returns what is printed. A port is forwarded until the test ends.
func typeCommand(t *testing.T, shell *flinkcluster.Shell, job *flinkcluster.Cluster, command string) string {
	t.Helper()
	if strings.Contains(command, "JOB_ID") {
		command = strings.ReplaceAll(command, "JOB_ID", job.Get(t).Status.Components.Job.ID)
	}
	command = strings.NewReplacer(
		documentedPort+":"+documentedPort, forwardedPort+":"+documentedPort,
		"localhost:"+documentedPort, "localhost:"+forwardedPort,
	).Replace(command)
	t.Log(command)
	if !strings.HasPrefix(command, "kubectl port-forward ") {
		return shell.Run(t, strings.Replace(command, "curl ", "curl --fail --silent --show-error ", 1))
	}
	shell.Start(t, command)
	flinkcluster.Eventually(t, "the forwarded port", func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", "localhost:"+forwardedPort)
		if err != nil {
			return fmt.Errorf("not yet: %w", err)
		}
		return connection.Close()
	})
	return ""
}
