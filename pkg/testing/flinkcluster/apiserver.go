package flinkcluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// localClusterVariable names the script of the local cluster, and is set only where the tests run on it: an API server
// of somebody else is not restarted.
const localClusterVariable = "TEST_LOCAL_CLUSTER"

// CanRestartAPIServer says why the API server cannot be restarted; empty if it can.
func (s *Suite) CanRestartAPIServer() (refusal string) {
	if os.Getenv(localClusterVariable) == "" {
		return "the API server is not restarted: KUBECONFIG names a cluster that is not the one of hack/local-cluster"
	}
	return ""
}

// RestartAPIServer kills the API server of the local cluster, starts it again and returns when it is ready.
func (s *Suite) RestartAPIServer(ctx context.Context) error {
	script := os.Getenv(localClusterVariable)
	output, err := exec.CommandContext(ctx, script, "restart-apiserver").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s restart-apiserver: %w: %s", script, err, output)
	}
	return nil
}
