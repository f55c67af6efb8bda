package specs

func highAvailabilityCases() []Case {
	const factory = "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory"
	with := func(properties, spec string) string {
		return session("flinkProperties: {" + properties + "}\n" + spec)
	}
	refused := func(name, properties, option, text string) Case {
		return Case{Name: name, YAML: with(properties, ""), ExpectedField: "spec.flinkProperties[" + option + "]", ExpectedText: text, OnlyGo: true}
	}
	return []Case{
		{Name: "high availability", YAML: with("high-availability.type: kubernetes, high-availability.storageDir: s3://b", "")},
		{Name: "high availability of a job", YAML: with("high-availability.type: Kubernetes, high-availability.storageDir: s3://b", "job: {}")},
		{Name: "high availability by its older name", YAML: with("high-availability: kubernetes, high-availability.storageDir: s3://b", "job: {}")},
		{Name: "high availability by its class", YAML: with("high-availability: "+factory+", high-availability.storageDir: s3://b", "")},
		{Name: "no high availability", YAML: with("high-availability.type: NONE", "")},
		refused("high availability without a directory", "high-availability.type: kubernetes", "high-availability.storageDir", "every JobManager can read and write"),
		refused("high availability and an empty directory", "high-availability: kubernetes, high-availability.storageDir: ''", "high-availability.storageDir", ""),
		refused("high availability by ZooKeeper", "high-availability: zookeeper, high-availability.storageDir: s3://b", "high-availability", "must be kubernetes"),
		refused("high availability by a class nobody knows", "high-availability.type: org.example.Factory, high-availability.storageDir: s3://b",
			"high-availability.type", "must be kubernetes"),
		{Name: "two JobManagers with high availability", YAML: with("high-availability.type: kubernetes, high-availability.storageDir: s3://b", "jobManager: {replicas: 2}")},
		{Name: "too many JobManagers with high availability", YAML: with("high-availability.type: kubernetes, high-availability.storageDir: s3://b", "jobManager: {replicas: 11}"),
			ExpectedField: "spec.jobManager.replicas"},
		{Name: "two JobManagers and high availability that is off", YAML: with("high-availability.type: NONE", "jobManager: {replicas: 2}"),
			ExpectedField: "spec.jobManager.replicas", ExpectedText: needsHA, OnlyGo: true},
		{Name: "two JobManagers and other properties", YAML: with("a: b", "jobManager: {replicas: 2}"), ExpectedField: "spec.jobManager.replicas", ExpectedText: needsHA},
	}
}
