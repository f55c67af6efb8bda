package flinktest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
)

// Network is an http.RoundTripper that knows handlers by host ("name" or "name:port"), in place of DNS and sockets.
type Network struct {
	mu    sync.Mutex
	hosts map[string]http.Handler
}

// NewNetwork returns a Network without hosts: every connection is refused.
func NewNetwork() *Network {
	return &Network{hosts: map[string]http.Handler{}}
}

// Add makes a handler reachable; nil makes the host refuse connections again.
func (n *Network) Add(host string, handler http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if handler == nil {
		delete(n.hosts, host)
		return
	}
	n.hosts[host] = handler
}

// RoundTrip implements http.RoundTripper. As on a wire, a handler goes on when the client gives up.
func (n *Network) RoundTrip(request *http.Request) (*http.Response, error) {
	n.mu.Lock()
	handler := n.hosts[request.URL.Host]
	n.mu.Unlock()
	if handler == nil {
		return nil, fmt.Errorf("dial tcp %s: %w", request.URL.Host, syscall.ECONNREFUSED)
	}
	if request.Body == nil {
		request = request.Clone(request.Context())
		request.Body = http.NoBody
	}
	answered := make(chan *http.Response, 1)
	go func() {
		recorder := httptest.NewRecorder()
		defer func() {
			if recover() != nil {
				answered <- nil
				return
			}
			answered <- recorder.Result()
		}()
		handler.ServeHTTP(recorder, request)
	}()
	select {
	case <-request.Context().Done():
		return nil, request.Context().Err()
	case response := <-answered:
		if response == nil {
			return nil, fmt.Errorf("reading the answer of %s: %w", request.URL.Host, io.ErrUnexpectedEOF)
		}
		response.Request = request
		return response, nil
	}
}

// Transport returns a Network in which one JobManager answers for every host.
func (m *JobManager) Transport() http.RoundTripper {
	return handlerTransport{m}
}

type handlerTransport struct{ handler http.Handler }

func (t handlerTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	network := NewNetwork()
	network.Add(request.URL.Host, t.handler)
	return network.RoundTrip(request)
}
