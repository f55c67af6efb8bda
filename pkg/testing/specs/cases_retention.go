package specs

func retentionCases() []Case {
	const field = "spec.job.savepointRetention"
	refused := func(name, spec, field, text string) Case {
		return Case{Name: name, YAML: job(spec), ExpectedField: field, ExpectedText: text}
	}
	claiming := func(name, property string) Case {
		return Case{Name: name, YAML: session("flinkProperties: {" + property + "}\njob: {savepointRetention: {maxCount: 1}}")}
	}
	cases := []Case{
		{Name: "one savepoint is kept", YAML: job("savepointRetention: {maxCount: 1}")},
		{Name: "as many savepoints as can be are kept", YAML: job("savepointRetention: {maxCount: 15}")},
		{Name: "savepoints are kept for a second", YAML: job("savepointRetention: {maxAgeSeconds: 1}")},
		refused("no savepoint is kept", "savepointRetention: {maxCount: 0}", field+".maxCount", ""),
		refused("more savepoints are kept than the history holds", "savepointRetention: {maxCount: 16}", field+".maxCount", ""),
		refused("savepoints are kept for no time", "savepointRetention: {maxAgeSeconds: 0}", field+".maxAgeSeconds", ""),
		refused("savepoints are kept for whatever that means", "savepointRetention: {}", field, "needs maxCount or maxAgeSeconds"),
		claiming("savepoints are kept, and Flink claims none", "execution.state-recovery.claim-mode: no_claim"),
		claiming("savepoints are kept, and Flink claims none by the option's older name", "execution.savepoint-restore-mode: NO_CLAIM"),
	}
	for _, property := range []string{"execution.state-recovery.claim-mode: CLAIM", "execution.savepoint-restore-mode: legacy"} {
		refused := claiming("savepoints are disposed of that Flink may own: "+property, property)
		refused.ExpectedField, refused.ExpectedText = field, "needs Flink's claim mode NO_CLAIM"
		cases = append(cases, refused)
	}
	return cases
}
