package flinkcluster

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Shell types commands as a user does whose kubectl is set to the namespace.
type Shell struct {
	environment []string
}

// Shell returns a shell in the namespace.
func (n *Namespace) Shell(t testing.TB) *Shell {
	t.Helper()
	configuration, err := n.suite.Kubectl(t.Context(), "config", "view", "--raw", "--flatten")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(file, []byte(configuration), 0o600))
	_, err = n.suite.Kubectl(t.Context(), "--kubeconfig", file, "config", "set-context", "--current", "--namespace", n.Name)
	require.NoError(t, err)
	path := filepath.Dir(n.suite.kubectl) + string(os.PathListSeparator) + os.Getenv("PATH")
	return &Shell{environment: append(os.Environ(), "KUBECONFIG="+file, "PATH="+path)}
}

// Run runs a command and returns what it prints; one that fails, fails the test.
func (s *Shell) Run(t testing.TB, command string) string {
	t.Helper()
	output, err := s.command(t.Context(), command).CombinedOutput()
	require.NoError(t, err, "%s\n%s", command, output)
	return string(output)
}

// Start runs a command until the test ends.
func (s *Shell) Start(t testing.TB, command string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	running := s.command(ctx, "exec "+command)
	require.NoError(t, running.Start())
	t.Cleanup(func() {
		cancel()
		// It was ended, and says so.
		_ = running.Wait()
	})
}

func (s *Shell) command(ctx context.Context, text string) *exec.Cmd {
	command := exec.CommandContext(ctx, "bash", "-c", text)
	command.Env = s.environment
	return command
}
