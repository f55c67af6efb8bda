package flink

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHighestID(t *testing.T) {
	at := func(id int64) *Snapshot { return &Snapshot{ID: id, Location: "file:/x"} }
	tests := map[string]struct {
		statistics *CheckpointStatistics
		want       int64
	}{
		"nothing known":      {nil, 0},
		"nothing there":      {&CheckpointStatistics{}, 0},
		"just restored":      {&CheckpointStatistics{Restored: at(7)}, 7},
		"highest id":         {&CheckpointStatistics{Restored: at(7), Completed: at(9), Savepoint: at(8)}, 9},
		"savepoint is newer": {&CheckpointStatistics{Completed: at(9), Savepoint: at(10)}, 10},
		"discarded": {
			&CheckpointStatistics{Completed: &Snapshot{ID: 9, Location: "file:/x", Discarded: true}, Restored: at(7)}, 9,
		},
		"in the JobManager's memory": {
			&CheckpointStatistics{Completed: &Snapshot{ID: 9, Location: NotAddressable}, History: []Snapshot{*at(8)}}, 9,
		},
		"without a path": {&CheckpointStatistics{Completed: &Snapshot{ID: 9}}, 9},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, test.statistics.HighestID())
		})
	}
}

func TestSavepoints(t *testing.T) {
	savepoint := Snapshot{ID: 8, Location: "file:/s", Savepoint: true}
	older := Snapshot{ID: 3, Location: "file:/o", Savepoint: true}
	gone := Snapshot{ID: 2, Location: "file:/g", Savepoint: true, Discarded: true}
	statistics := &CheckpointStatistics{
		Savepoint: &savepoint, History: []Snapshot{{ID: 9, Location: "file:/c"}, savepoint, older, gone},
	}
	assert.Equal(t, []Snapshot{savepoint, older}, statistics.Savepoints())
	assert.Empty(t, (*CheckpointStatistics)(nil).Savepoints())
}

func TestJobStates(t *testing.T) {
	for _, status := range []JobStatus{JobFailed, JobCanceled, JobFinished} {
		assert.True(t, status.Terminal(), status)
	}
	for _, status := range []JobStatus{"", "NEW", JobSuspended, JobRunning, JobFailing, JobCancelling, JobReconciling} {
		assert.False(t, status.Terminal(), status)
	}
	assert.True(t, Job{Status: JobRunning, RunningTasks: 2, TotalTasks: 2}.AllTasksRunning())
	assert.False(t, Job{Status: JobRunning, RunningTasks: 1, TotalTasks: 2}.AllTasksRunning())
	assert.False(t, Job{Status: JobRunning}.AllTasksRunning())
	assert.False(t, Job{Status: JobFinished, RunningTasks: 2, TotalTasks: 2}.AllTasksRunning())
}

func TestEffectID(t *testing.T) {
	assert.Equal(t, "abc", Effect{Kind: StopWithSavepoint, JobID: "1", TriggerID: "abc"}.ID())
	assert.Equal(t, "CancelJob/1", Effect{Kind: CancelJob, JobID: "1"}.ID())
}

func TestObservationDeepCopy(t *testing.T) {
	original := Observation{
		Job:         &Job{ID: "1"},
		Checkpoints: &CheckpointStatistics{Completed: &Snapshot{ID: 1}, History: []Snapshot{{ID: 1}}},
		Exceptions:  []string{"a"}, Operation: &Operation{TriggerID: "t"}, Effects: map[string]EffectResult{"t": {Attempts: 1}},
	}
	copied := original.DeepCopy()
	assert.Equal(t, original, copied)
	copied.Job.ID, copied.Operation.TriggerID, copied.Exceptions[0] = "2", "u", "b"
	copied.Checkpoints.Completed.ID, copied.Checkpoints.History[0].ID = 2, 2
	copied.Effects["t"] = EffectResult{}
	assert.Equal(t, "1", original.Job.ID)
	assert.Equal(t, "t", original.Operation.TriggerID)
	assert.Equal(t, []string{"a"}, original.Exceptions)
	assert.Equal(t, int64(1), original.Checkpoints.Completed.ID)
	assert.Equal(t, int64(1), original.Checkpoints.History[0].ID)
	assert.Equal(t, 1, original.EffectOutcome("t").Attempts)
	assert.Equal(t, Observation{}, Observation{}.DeepCopy())
}
