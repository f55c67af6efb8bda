package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"time"
)

// apiVersion is the only public version of Flink's REST API through 2.x.
const apiVersion = "v1"

var (
	idPattern      = regexp.MustCompile(`^[0-9a-f]{32}$`)
	versionPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._+-]{0,63}$`)

	errBaseURL   = errors.New("base URL is not of the form http://host:port")
	errJobID     = errors.New("job id is not 32 lower-case hexadecimal digits")
	errTriggerID = errors.New("trigger id is not 32 lower-case hexadecimal digits")
	errNoVersion = errors.New("answer holds no Flink version")
	errNotObject = errors.New("answer is not a JSON object")
	errTooLarge  = fmt.Errorf("answer is larger than %d bytes", maxAnswerBytes)
)

// request is one call below the API version. The path holds fixed words and checked ids only.
type request struct {
	method string
	path   []string
	query  url.Values
	body   any
}

// get decodes the answer to a question into a struct.
func (c *Client) get(ctx context.Context, baseURL string, question request, into any) error {
	question.method = http.MethodGet
	body, err := c.call(ctx, baseURL, question, c.pollTimeout)
	if err != nil {
		return err
	}
	return decode(body, into)
}

// call sends one request and returns the body of a 2xx answer; any other answer is an *Error.
func (c *Client) call(ctx context.Context, baseURL string, toSend request, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var connection net.Conn
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { connection = info.Conn },
	})
	httpRequest, err := c.newHTTPRequest(ctx, baseURL, toSend)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(httpRequest)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			// Only its cause: the URL says nothing that a reader of a status or an event needs.
			err = failed.Err
		}
		return nil, fmt.Errorf("asking Flink: %w", err)
	}
	defer drainAndClose(response.Body)
	if response.StatusCode < 200 || response.StatusCode > 299 {
		failure := newError(response)
		if connection != nil {
			// A JobManager that is coming up has been seen to answer every request of one connection with an error, for
			// minutes, and those of another properly: the next request gets a new one.
			_ = connection.Close()
		}
		return nil, failure
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		// The status line is a whole answer to an effect, so the caller gets both.
		return body, &bodyError{status: response.StatusCode, cause: err}
	}
	if len(body) > maxAnswerBytes {
		return nil, &bodyError{status: response.StatusCode, cause: errTooLarge}
	}
	return body, nil
}

func (c *Client) newHTTPRequest(ctx context.Context, baseURL string, toSend request) (*http.Request, error) {
	target, err := url.Parse(baseURL)
	if err != nil || target.Scheme != "http" || target.Host == "" || target.User != nil ||
		(target.Path != "" && target.Path != "/") || target.RawQuery != "" || target.Fragment != "" {
		return nil, errBaseURL
	}
	target = target.JoinPath(append([]string{apiVersion}, toSend.path...)...)
	target.RawQuery = toSend.query.Encode()
	var body io.Reader
	if toSend.body != nil {
		encoded, err := json.Marshal(toSend.body)
		if err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	httpRequest, err := http.NewRequestWithContext(ctx, toSend.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	httpRequest.Header.Set("Accept", "application/json")
	if body != nil {
		httpRequest.Header.Set("Content-Type", "application/json")
	}
	if c.userAgent != "" {
		httpRequest.Header.Set("User-Agent", c.userAgent)
	}
	return httpRequest, nil
}

// drainAndClose reads the rest of a body, within bounds, because net/http reuses a connection only after its answer
// was read to the end.
func drainAndClose(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxDrainBytes)
	_ = body.Close()
}

// decode is lenient, since fields are added and retyped in almost every minor release of Flink: unknown fields are
// ignored, and a value of the wrong type leaves its own field zero (encoding/json goes on after such a mismatch and
// reports it at the end). What an answer cannot do without is checked by the caller.
func decode(body []byte, into any) error {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return errNotObject
	}
	err := json.Unmarshal(body, into)
	if _, mismatch := errors.AsType[*json.UnmarshalTypeError](err); mismatch {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading Flink's answer: %w", err)
	}
	return nil
}
