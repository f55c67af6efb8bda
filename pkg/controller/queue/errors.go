package queue

import (
	"errors"
	"fmt"
)

// TerminalError marks an error that a retry cannot mend: it is logged and the key rests until something else wakes
// it. It returns nil for nil.
func TerminalError(err error) error {
	if err == nil {
		return nil
	}
	return &terminalError{err: err}
}

// IsTerminal tells whether err was marked by TerminalError, at any depth.
func IsTerminal(err error) bool {
	var terminal *terminalError
	return errors.As(err, &terminal)
}

type terminalError struct {
	err error
}

func (e *terminalError) Error() string {
	return e.err.Error()
}

func (e *terminalError) Unwrap() error {
	return e.err
}

// panicError is a panic of a sync, turned into an error so that it takes the way of all errors.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string {
	return fmt.Sprintf("panic: %v", e.value)
}

// Unwrap keeps the error that was panicked with, if it was one.
func (e *panicError) Unwrap() error {
	err, isError := e.value.(error)
	if !isError {
		return nil
	}
	return err
}
