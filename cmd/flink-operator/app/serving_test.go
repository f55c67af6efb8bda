package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// serve runs a server until the test ends.
func serve(t *testing.T, config ServingConfig) *Server {
	t.Helper()
	config.Address = "127.0.0.1:0"
	server, err := NewServer(t.Context(), config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return server
}

func get(t *testing.T, method, url string, body io.Reader) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content)
}

func TestServer(t *testing.T) {
	t.Parallel()
	var ready atomic.Bool
	server := serve(t, ServingConfig{
		Healthy: func(*http.Request) error { return nil },
		Ready: func(*http.Request) error {
			if !ready.Load() {
				return errors.New("the caches are not filled yet")
			}
			return nil
		},
		Metrics: http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
			_, _ = writer.Write([]byte("flink_operator_leader 1\n"))
		}),
	})
	base := "http://" + server.Address()

	code, body := get(t, http.MethodGet, base+"/healthz", nil)
	require.Equal(t, 200, code)
	require.Equal(t, "ok", body)
	code, body = get(t, http.MethodGet, base+"/readyz", nil)
	require.Equal(t, 503, code)
	require.Contains(t, body, "not filled yet")
	ready.Store(true)
	code, _ = get(t, http.MethodGet, base+"/readyz", nil)
	require.Equal(t, 200, code)
	_, body = get(t, http.MethodGet, base+"/metrics", nil)
	require.Equal(t, "flink_operator_leader 1\n", body)

	for _, path := range []string{"/", "/debug/pprof/", "/metrics/x"} {
		code, _ = get(t, http.MethodGet, base+path, nil)
		require.Equal(t, 404, code, path)
	}
	code, _ = get(t, http.MethodPost, base+"/metrics", strings.NewReader("x"))
	require.Equal(t, 405, code)
}

// Whoever sends half a request and waits is cut off, and too much header is refused.
func TestServerBoundsClients(t *testing.T) {
	t.Parallel()
	fine := func(*http.Request) error { return nil }
	server := serve(t, ServingConfig{Healthy: fine, Ready: fine, Metrics: http.NotFoundHandler()})
	limits := server.server
	require.Equal(t, 5*time.Second, limits.ReadHeaderTimeout)
	require.Equal(t, 10*time.Second, limits.ReadTimeout)
	require.Equal(t, 30*time.Second, limits.WriteTimeout)
	require.Equal(t, 60*time.Second, limits.IdleTimeout)

	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Address())
	require.NoError(t, err)
	defer func() { _ = connection.Close() }()
	go func() {
		_, _ = connection.Write([]byte("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("x", 32<<10) + "\r\n\r\n"))
	}()
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, response.StatusCode)
	require.NoError(t, response.Body.Close())
}

func TestServerCannotBind(t *testing.T) {
	t.Parallel()
	fine := func(*http.Request) error { return nil }
	server := serve(t, ServingConfig{Healthy: fine, Ready: fine, Metrics: http.NotFoundHandler()})
	_, err := NewServer(t.Context(), ServingConfig{Address: server.Address()})
	require.ErrorContains(t, err, "--http-address")
}
