//go:build cluster

package cluster

import (
	"context"
	"flag"
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
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	config := flinkcluster.ConfigFromEnvironment("../../..")
	if flag.Lookup("test.bench").Value.String() == "" {
		// What is measured is measured as it is delivered; what is tested should tell more when it fails.
		config.OperatorArguments = []string{"--v=4"}
	}
	var err error
	suite, err = flinkcluster.Start(ctx, config)
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	} else {
		ended := make(chan int, 1)
		go func() { ended <- m.Run() }()
		select {
		case code = <-ended:
		case <-ctx.Done():
			fmt.Fprintln(os.Stderr, "broken off; cleaning up")
		}
		printFigures()
		printSkipped()
	}
	if suite != nil {
		if err := suite.Stop(context.WithoutCancel(ctx)); err != nil {
			fmt.Fprintln(os.Stderr, "error: cleaning up:", err)
			return 1
		}
	}
	return code
}
