package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/klog/v2"
)

// ServingConfig says what is served.
type ServingConfig struct {
	Address string
	// Healthy returns an error when the process should be restarted.
	Healthy func(request *http.Request) error
	// Ready returns an error while the caches are not filled. A replica that only stands by is ready too.
	Ready   func(request *http.Request) error
	Metrics http.Handler
}

// Server serves /healthz, /readyz and /metrics.
type Server struct {
	listener net.Listener
	server   *http.Server
}

// NewServer binds the address; requests wait there until Run.
func NewServer(ctx context.Context, config ServingConfig) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Address)
	if err != nil {
		return nil, fmt.Errorf("--http-address: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", check(config.Healthy))
	mux.Handle("GET /readyz", check(config.Ready))
	mux.Handle("GET /metrics", config.Metrics)
	return &Server{
		listener: listener,
		server: &http.Server{
			Handler: http.MaxBytesHandler(mux, 0),
			// Whoever can reach the port must not be able to hold connections and memory.
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       60 * time.Second,
			MaxHeaderBytes:    16 << 10,
		},
	}, nil
}

// check answers 200 and "ok", or 503 and what is wrong.
func check(problem func(*http.Request) error) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if err := problem(request); err != nil {
			http.Error(writer, err.Error(), http.StatusServiceUnavailable)
			return
		}
		writer.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = writer.Write([]byte("ok"))
	})
}

// Address is where the server listens.
func (s *Server) Address() string {
	return s.listener.Addr().String()
}

// Run serves until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	klog.FromContext(ctx).V(2).Info("Serving", "address", s.Address())
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(s.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving on %s: %w", s.Address(), err)
	case <-ctx.Done():
	}
	shutdownCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	// A scrape that takes longer is cut off: nothing depends on it.
	err := s.server.Shutdown(shutdownCtx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.server.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
