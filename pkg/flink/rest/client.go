package rest

import (
	"context"
	"net"
	"net/http"
	"time"
)

const (
	defaultDialTimeout   = time.Second
	defaultPollTimeout   = 5 * time.Second
	defaultEffectTimeout = 10 * time.Second

	maxAnswerBytes = 1 << 20
	maxErrorBytes  = 8 << 10
	maxDrainBytes  = 64 << 10
	maxHeaderBytes = 64 << 10
)

// Config holds what a Client can be given; the zero value works.
type Config struct {
	UserAgent string
	// DialTimeout bounds the TCP connect (1 s if zero).
	DialTimeout time.Duration
	// PollTimeout bounds one question (5 s if zero), EffectTimeout one effect (10 s if zero). The caller's context may
	// end a call earlier.
	PollTimeout   time.Duration
	EffectTimeout time.Duration
	// Transport replaces the network; for tests.
	Transport http.RoundTripper
}

// Client asks JobManagers by their base URL ("http://host:port"). It is safe for concurrent use and holds nothing
// but pooled connections.
type Client struct {
	http          *http.Client
	userAgent     string
	pollTimeout   time.Duration
	effectTimeout time.Duration
}

// New returns a Client with a connection pool of its own.
func New(config Config) *Client {
	roundTripper := config.Transport
	if roundTripper == nil {
		roundTripper = newTransport(orDefault(config.DialTimeout, defaultDialTimeout))
	}
	return &Client{
		http: &http.Client{
			Transport: roundTripper,
			// A tenant's JobManager must not be able to send the operator to another address (SSRF): the 3xx answer
			// itself is returned, and is then an error like every status outside 2xx.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		userAgent:     config.UserAgent,
		pollTimeout:   orDefault(config.PollTimeout, defaultPollTimeout),
		effectTimeout: orDefault(config.EffectTimeout, defaultEffectTimeout),
	}
}

// CloseIdleConnections drops the pooled connections.
func (c *Client) CloseIdleConnections() {
	c.http.CloseIdleConnections()
}

// newTransport is tuned for thousands of hosts that are each asked now and then. Two connections per host, so that
// a poll that hangs does not hold back an effect; one idle, closed after 20 s, so that clusters polled every 30 s
// cost no memory and descriptors in between.
func newTransport(dialTimeout time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		Protocols:              protocols,
		DisableCompression:     true, // no decompression bombs
		MaxConnsPerHost:        2,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        20 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

func orDefault(value, fallback time.Duration) time.Duration {
	if value == 0 {
		return fallback
	}
	return value
}

// Version returns Flink's own version, such as "2.1.3".
func (c *Client) Version(ctx context.Context, baseURL string) (string, error) {
	var answer struct {
		Version string `json:"flink-version"`
	}
	if err := c.get(ctx, baseURL, request{path: []string{"config"}}, &answer); err != nil {
		return "", err
	}
	if !versionPattern.MatchString(answer.Version) {
		return "", errNoVersion
	}
	return answer.Version, nil
}
