//go:build apiserver

package apiserver

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/flink-operator/flink-operator/pkg/testing/apiserver"
)

const (
	// installFile is what a user applies; paths begin at this folder.
	installFile = "../../../manifests/install.yaml"
	crdFile     = "../../../manifests/crds/flinkoperator.k8s.io_flinkclusters.yaml"

	pollInterval = 20 * time.Millisecond
	// waitLimit is for what should happen soon, on a machine that may be busy with other things.
	waitLimit = 30 * time.Second
)

// server is the API server of all tests. The operator is installed in it as its users install it.
var server *apiserver.Server

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, started := context.Background(), time.Now()
	var err error
	if server, err = apiserver.Start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("kube-apiserver ready after %s\n", time.Since(started).Round(100*time.Millisecond))
	code := install(ctx)
	if code == 0 {
		code = m.Run()
	}
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// installComplaints is what kubectl had to say to the installation.
var installComplaints string

func install(ctx context.Context) int {
	_, complaints, err := server.Kubectl(ctx, "", "apply", "-f", installFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	installComplaints = complaints
	if err := definitionReaches(ctx, definition, "Established", "status", "True"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// eventually polls until check says true. What it last saw is in the failure.
func eventually(t *testing.T, limit time.Duration, what string, check func(ctx context.Context) (done bool, seen any)) {
	t.Helper()
	eventuallyWith(t.Context(), t, limit, what, check)
}

// eventuallyWith is for the end of a test, when its own context has ended.
func eventuallyWith(ctx context.Context, t *testing.T, limit time.Duration, what string, check func(ctx context.Context) (done bool, seen any)) {
	t.Helper()
	var seen any
	err := wait.PollUntilContextTimeout(ctx, pollInterval, limit, true, func(ctx context.Context) (bool, error) {
		done, now := check(ctx)
		if ctx.Err() == nil {
			seen = now
		}
		return done, nil
	})
	require.NoError(t, err, "waiting for %s; last seen: %v", what, seen)
}
