package mutation

// effectMutants spoil how Flink is asked, and how its answer is taken.
var effectMutants = []Mutant{
	{
		Name: "retry-with-another-trigger-id", File: "pkg/flink/observer/run.go", Plans: "^savepoint by annotation$/call/lost",
		Old: `	effect := current.queue[0].effect
`,
		New: `	effect := current.queue[0].effect
	if attempts := current.observation.Effects[effect.ID()].Attempts; attempts > 0 && effect.TriggerID != "" && mutant.Active("retry-with-another-trigger-id") {
		effect.TriggerID = effect.TriggerID[1:] + effect.TriggerID[:1]
	}
`,
		Breaks: "an effect is repeated under the id of its request (4.1)",
	},
	{
		Name: "trigger-id-not-sent", File: "pkg/flink/rest/effects.go", Plans: "^savepoint by annotation$/undisturbed",
		Old:    `	if !takesTriggerID(version) {`,
		New:    `	if !takesTriggerID(version) || mutant.Active("trigger-id-not-sent") {`,
		Breaks: "a savepoint is asked for with our trigger id (4.2)",
	},
	{
		Name: "lost-answer-is-acceptance", File: "pkg/flink/rest/effects.go", Plans: "^savepoint by annotation$/call/lost",
		Old: `		return flink.OutcomeRefused
	}
	return flink.OutcomeUnknown
`,
		New: `		return flink.OutcomeRefused
	}
	if mutant.Active("lost-answer-is-acceptance") {
		return flink.OutcomeAccepted
	}
	return flink.OutcomeUnknown
`,
		Breaks: "a request without an answer may not have arrived (4.2)",
	},
	{
		Name: "lost-answer-is-refusal", File: "pkg/flink/rest/effects.go", Plans: "^savepoint by annotation$/call/lost",
		Old:    `	if errors.Is(err, errBaseURL) {`,
		New:    `	if errors.Is(err, errBaseURL) || Status(err) == 0 && mutant.Active("lost-answer-is-refusal") {`,
		Breaks: "a request without an answer may have been carried out (4.2)",
	},
	{
		Name: "failed-effect-never-sent-again", File: "pkg/lifecycle/savepoint.go", Plans: "^savepoint by annotation$/call/lost",
		Old: `		p.effect = &effect
		p.requeue = time.Second
`,
		New: `		if !mutant.Active("failed-effect-never-sent-again") {
			p.effect = &effect
			p.requeue = time.Second
		}
`,
		Breaks: "an effect whose outcome is unknown is repeated (4.1)",
	},
	{
		Name: "completed-without-failure-cause", File: "pkg/flink/rest/operation.go", Plans: "^savepoint fails$/undisturbed",
		Old:    `	case failure != nil:`,
		New:    `	case failure != nil && !mutant.Active("completed-without-failure-cause"):`,
		Breaks: "COMPLETED does not mean success",
	},
	{
		Name: "unknown-trigger-id-believed-at-once", File: "pkg/flink/observer/apply.go", Plans: "^savepoint by annotation$/call/404",
		Old:    `	if now.Sub(r.unknownSince) >= unknownAfter {`,
		New:    `	if now.Sub(r.unknownSince) >= unknownAfter || mutant.Active("unknown-trigger-id-believed-at-once") {`,
		Breaks: "one 404 may come from something in between (4.2)",
	},
}
