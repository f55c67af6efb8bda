//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// suite is the one operator and cluster that all tests share; each test has a namespace of its own.
var suite *flinkcluster.Suite

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	suite, err = flinkcluster.Start(ctx, flinkcluster.ConfigFromEnvironment("../../.."))
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	} else {
		code = m.Run()
		printFigures()
	}
	if suite != nil {
		if err := suite.Stop(context.WithoutCancel(ctx)); err != nil {
			fmt.Fprintln(os.Stderr, "error: cleaning up:", err)
			return 1
		}
	}
	return code
}
