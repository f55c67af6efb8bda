package rest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

var (
	errNoResult = errors.New("answer says COMPLETED and holds neither a location nor a failure")

	// stoppingFailure is the message of StopWithSavepointStoppingException (Flink 1.15 and newer).
	stoppingFailure = regexp.MustCompile(
		`StopWithSavepointStoppingException: A savepoint has been created at: (.+), but the corresponding job`)
)

type operationAnswer struct {
	Status struct {
		ID string `json:"id"`
	} `json:"status"`
	Operation struct {
		Location string            `json:"location"`
		Failure  *operationFailure `json:"failure-cause"`
	} `json:"operation"`
}

type operationFailure struct {
	Class      string `json:"class"`
	StackTrace string `json:"stack-trace"`
}

func (f *operationFailure) describe() string {
	return cmp.Or(describeTrace(f.StackTrace), oneLine(f.Class, maxTextBytes))
}

// Operation returns the progress of a savepoint or stop by its trigger id; a trigger id that Flink does not know is
// a state, not an error.
func (c *Client) Operation(ctx context.Context, baseURL, jobID, triggerID string) (flink.Operation, error) {
	if !idPattern.MatchString(jobID) {
		return flink.Operation{}, errJobID
	}
	if !idPattern.MatchString(triggerID) {
		return flink.Operation{}, errTriggerID
	}
	operation := flink.Operation{JobID: jobID, TriggerID: triggerID}
	var answer operationAnswer
	err := c.get(ctx, baseURL, request{path: []string{"jobs", jobID, "savepoints", triggerID}}, &answer)
	if IsNotFound(err) {
		operation.State = flink.OperationNotFound
		return operation, nil
	}
	if err != nil {
		return flink.Operation{}, err
	}
	if err := answer.into(&operation); err != nil {
		return flink.Operation{}, err
	}
	return operation, nil
}

// into sets state, location and cause. COMPLETED does not mean success: it comes with a location or with a failure.
func (a *operationAnswer) into(operation *flink.Operation) error {
	location, failure := path(a.Operation.Location), a.Operation.Failure
	switch {
	case a.Status.ID == "IN_PROGRESS":
		operation.State = flink.OperationInProgress
	case a.Status.ID != "COMPLETED":
		return fmt.Errorf("answer holds an unknown operation status %q", oneLine(a.Status.ID, 64))
	case failure != nil:
		operation.State, operation.Cause = flink.OperationFailed, failure.describe()
		if match := stoppingFailure.FindStringSubmatch(failure.StackTrace); match != nil {
			operation.Location = path(match[1])
		}
	case location != "":
		operation.State = flink.OperationSucceeded
		operation.Location = location
	default:
		// Neither success nor failure may be made up here: the statistics will tell.
		return errNoResult
	}
	return nil
}
