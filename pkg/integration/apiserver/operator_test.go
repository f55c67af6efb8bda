//go:build apiserver

package apiserver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"github.com/flink-operator/flink-operator/cmd/flink-operator/app"
	"github.com/flink-operator/flink-operator/cmd/flink-operator/app/options"
	"github.com/flink-operator/flink-operator/pkg/testing/apiserver"
)

const (
	// operatorNamespace and operatorAccount are those of install.yaml.
	operatorNamespace = "flink-operator-system"
	operatorAccount   = "flink-operator"
)

// operatorUser is what the audit log calls the operator.
var operatorUser = apiserver.ServiceAccountUser(operatorNamespace, operatorAccount)

var identities atomic.Int32

// operator is the whole program, running as the service account that it is shipped with.
type operator struct {
	identity string
	address  string
	cancel   context.CancelFunc
	ended    chan struct{}
	err      error
}

// setting changes what an operator is started with.
type setting func(config *options.Config, client *rest.Config)

// startOperator starts the program. Unless the test stops it, it ends with the test, and must end well.
func startOperator(t *testing.T, m *machinery, settings ...setting) *operator {
	t.Helper()
	return startOperatorAs(t, m, operatorNamespace, settings...)
}

func startOperatorAs(t *testing.T, m *machinery, namespace string, settings ...setting) *operator {
	t.Helper()
	client, err := server.ServiceAccountConfig(t.Context(), namespace, operatorAccount)
	require.NoError(t, err)
	ports, err := apiserver.FreePorts(1)
	require.NoError(t, err)
	o := &operator{identity: fmt.Sprintf("replica-%d", identities.Add(1)), address: fmt.Sprintf("127.0.0.1:%d", ports[0]), ended: make(chan struct{})}
	config := &options.Config{
		Workers: options.New().Workers, HTTPAddress: o.address, LeaderElect: true, LeaderElectNamespace: namespace,
		Identity: o.identity, JobManagers: m.network,
	}
	for _, change := range settings {
		change(config, client)
	}
	logger := ktesting.NewLogger(t, ktesting.NewConfig(ktesting.Verbosity(3)))
	ctx, cancel := context.WithCancel(klog.NewContext(context.WithoutCancel(t.Context()), logger))
	o.cancel = cancel
	go func() {
		defer close(o.ended)
		o.err = app.Run(ctx, options.NewConfig(*config, client))
	}()
	t.Cleanup(func() { o.stop(t) })
	return o
}

// stop ends the program in the way that Kubernetes asks it to.
func (o *operator) stop(t *testing.T) {
	t.Helper()
	select {
	case <-o.ended:
		return
	default:
	}
	o.requireNoBugs(t)
	o.cancel()
	<-o.ended
	require.NoError(t, o.err)
}

// requireNoBugs fails for what the program counts and says is a bug of its own.
func (o *operator) requireNoBugs(t *testing.T) {
	t.Helper()
	// Also at the end of the test, when its context has ended.
	for name, value := range o.metrics(context.WithoutCancel(t.Context())) {
		for _, bug := range []string{"flink_operator_sync_panics_total", "flink_operator_status_ownership_violations_total"} {
			if strings.HasPrefix(name, bug) {
				require.Zero(t, value, name)
			}
		}
	}
}

func (o *operator) leads(ctx context.Context) bool {
	return o.metrics(ctx)["flink_operator_leader"] == 1
}

// metrics are the samples by name and labels; none if nobody answers.
func (o *operator) metrics(ctx context.Context) map[string]float64 {
	samples := map[string]float64{}
	for line := range strings.Lines(o.get(ctx, "/metrics")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		// A label may have a space in it, the value has none.
		end := strings.LastIndex(line, " ")
		if value, err := strconv.ParseFloat(line[end+1:], 64); err == nil {
			samples[line[:end]] = value
		}
	}
	return samples
}

// get asks the program's own server; the answer is empty if nobody answers, or not with 200.
func (o *operator) get(ctx context.Context, path string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.address+path, nil)
	if err != nil {
		return ""
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}
