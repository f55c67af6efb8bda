package mutation

// honestyMutants have the status claim what is not so.
var honestyMutants = []Mutant{
	{
		Name: "ready-while-silent", File: "pkg/lifecycle/conditions.go", Plans: "silent for four minutes",
		Old:    `	case !observed.Reachable:` + "\n",
		New:    `	case !observed.Reachable && !mutant.Active("ready-while-silent"):` + "\n",
		Breaks: "Ready is not claimed of a JobManager that does not answer",
	},
	{
		Name: "observed-generation-not-moved", File: "pkg/lifecycle/summary.go", Plans: "^scale$/undisturbed",
		Old: `	status.ObservedGeneration = in.Cluster.Generation
`,
		New: `	if !mutant.Active("observed-generation-not-moved") {
		status.ObservedGeneration = in.Cluster.Generation
	}
`,
		Breaks: "observedGeneration says which spec the status is about (3)",
	},
	{
		Name: "transition-time-renewed", File: "pkg/lifecycle/conditions.go", Plans: "the operator is started again",
		Old: `		ObservedGeneration: generation, LastTransitionTime: *timestamp(now),
	})
`,
		New: `		ObservedGeneration: generation, LastTransitionTime: *timestamp(now),
	})
	if mutant.Active("transition-time-renewed") {
		meta.FindStatusCondition(status.Conditions, conditionType).LastTransitionTime = *timestamp(now)
	}
`,
		Breaks: "a time moves only when its condition flips",
	},
	{
		Name: "replicas-claimed-ready", File: "pkg/lifecycle/summary.go", Plans: "^TaskManagers that cannot start$",
		Old:    `		result.ReadyReplicas = min(in.Children.ready(component, attempt), seen.Replicas)`,
		New:    `		result.ReadyReplicas = min(in.Children.ready(component, attempt), seen.Replicas)` + "\n" + `		if mutant.Active("replicas-claimed-ready") {` + "\n" + `			result.ReadyReplicas = seen.Replicas` + "\n" + `		}`,
		Breaks: "pods are counted as ready when they are",
	},
}
