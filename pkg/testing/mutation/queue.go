package mutation

const runnerFile = "pkg/controller/queue/runner.go"

// queueMutants spoil what wakes the loops.
var queueMutants = []Mutant{
	{
		Name: "failed-sync-not-tried-again", File: runnerFile, Plans: "^savepoint by annotation$/write/lost",
		Old: `	default:
		r.queue.AddRateLimited(key)
`,
		New: `	default:
		if !mutant.Active("failed-sync-not-tried-again") {
			r.queue.AddRateLimited(key)
		}
`,
		Breaks: "a sync that failed is tried again",
	},
	{
		Name: "delay-forgotten", File: runnerFile, Plans: "savepoint by schedule/undisturbed",
		Old:    `	case err == nil && result.RequeueAfter > 0:`,
		New:    `	case err == nil && result.RequeueAfter > 0 && !mutant.Active("delay-forgotten"):`,
		Breaks: "a loop is woken when it asked to be",
	},
	{
		Name: "deletions-unheard", File: "pkg/controller/scope/handlers.go", Plans: "^a failed upgrade is tried again by nonce$/undisturbed",
		Old: `		DeleteFunc: appearedOrGone,`,
		New: `		DeleteFunc: func(object any) {
			if !mutant.Active("deletions-unheard") {
				appearedOrGone(object)
			}
		},`,
		Breaks: "the end of an object wakes its cluster",
	},
	{
		Name: "pods-unheard", File: "pkg/controller/scope/handlers.go", Plans: "^a failed upgrade is tried again by nonce$/undisturbed",
		Old: `	s.enqueueOwner(updated.GetNamespace(), name)
`,
		New: `	if updated.GetLabels()[v1beta1.LabelJobID] != "" && mutant.Active("pods-unheard") {
		return
	}
	s.enqueueOwner(updated.GetNamespace(), name)
`,
		Breaks: "a change of a child wakes its cluster",
	},
}
