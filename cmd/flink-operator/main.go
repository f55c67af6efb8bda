// The flink-operator runs Apache Flink jobs on Kubernetes.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/cmd/flink-operator/app"
	"github.com/flink-operator/flink-operator/cmd/flink-operator/app/options"
	"github.com/flink-operator/flink-operator/pkg/version"
)

func main() {
	os.Exit(run(os.Args))
}

func run(args []string) int {
	opts := options.New()
	flags := pflag.NewFlagSet(args[0], pflag.ContinueOnError)
	opts.AddFlags(flags)
	err := flags.Parse(args[1:])
	if errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	if opts.ShowVersion {
		fmt.Println("flink-operator", version.Version)
		return 0
	}
	var config *options.Config
	if err == nil {
		config, err = opts.Complete()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	// The first signal asks for a clean end; a second one gets its default meaning back and kills.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	if err := app.Run(ctx, config); err != nil {
		klog.FromContext(ctx).Error(err, "The operator failed")
		return 1
	}
	return 0
}
