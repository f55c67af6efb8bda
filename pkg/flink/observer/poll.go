package observer

import (
	"context"
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// question is what a poll knows when it starts.
type question struct {
	target       Target
	startedAt    time.Time
	late         time.Duration
	versionKnown bool
	effectsDone  int
	// requestID replaces the trigger id where Flink chose its own (1.14).
	requestID string
	operation *flink.Operation
	// disposalID is Flink's id of the disposal to ask about; empty for none.
	disposalID string
}

// answer is what a poll heard. Where err is set nothing else is. A later question that failed leaves its part empty:
// what was known before is kept.
type answer struct {
	question   question
	err        error
	version    string
	job        *flink.Job
	operation  *flink.Operation
	disposal   *flink.Operation
	checkpoint checkpointAnswer
	exceptions []string
	// exceptionsAnswered says that they were asked for and answered, if only with none.
	exceptionsAnswered bool
}

type checkpointAnswer struct {
	answered   bool
	statistics *flink.CheckpointStatistics
}

// ask makes the calls of one poll. The job list comes first: it is the heartbeat, and one call tells all jobs. The
// operation is asked before the statistics, so that these are never older than the result they may have to explain.
func ask(ctx context.Context, client Client, asked question) answer {
	target := asked.target
	heard := answer{question: asked}
	jobs, err := client.JobsOverview(ctx, target.BaseURL)
	if err != nil {
		heard.err = err
		return heard
	}
	for i := range jobs {
		if target.JobID != "" && jobs[i].ID == target.JobID {
			heard.job = &jobs[i]
		}
	}
	if !asked.versionKnown {
		// Empty where it fails: asked again in the next poll.
		heard.version, _ = client.Version(ctx, target.BaseURL)
	}
	heard.operation = askOperation(ctx, client, asked)
	if asked.disposalID != "" {
		if disposal, err := client.Disposal(ctx, target.BaseURL, asked.disposalID); err == nil {
			heard.disposal = &disposal
		}
	}
	if heard.job == nil {
		return heard
	}
	if target.Pace != Starting || heard.job.Status == flink.JobRunning || heard.job.Status.Terminal() {
		statistics, err := client.Checkpoints(ctx, target.BaseURL, target.JobID)
		heard.checkpoint = checkpointAnswer{answered: err == nil, statistics: statistics}
	}
	if failing(heard.job.Status) {
		var err error
		heard.exceptions, err = client.Exceptions(ctx, target.BaseURL, target.JobID)
		heard.exceptionsAnswered = err == nil
	}
	return heard
}

// askOperation follows the trigger id to its end. An ended operation is not asked about again: Flink forgets results
// after five minutes, and the 404 would take the place of the result. The job need not be listed: results outlive it.
func askOperation(ctx context.Context, client Client, asked question) *flink.Operation {
	target := asked.target
	if target.TriggerID == "" || target.JobID == "" || hasEnded(asked.operation) {
		return nil
	}
	askedFor := target.TriggerID
	if asked.requestID != "" {
		askedFor = asked.requestID
	}
	operation, err := client.Operation(ctx, target.BaseURL, target.JobID, askedFor)
	if err != nil {
		return nil
	}
	operation.JobID, operation.TriggerID = target.JobID, target.TriggerID
	return &operation
}

func hasEnded(operation *flink.Operation) bool {
	return operation != nil &&
		(operation.State == flink.OperationSucceeded || operation.State == flink.OperationFailed)
}

func failing(status flink.JobStatus) bool {
	return slices.Contains([]flink.JobStatus{flink.JobFailed, flink.JobFailing, flink.JobRestarting}, status)
}
