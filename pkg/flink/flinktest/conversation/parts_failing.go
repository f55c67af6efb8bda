package conversation

import "context"

func failures() []step {
	return []step{
		get("a failed job", "jobs", "overview").when(listed(failingJob, "FAILED", 0)).after(func(ctx context.Context, scene Scene) error {
			return scene.StartFailingJob(ctx, failingJob)
		}),
		get("exceptions of a failed job", "jobs", failingJob, "exceptions?maxExceptions=5").when(explained),
		get("statistics of a failed job", "jobs", failingJob, "checkpoints"),
		triggerSavepoint("savepoint of a failed job", failingJob, lateTrigger),
		operation("failed savepoint of a failed job", failingJob, lateTrigger).when(completed),
		cancel("cancel a failed job", failingJob, "?mode=cancel"),
		get("a job without its savepoint", "jobs", "overview").when(listed(missingJob, "FAILED", 0)).after(func(ctx context.Context, scene Scene) error {
			return scene.StartJob(ctx, missingJob, MissingSavepoint)
		}),
		get("exceptions of a job without its savepoint", "jobs", missingJob, "exceptions?maxExceptions=5").when(explained),
		get("statistics of a job without its savepoint", "jobs", missingJob, "checkpoints"),
	}
}

// explained says whether there is an exception: answers may be some seconds old.
func explained(answer any) bool {
	entries, _ := at(answer, "exceptionHistory", "entries").([]any)
	return len(entries) > 0
}

func restored() []step {
	var location string
	return []step{
		operation("the location of the stop", runningJob, stopTrigger).when(func(answer any) bool {
			location, _ = at(answer, "operation", "location").(string)
			return location != ""
		}),
		get("a restored job", "jobs", "overview").when(listed(restoredJob, "RUNNING", 2)).after(func(ctx context.Context, scene Scene) error {
			return scene.StartJob(ctx, restoredJob, location)
		}),
		get("statistics of a restored job", "jobs", restoredJob, "checkpoints"),
		get("the first checkpoint after a restore", "jobs", restoredJob, "checkpoints").when(counted(1, 0, 0)).after(func(ctx context.Context, scene Scene) error {
			return scene.CompleteCheckpoint(ctx, restoredJob)
		}),
	}
}

func waiting() []step {
	return []step{
		get("a job without a slot", "jobs", "overview").when(listed(waitingJob, "RUNNING", 0)).after(func(ctx context.Context, scene Scene) error {
			return scene.StartWaitingJob(ctx, waitingJob)
		}),
		triggerSavepoint("savepoint without running tasks", waitingJob, waitingTrigger),
		operation("failed savepoint without running tasks", waitingJob, waitingTrigger).when(completed),
		triggerStop("stop without running tasks", waitingJob, stopTrigger),
		operation("failed stop without running tasks", waitingJob, stopTrigger).when(completed),
		get("statistics without running tasks", "jobs", waitingJob, "checkpoints"),
		cancel("cancel a job without a slot", waitingJob, "?mode=cancel"),
		get("a cancelled job without a slot", "jobs", "overview").when(listed(waitingJob, "CANCELED", 0)),
	}
}

const cancelledStatistics = "statistics of a cancelled job"

// aborted says whether the savepoint of the cancelled job has failed in the statistics.
func aborted(answer any) bool {
	return counted(1, 0, 1)(answer) || counted(1, 0, 2)(answer)
}

func cancelling() []step {
	return []step{
		triggerSavepoint("savepoint before a cancellation", restoredJob, cancelledTrigger),
		cancel("cancel while a savepoint is under way", restoredJob, "?mode=cancel"),
		operation("savepoint that the cancellation has aborted", restoredJob, cancelledTrigger).when(completed),
		get("a cancelled job", "jobs", "overview").when(listed(restoredJob, "CANCELED", 0)),
		get(cancelledStatistics, "jobs", restoredJob, "checkpoints").when(aborted),
		get("exceptions of a cancelled job", "jobs", restoredJob, "exceptions?maxExceptions=5"),
		cancel("cancel a cancelled job", restoredJob, "?mode=cancel"),
		cancel("cancel a cancelled job without a mode", restoredJob, ""),
	}
}
