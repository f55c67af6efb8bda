package rest

import (
	"context"
	"errors"
	"math"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

const maxNameBytes = 256

var (
	errNoJobList = errors.New("answer holds no job list")
	errJobRow    = errors.New("answer holds a job without a job id")
)

type jobsAnswer struct {
	Jobs []jobRow `json:"jobs"`
}

type jobRow struct {
	ID        string `json:"jid"`
	Name      string `json:"name"`
	State     string `json:"state"`
	StartTime int64  `json:"start-time"`
	EndTime   int64  `json:"end-time"`
	Tasks     struct {
		Total    int64 `json:"total"`
		Running  int64 `json:"running"`
		Finished int64 `json:"finished"`
	} `json:"tasks"`
}

// JobsOverview returns all jobs that the JobManager knows, ended ones included for an hour. "Lost" is concluded from
// a job that is not listed, so a list that was not understood to its last id is an error, never a shorter list.
func (c *Client) JobsOverview(ctx context.Context, baseURL string) ([]flink.Job, error) {
	var answer jobsAnswer
	if err := c.get(ctx, baseURL, request{path: []string{"jobs", "overview"}}, &answer); err != nil {
		return nil, err
	}
	if answer.Jobs == nil {
		return nil, errNoJobList
	}
	jobs := make([]flink.Job, 0, len(answer.Jobs))
	for i := range answer.Jobs {
		if !idPattern.MatchString(answer.Jobs[i].ID) {
			return nil, errJobRow
		}
		jobs = append(jobs, answer.Jobs[i].job())
	}
	return jobs, nil
}

func (r *jobRow) job() flink.Job {
	return flink.Job{
		ID:           r.ID,
		Name:         oneLine(r.Name, maxNameBytes),
		Status:       flink.JobStatus(oneLine(r.State, 64)),
		StartTime:    timestamp(r.StartTime),
		EndTime:      timestamp(r.EndTime),
		RunningTasks: count(r.Tasks.Running) + count(r.Tasks.Finished),
		TotalTasks:   count(r.Tasks.Total),
	}
}

func count(number int64) int {
	return int(min(max(number, 0), math.MaxInt32/2))
}
