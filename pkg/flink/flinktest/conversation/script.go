package conversation

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

const (
	// requestWord stands for the id in the last answer to a trigger.
	requestWord = "{request}"
	// locationWord stands for a location that an earlier answer told.
	locationWord = "{location}"

	// SavepointsDirectory is where the script asks for savepoints.
	SavepointsDirectory = "file:///flink-data/savepoints"
	// MissingSavepoint is a location where there is nothing.
	MissingSavepoint = "file:/flink-data/savepoints/savepoint-missing"
)

// The jobs and triggers of the script.
const (
	runningJob  = "10000000000000000000000000000001"
	failingJob  = "20000000000000000000000000000002"
	missingJob  = "30000000000000000000000000000003"
	restoredJob = "40000000000000000000000000000004"
	waitingJob  = "50000000000000000000000000000005"
	unknownJob  = "f000000000000000000000000000000f"

	savepointTrigger = "a0000000000000000000000000000001"
	abortedTrigger   = "a0000000000000000000000000000002"
	stopTrigger      = "a0000000000000000000000000000003"
	lateTrigger      = "a0000000000000000000000000000004"
	lateStopTrigger  = "a0000000000000000000000000000005"
	waitingTrigger   = "a0000000000000000000000000000006"
	cancelledTrigger = "a0000000000000000000000000000007"
	unknownTrigger   = "f000000000000000000000000000001f"
)

func script() []step {
	var all []step
	for _, part := range [][]step{
		nothingRuns(), badRequests(), savepoints(), stopping(), stopped(), failures(), restored(), waiting(), cancelling(), disposing(),
	} {
		all = append(all, part...)
	}
	return all
}

func get(name string, path ...string) step {
	return step{name: name, method: http.MethodGet, path: "/v1/" + strings.Join(path, "/")}
}

func post(name, body string, path ...string) step {
	return step{name: name, method: http.MethodPost, path: "/v1/" + strings.Join(path, "/"), body: body}
}

func cancel(name, job, query string) step {
	return step{name: name, method: http.MethodPatch, path: "/v1/jobs/" + job + query}
}

func triggerSavepoint(name, job, trigger string) step {
	return post(name, fmt.Sprintf(`{"target-directory":%q,"cancel-job":false,"triggerId":%q}`, SavepointsDirectory, trigger), "jobs", job, "savepoints")
}

func triggerStop(name, job, trigger string) step {
	return post(name, fmt.Sprintf(`{"targetDirectory":%q,"drain":false,"triggerId":%q}`, SavepointsDirectory, trigger), "jobs", job, "stop")
}

func operation(name, job, trigger string) step {
	return get(name, "jobs", job, "savepoints", trigger)
}

func (s step) after(arrange func(ctx context.Context, scene Scene) error) step {
	s.arrange = arrange
	return s
}

func (s step) with(location *string) step {
	s.location = location
	return s
}

func (s step) when(until func(answer any) bool) step {
	s.until = until
	return s
}

func completed(answer any) bool {
	return at(answer, "status", "id") == "COMPLETED"
}

// listed says whether the overview shows a job in a state with so many running tasks.
func listed(job, state string, running float64) func(answer any) bool {
	return func(answer any) bool {
		rows, _ := at(answer, "jobs").([]any)
		for _, row := range rows {
			if at(row, "jid") == job {
				return at(row, "state") == state && at(row, "tasks", "running") == running
			}
		}
		return false
	}
}

// counted says whether the statistics have seen so many snapshots complete, in progress and failed.
func counted(complete, inProgress, failed float64) func(answer any) bool {
	return func(answer any) bool {
		return at(answer, "counts", "completed") == complete && at(answer, "counts", "in_progress") == inProgress &&
			at(answer, "counts", "failed") == failed
	}
}
