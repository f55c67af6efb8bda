package conversation

import "context"

func nothingRuns() []step {
	return []step{
		get("config", "config"),
		get("no jobs", "jobs", "overview"),
		get("checkpoints of an unknown job", "jobs", unknownJob, "checkpoints"),
		get("exceptions of an unknown job", "jobs", unknownJob, "exceptions?maxExceptions=5"),
		operation("operation of an unknown job", unknownJob, unknownTrigger),
		triggerSavepoint("savepoint of an unknown job", unknownJob, savepointTrigger),
		operation("failed savepoint of an unknown job", unknownJob, savepointTrigger).when(completed),
		triggerStop("stop of an unknown job", unknownJob, stopTrigger),
		operation("failed stop of an unknown job", unknownJob, stopTrigger).when(completed),
		cancel("cancel an unknown job", unknownJob, "?mode=cancel"),
	}
}

func badRequests() []step {
	const directory = `"target-directory":"` + SavepointsDirectory + `"`
	return []step{
		post("savepoint with half a body", `{"target-directory":`, "jobs", unknownJob, "savepoints"),
		post("savepoint with another kind of body", `[]`, "jobs", unknownJob, "savepoints"),
		post("savepoint with an unknown key", `{`+directory+`,"unknown":1}`, "jobs", unknownJob, "savepoints"),
		post("savepoint with a trigger id that is none", `{`+directory+`,"triggerId":"x"}`, "jobs", unknownJob, "savepoints"),
		post("savepoint with an unknown format", `{`+directory+`,"formatType":"PLAIN"}`, "jobs", unknownJob, "savepoints"),
		post("savepoint without a directory", `{"cancel-job":false}`, "jobs", unknownJob, "savepoints"),
		post("savepoint without a body", ``, "jobs", unknownJob, "savepoints"),
		post("stop with half a body", `{"drain":`, "jobs", unknownJob, "stop"),
		post("stop with the keys of a savepoint", `{`+directory+`}`, "jobs", unknownJob, "stop"),
		post("stop without a directory", `{"drain":false}`, "jobs", unknownJob, "stop"),
		post("savepoint of a job id that is none", `{`+directory+`}`, "jobs", "x", "savepoints"),
		get("operation of a trigger id that is none", "jobs", unknownJob, "savepoints", "x"),
		cancel("cancel with the mode that was removed", unknownJob, "?mode=stop"),
		cancel("cancel with an unknown mode", unknownJob, "?mode=gently"),
		get("no such route", "no", "such", "route"),
	}
}

func savepoints() []step {
	return []step{
		get("a running job", "jobs", "overview").when(listed(runningJob, "RUNNING", 2)).after(func(ctx context.Context, scene Scene) error {
			return scene.StartJob(ctx, runningJob, "")
		}),
		get("no checkpoint yet", "jobs", runningJob, "checkpoints").when(counted(0, 0, 0)),
		get("no exception", "jobs", runningJob, "exceptions?maxExceptions=5"),
		get("one checkpoint", "jobs", runningJob, "checkpoints").when(counted(1, 0, 0)).after(func(ctx context.Context, scene Scene) error {
			return scene.CompleteCheckpoint(ctx, runningJob)
		}),
		operation("unknown trigger id", runningJob, unknownTrigger),
		triggerSavepoint("savepoint", runningJob, savepointTrigger),
		triggerSavepoint("savepoint with the same trigger id", runningJob, savepointTrigger),
		operation("savepoint in progress", runningJob, savepointTrigger),
		get("statistics with a savepoint in progress", "jobs", runningJob, "checkpoints").when(counted(1, 1, 0)),
		operation("savepoint complete", runningJob, savepointTrigger).when(completed).after(func(ctx context.Context, scene Scene) error {
			return scene.CompleteOperation(ctx, runningJob, savepointTrigger)
		}),
		triggerSavepoint("savepoint with the trigger id of a complete one", runningJob, savepointTrigger),
		operation("the same savepoint complete", runningJob, savepointTrigger),
		get("statistics with a savepoint", "jobs", runningJob, "checkpoints").when(counted(2, 0, 0)),
		post("savepoint without a trigger id", `{"target-directory":"`+SavepointsDirectory+`"}`, "jobs", runningJob, "savepoints"),
		operation("savepoint of a trigger id that Flink chose", runningJob, requestWord),
	}
}

// stopping begins while the last savepoint of the part before is under way.
func stopping() []step {
	return []step{
		triggerSavepoint("second savepoint at a time", runningJob, abortedTrigger),
		// A savepoint that is only just being triggered survives a stop.
		get("statistics with two savepoints in progress", "jobs", runningJob, "checkpoints").when(counted(2, 2, 0)),
		triggerStop("stop while savepoints are under way", runningJob, stopTrigger),
		triggerStop("stop with the same trigger id", runningJob, stopTrigger),
		operation("savepoint that the stop has aborted", runningJob, abortedTrigger).when(completed),
		operation("stop in progress", runningJob, stopTrigger),
		operation("stop complete", runningJob, stopTrigger).when(completed).after(func(ctx context.Context, scene Scene) error {
			return scene.CompleteOperation(ctx, runningJob, stopTrigger)
		}),
	}
}

func stopped() []step {
	return []step{
		get("a finished job", "jobs", "overview").when(listed(runningJob, "FINISHED", 0)),
		get("statistics of a finished job", "jobs", runningJob, "checkpoints").when(counted(3, 0, 2)),
		get("exceptions of a finished job", "jobs", runningJob, "exceptions?maxExceptions=5"),
		triggerStop("stop with the trigger id of a complete one", runningJob, stopTrigger),
		triggerSavepoint("savepoint of a finished job", runningJob, lateTrigger),
		operation("failed savepoint of a finished job", runningJob, lateTrigger).when(completed),
		triggerStop("stop of a finished job", runningJob, lateStopTrigger),
		operation("failed stop of a finished job", runningJob, lateStopTrigger).when(completed),
		cancel("cancel a finished job", runningJob, "?mode=cancel"),
	}
}
