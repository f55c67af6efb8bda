package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// savepointBody and stopBody spell the same things differently, as Flink does. Flink 1.19 and older answer 400 to a
// key they do not know, so optional keys are left out where they are empty.
type savepointBody struct {
	Directory string `json:"target-directory,omitempty"`
	CancelJob bool   `json:"cancel-job"`
	Format    string `json:"formatType,omitempty"`
	TriggerID string `json:"triggerId,omitempty"`
}

// Drain is always false: it ends the job's sources for good, which no upgrade wants.
type stopBody struct {
	Directory string `json:"targetDirectory,omitempty"`
	Drain     bool   `json:"drain"`
	Format    string `json:"formatType,omitempty"`
	TriggerID string `json:"triggerId,omitempty"`
}

// Execute sends an effect once and says what came of it. The version decides what the body may hold; an empty or
// unreadable one counts as 1.15 or newer, so that the effect stays repeatable by its trigger id (1.14 then answers
// 400 and does nothing).
func (c *Client) Execute(ctx context.Context, baseURL, version string, effect flink.Effect) flink.EffectResult {
	result := flink.EffectResult{Effect: effect, Attempts: 1}
	toSend, err := newEffectRequest(version, effect)
	if err != nil {
		result.Outcome, result.Message = flink.OutcomeRefused, err.Error()
		return result
	}
	body, err := c.call(ctx, baseURL, toSend, c.effectTimeout)
	result.Outcome = outcome(err)
	if result.Outcome != flink.OutcomeAccepted {
		result.Message = oneLine(err.Error(), maxTextBytes)
		return result
	}
	if effect.Kind != flink.DisposeSavepoint && (effect.Kind == flink.CancelJob || takesTriggerID(version)) {
		// Flink goes by our id, whatever the answer says.
		return result
	}
	var answer struct {
		RequestID string `json:"request-id"`
	}
	if json.Unmarshal(body, &answer) == nil && idPattern.MatchString(answer.RequestID) {
		result.RequestID = answer.RequestID
	}
	if effect.Kind == flink.DisposeSavepoint && result.RequestID == "" {
		// Nobody can ask what came of it.
		result.Outcome, result.Message = flink.OutcomeUnknown, "Flink's answer holds no request-id"
	}
	return result
}

func newEffectRequest(version string, effect flink.Effect) (request, error) {
	if !idPattern.MatchString(effect.JobID) {
		return request{}, errJobID
	}
	if effect.Kind == flink.CancelJob {
		return request{
			method: http.MethodPatch, path: []string{"jobs", effect.JobID}, query: url.Values{"mode": {"cancel"}},
		}, nil
	}
	if !idPattern.MatchString(effect.TriggerID) {
		return request{}, errTriggerID
	}
	if effect.Kind == flink.DisposeSavepoint {
		return newDisposalRequest(effect)
	}
	triggerID, format := effect.TriggerID, effect.Format
	if !takesTriggerID(version) {
		triggerID, format = "", ""
	}
	toSend := request{method: http.MethodPost}
	switch effect.Kind {
	case flink.TriggerSavepoint:
		toSend.path = []string{"jobs", effect.JobID, "savepoints"}
		toSend.body = savepointBody{Directory: effect.Directory, Format: format, TriggerID: triggerID}
	case flink.StopWithSavepoint:
		toSend.path = []string{"jobs", effect.JobID, "stop"}
		toSend.body = stopBody{Directory: effect.Directory, Format: format, TriggerID: triggerID}
	default:
		return request{}, fmt.Errorf("unknown effect %q", effect.Kind)
	}
	return toSend, nil
}

// takesTriggerID says whether savepoint and stop bodies may hold triggerId and formatType (Flink 1.15 and newer).
func takesTriggerID(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return true
	}
	major, majorErr := strconv.Atoi(parts[0])
	minor, minorErr := strconv.Atoi(strings.SplitN(parts[1], "-", 2)[0])
	if majorErr != nil || minorErr != nil {
		return true
	}
	return major > 1 || (major == 1 && minor >= 15)
}

// unclear are the 4xx that say nothing of what Flink did.
var unclear = []int{http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooManyRequests}

// outcome draws the one line that matters: did Flink certainly do nothing? Only a 4xx that Flink's handlers send
// before they act says so. 408 is an RPC that timed out inside Flink, 429 comes from something in between, and so may a
// 404: that the job is not there is told by the list of jobs. A 5xx, a
// redirect, a lost connection and a timeout leave it open. A refused connection is left open too: not worth a
// branch, since repeating the effect is harmless.
func outcome(err error) flink.Outcome {
	if err == nil {
		return flink.OutcomeAccepted
	}
	if _, answered := errors.AsType[*bodyError](err); answered {
		return flink.OutcomeAccepted
	}
	if errors.Is(err, errBaseURL) {
		return flink.OutcomeRefused
	}
	status := Status(err)
	if status >= 400 && status <= 499 && !slices.Contains(unclear, status) {
		return flink.OutcomeRefused
	}
	return flink.OutcomeUnknown
}
