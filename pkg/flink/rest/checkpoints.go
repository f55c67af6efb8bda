package rest

import (
	"context"
	"errors"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// maxHistory bounds what is kept of web.checkpoints.history (10 unless a user raised it).
const maxHistory = 50

var errNoStatistics = errors.New("answer holds no checkpoint statistics")

type checkpointsAnswer struct {
	Latest *struct {
		Completed *snapshotRow `json:"completed"`
		Savepoint *snapshotRow `json:"savepoint"`
		Restored  *snapshotRow `json:"restored"`
	} `json:"latest"`
	History []snapshotRow `json:"history"`
}

type snapshotRow struct {
	ID               int64  `json:"id"`
	Status           string `json:"status"`
	IsSavepoint      bool   `json:"is_savepoint"`
	TriggerTimestamp int64  `json:"trigger_timestamp"`
	LatestAck        int64  `json:"latest_ack_timestamp"`
	RestoreTimestamp int64  `json:"restore_timestamp"`
	ExternalPath     string `json:"external_path"`
	Discarded        bool   `json:"discarded"`
}

// Checkpoints returns the statistics of a job; nil without an error where Flink answers that it has none (404: a
// batch job, or a job it does not know). Flink answers from a cache that may be three seconds old.
func (c *Client) Checkpoints(ctx context.Context, baseURL, jobID string) (*flink.CheckpointStatistics, error) {
	if !idPattern.MatchString(jobID) {
		return nil, errJobID
	}
	var answer checkpointsAnswer
	err := c.get(ctx, baseURL, request{path: []string{"jobs", jobID, "checkpoints"}}, &answer)
	switch {
	case IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	case answer.Latest == nil:
		return nil, errNoStatistics
	}
	statistics := &flink.CheckpointStatistics{
		Completed: answer.Latest.Completed.snapshot(),
		Savepoint: answer.Latest.Savepoint.snapshot(),
		Restored:  answer.Latest.Restored.snapshot(),
	}
	for i := range answer.History[:min(len(answer.History), maxHistory)] {
		row := &answer.History[i]
		if snapshot := row.snapshot(); snapshot != nil && row.Status == "COMPLETED" {
			statistics.History = append(statistics.History, *snapshot)
		}
	}
	return statistics, nil
}

// snapshot returns nil for an empty slot and for an id that no snapshot can have.
func (r *snapshotRow) snapshot() *flink.Snapshot {
	if r == nil || r.ID < 0 {
		return nil
	}
	return &flink.Snapshot{
		ID:             r.ID,
		Location:       path(r.ExternalPath),
		TriggerTime:    timestamp(max(r.TriggerTimestamp, r.RestoreTimestamp)),
		CompletionTime: timestamp(r.LatestAck),
		Savepoint:      r.IsSavepoint,
		Discarded:      r.Discarded,
	}
}
