package conversation

// neverRead are fields of real answers that our client does not read, with the reason why the model does without.
var neverRead = map[string]string{
	"summary":             "statistics of sizes and durations, in all answers about checkpoints",
	"jobs[].tasks.failed": "how the tasks of an ended job ended: the client reads total, running and finished",
	"all-exceptions":      "the exceptions of tasks through Flink 1.20: the client reads the history, or the root exception",
	"exceptionHistory.entries[].concurrentExceptions": "what failed at the same time: the client reads the entry's own trace, which has it as its cause",
}

// uncertain are fields of some answers that Flink itself does not always give in the same way.
var uncertain = map[string][]string{
	cancelledStatistics: countedTwice,
	disposedLocation:    countedTwice,
}

// countedTwice: a savepoint that the cancel of its job aborts while it is triggered may be counted once or twice as failed.
var countedTwice = []string{"counts.failed", "counts.total"}
