package queue

import "fmt"

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
