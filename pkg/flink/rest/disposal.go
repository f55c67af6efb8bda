package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

var errNoLocation = errors.New("the location of the savepoint is no path")

// disposalBody is all that Flink takes, in every version: it knows no trigger id of ours here
// (org.apache.flink.runtime.rest.handler.job.savepoints.SavepointDisposalHandlers).
type disposalBody struct {
	Location string `json:"savepoint-path"`
}

func newDisposalRequest(effect flink.Effect) (request, error) {
	if effect.Location == "" || path(effect.Location) != effect.Location {
		return request{}, errNoLocation
	}
	return request{method: http.MethodPost, path: []string{"savepoint-disposal"}, body: disposalBody{effect.Location}}, nil
}

// Disposal returns the progress of a disposal by the id that Flink gave it; one that Flink does not know is a state, not
// an error.
func (c *Client) Disposal(ctx context.Context, baseURL, requestID string) (flink.Operation, error) {
	if !idPattern.MatchString(requestID) {
		return flink.Operation{}, errTriggerID
	}
	operation := flink.Operation{TriggerID: requestID}
	var answer operationAnswer
	err := c.get(ctx, baseURL, request{path: []string{"savepoint-disposal", requestID}}, &answer)
	switch failure := answer.Operation.Failure; {
	case IsNotFound(err):
		operation.State = flink.OperationNotFound
	case err != nil:
		return flink.Operation{}, err
	case answer.Status.ID == "IN_PROGRESS":
		operation.State = flink.OperationInProgress
	case answer.Status.ID != "COMPLETED":
		return flink.Operation{}, fmt.Errorf("answer holds an unknown operation status %q", oneLine(answer.Status.ID, 64))
	case failure != nil:
		operation.State, operation.Cause = flink.OperationFailed, failure.describe()
	default:
		operation.State = flink.OperationSucceeded
	}
	return operation, nil
}
