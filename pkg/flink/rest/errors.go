package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Error is an answer of Flink outside 2xx.
type Error struct {
	Status int
	// Message is one printable line, bounded in length.
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("Flink answered %d", e.Status)
	}
	return fmt.Sprintf("Flink answered %d: %s", e.Status, e.Message)
}

// Status returns the HTTP status that Flink answered with, 0 where the error is not an answer.
func Status(err error) int {
	if answered, ok := errors.AsType[*Error](err); ok {
		return answered.Status
	}
	return 0
}

// IsNotFound says whether Flink answered 404. About a job this means "unknown" only where the job list was heard
// first; about a trigger id it says nothing of the outcome.
func IsNotFound(err error) bool {
	return Status(err) == http.StatusNotFound
}

// bodyError is a 2xx answer whose body could not be read.
type bodyError struct {
	status int
	cause  error
}

func (e *bodyError) Error() string {
	return fmt.Sprintf("reading Flink's answer: %v", e.cause)
}

func (e *bodyError) Unwrap() error {
	return e.cause
}

func newError(response *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBytes))
	return &Error{Status: response.StatusCode, Message: errorMessage(string(body))}
}

// errorMessage finds the telling line in Flink's {"errors": [...]}. A handled error is one string with a Java stack
// trace; an unhandled one is a generic sentence followed by the trace in angle brackets.
func errorMessage(body string) string {
	if body == "" {
		return ""
	}
	texts := errorTexts(body)
	for _, text := range texts {
		text = strings.TrimSpace(strings.TrimPrefix(text, "<Exception on server side:"))
		if text != "" && !strings.HasPrefix(text, "Internal server error") {
			return describeTrace(text)
		}
	}
	if len(texts) > 0 {
		return describeTrace(texts[0])
	}
	return oneLine(body, maxTextBytes)
}

// errorTexts decodes the list. A long stack trace is cut by our own cap in the middle of its string: the string and
// the list are then closed where reading stopped, going back over half an escape sequence ("\ud83d\ude").
func errorTexts(body string) []string {
	var answer struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal([]byte(body), &answer) == nil {
		return answer.Errors
	}
	for cut := range min(12, len(body)) {
		if json.Unmarshal([]byte(body[:len(body)-cut]+`"]}`), &answer) == nil {
			return answer.Errors
		}
	}
	return nil
}
