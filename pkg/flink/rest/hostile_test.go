package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func serve(t *testing.T, config Config, handler http.HandlerFunc) (*Client, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	client := New(config)
	t.Cleanup(func() {
		client.CloseIdleConnections()
		server.Close()
	})
	return client, server.URL
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var hits atomic.Int32
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer canary.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			client, address := serve(t, Config{}, func(writer http.ResponseWriter, request *http.Request) {
				http.Redirect(writer, request, canary.URL, status)
			})
			_, err := client.JobsOverview(t.Context(), address)
			assert.Equal(t, status, Status(err))
			result := client.Execute(t.Context(), address, "2.1.3", flink.Effect{Kind: flink.CancelJob, JobID: jobID})
			assert.Equal(t, flink.OutcomeUnknown, result.Outcome)
		})
	}
	assert.Zero(t, hits.Load())
}

func TestProxiesOfTheEnvironmentAreIgnored(t *testing.T) {
	assert.Nil(t, newTransport(time.Second).Proxy)
}

func TestLargeBodies(t *testing.T) {
	large := strings.Repeat("x", 10<<20)
	for _, status := range []int{200, 500} {
		client, address := serve(t, Config{}, func(writer http.ResponseWriter, _ *http.Request) {
			writer.WriteHeader(status)
			_, _ = io.WriteString(writer, `{"jobs":[],"errors":["`+large)
		})
		_, err := client.JobsOverview(t.Context(), address)
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 1024)
	}
}

// A body that drips must not hold a poll longer than its deadline.
func TestSlowBodies(t *testing.T) {
	client, address := serve(t, Config{PollTimeout: 50 * time.Millisecond, EffectTimeout: 50 * time.Millisecond},
		func(writer http.ResponseWriter, request *http.Request) {
			writer.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(writer, `{"jobs"`)
			_ = http.NewResponseController(writer).Flush()
			<-request.Context().Done()
		})
	_, err := client.JobsOverview(t.Context(), address)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	// The status line was heard: the effect is accepted, whatever becomes of the body.
	effect := flink.Effect{Kind: flink.TriggerSavepoint, JobID: jobID, TriggerID: triggerID}
	assert.Equal(t, flink.OutcomeAccepted, client.Execute(t.Context(), address, "2.1.3", effect).Outcome)
}

func TestSilentHost(t *testing.T) {
	client, address := serve(t, Config{PollTimeout: 50 * time.Millisecond, EffectTimeout: 50 * time.Millisecond},
		func(_ http.ResponseWriter, request *http.Request) { <-request.Context().Done() })
	_, err := client.Version(t.Context(), address)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	result := client.Execute(t.Context(), address, "", flink.Effect{Kind: flink.CancelJob, JobID: jobID})
	assert.Equal(t, flink.OutcomeUnknown, result.Outcome)

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Version(cancelled, address)
	require.ErrorIs(t, err, context.Canceled)
}

// Connections are reused also after errors with a long stack trace, since bodies are drained.
func TestConnectionsAreReused(t *testing.T) {
	for name, test := range map[string]struct {
		status, connections int
	}{
		"after an answer":  {http.StatusOK, 1},
		"not after errors": {http.StatusServiceUnavailable, 5},
	} {
		t.Run(name, func(t *testing.T) {
			var addresses sync.Map
			client, address := serve(t, Config{}, func(writer http.ResponseWriter, request *http.Request) {
				addresses.Store(request.RemoteAddr, true)
				writer.WriteHeader(test.status)
				_, _ = io.WriteString(writer, `{"jobs":[],"errors":["starting\n`+strings.Repeat(`\tat Foo\n`, 3000)+`"]}`)
			})
			for range 5 {
				_, err := client.JobsOverview(t.Context(), address)
				require.Equal(t, test.status == http.StatusOK, err == nil, err)
			}
			distinct := 0
			addresses.Range(func(any, any) bool { distinct++; return true })
			require.Equal(t, test.connections, distinct)
		})
	}
}

func TestErrorMessageCutInAnEscape(t *testing.T) {
	for cut := range 14 {
		body := `{"errors":["first line\n\ud83d\ude00` + strings.Repeat(" ", 20) + `\ud83d\ude00`
		assert.Equal(t, "first line", errorMessage(body[:len(body)-cut]), cut)
	}
}
