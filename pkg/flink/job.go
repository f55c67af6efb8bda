package flink

import (
	"slices"
	"time"
)

// JobStatus is the state of a job as Flink reports it
// (https://nightlies.apache.org/flink/flink-docs-stable/docs/internals/job_scheduling/).
type JobStatus string

// The job states of Flink 1.14 to 2.x.
const (
	JobInitializing JobStatus = "INITIALIZING"
	JobCreated      JobStatus = "CREATED"
	JobRunning      JobStatus = "RUNNING"
	JobFailing      JobStatus = "FAILING"
	JobFailed       JobStatus = "FAILED"
	JobCancelling   JobStatus = "CANCELLING"
	JobCanceled     JobStatus = "CANCELED"
	JobFinished     JobStatus = "FINISHED"
	JobRestarting   JobStatus = "RESTARTING"
	JobSuspended    JobStatus = "SUSPENDED"
	JobReconciling  JobStatus = "RECONCILING"
)

// Terminal says whether the job has ended for good ("globally terminal"). SUSPENDED is not an end: it means that
// this JobManager let go of the job.
func (s JobStatus) Terminal() bool {
	return slices.Contains([]JobStatus{JobFailed, JobCanceled, JobFinished}, s)
}

// Job is one row of Flink's job list (GET /jobs/overview).
type Job struct {
	// ID is 32 hexadecimal digits.
	ID   string
	Name string
	// Status may hold a value this package does not know; it is then neither running nor terminal.
	Status    JobStatus
	StartTime time.Time
	// EndTime is zero while the job has not ended.
	EndTime time.Time
	// RunningTasks counts subtasks that are RUNNING or FINISHED, TotalTasks all subtasks.
	RunningTasks int
	TotalTasks   int
}

// AllTasksRunning says whether the job is RUNNING with every subtask at work. RUNNING alone says nothing about tasks.
func (j Job) AllTasksRunning() bool {
	return j.Status == JobRunning && j.TotalTasks > 0 && j.RunningTasks == j.TotalTasks
}
