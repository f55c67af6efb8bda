package specs

import "strings"

const (
	needsDirectory = "needs spec.job.savepointsDir"
	needsSavepoint = "needs spec.job.fromSavepoint"
	notCombined    = "cannot be combined with memoryOffHeapRatio or memoryOffHeapMin"
	needsJob       = "needs spec.job"
	kindStays      = "a session cluster cannot become a job cluster or the reverse"
	dnsLabel       = "must be a DNS label of at most 48 characters"
	inImage        = "must be a path in the image"
	needsHA        = "more JobManagers need high availability"
)

// Cases returns the table. Names are unique.
func Cases() []Case {
	var cases []Case
	for _, part := range [][]Case{clusterCases(), componentCases("jobManager"), componentCases("taskManager"), portCases(), jobCases(), retentionCases(), upgradeCases(),
		deletionCases(), rollbackCases(), updateCases(), highAvailabilityCases()} {
		cases = append(cases, part...)
	}
	return cases
}

func clusterCases() []Case {
	return []Case{
		{Name: "the least session cluster", YAML: session("")},
		{Name: "the least job cluster", YAML: session("job: {}")},
		{Name: "a manifest of the savepoints guide", YAML: session(`
jobManager:
  accessScope: Cluster
  ports: {ui: 8081}
  resources: {limits: {memory: 1024Mi, cpu: 200m}}
taskManager:
  replicas: 2
  resources: {limits: {memory: 1024Mi, cpu: 200m}}
job:
  jarFile: ./examples/streaming/WordCount.jar
  className: org.apache.flink.streaming.examples.wordcount.WordCount
  args: ["--input", "./README.txt"]
  parallelism: 2
  autoSavepointSeconds: 300
  savepointsDir: gs://my-bucket/savepoints/
  restartPolicy: FromSavepointOnFailure
flinkProperties:
  taskmanager.numberOfTaskSlots: "1"`)},
		{Name: "a name of 48 characters", YAML: named(strings.Repeat("a", 48), "")},
		{Name: "a name of 49 characters", YAML: named(strings.Repeat("a", 49), ""), ExpectedField: "metadata.name", ExpectedText: dnsLabel},
		{Name: "a name that begins with a digit", YAML: named("1a", ""), ExpectedField: "metadata.name", ExpectedText: dnsLabel},
		{Name: "a name with a dot", YAML: named("a.b", ""), ExpectedField: "metadata.name", ExpectedText: dnsLabel},
		{Name: "a name in capitals", YAML: named("Sample", ""), ExpectedField: "metadata.name"},
		{Name: "no image", YAML: strings.Replace(session(""), `image: {name: "flink:2.1"}`, "image: {}", 1), ExpectedField: "spec.image.name"},
		{Name: "an empty image", YAML: strings.Replace(session(""), "flink:2.1", "", 1), ExpectedField: "spec.image.name"},
		{Name: "a pull policy nobody knows", YAML: strings.Replace(session(""), `"flink:2.1"`, `"flink:2.1", pullPolicy: Sometimes`, 1), ExpectedField: "spec.image.pullPolicy"},
		{Name: "a pull policy", YAML: strings.Replace(session(""), `"flink:2.1"`, `"flink:2.1", pullPolicy: IfNotPresent`, 1)},
		{Name: "a version of two numbers", YAML: session(`flinkVersion: "1.20"`)},
		{Name: "a version of three numbers", YAML: session(`flinkVersion: "2.1.3"`)},
		{Name: "a version of one number", YAML: session(`flinkVersion: "2"`), ExpectedField: "spec.flinkVersion"},
		{Name: "a version with a letter", YAML: session(`flinkVersion: v2.1`), ExpectedField: "spec.flinkVersion"},
		{Name: "a version with a suffix", YAML: session(`flinkVersion: 2.1-java17`), ExpectedField: "spec.flinkVersion"},
		{Name: "a restart by nonce", YAML: session("restartNonce: -1")},
		{Name: "a nonce that is no number", YAML: session("restartNonce: now"), ExpectedField: "spec.restartNonce", OnlySchema: true},
		{Name: "no old revisions", YAML: session("revisionHistoryLimit: 0")},
		{Name: "as many revisions as can be", YAML: session("revisionHistoryLimit: 100")},
		{Name: "a negative number of revisions", YAML: session("revisionHistoryLimit: -1"), ExpectedField: "spec.revisionHistoryLimit"},
		{Name: "too many revisions", YAML: session("revisionHistoryLimit: 101"), ExpectedField: "spec.revisionHistoryLimit"},
		{Name: "a misspelt field", YAML: session("jobManagr: {}"), ExpectedField: "spec.jobManagr", OnlySchema: true},
		{Name: "a misspelt field of a job", YAML: job("restartPolice: Never"), ExpectedField: "spec.job.restartPolice", OnlySchema: true},
		{Name: "a number where a list belongs", YAML: job("args: 3"), ExpectedField: "spec.job.args", OnlySchema: true},
		{Name: "a pod template with what it likes", YAML: session("podTemplate: {spec: {hostAliases: [{ip: 10.0.0.1}]}}")},
		{Name: "two variables of one name", YAML: session("envVars: [{name: A, value: b}, {name: A, value: c}]"), ExpectedField: "spec.envVars", OnlySchema: true},
	}
}

func componentCases(component string) []Case {
	with := func(spec string) string { return session(component + ":\n" + indent(spec, 2)) }
	path := "spec." + component
	cases := []Case{
		{Name: "a share of the memory", YAML: with("memoryProcessRatio: 70")},
		{Name: "no share of the memory", YAML: with("memoryProcessRatio: 0"), ExpectedField: path + ".memoryProcessRatio"},
		{Name: "more than all of the memory", YAML: with("memoryProcessRatio: 101"), ExpectedField: path + ".memoryProcessRatio"},
		{Name: "the older memory model", YAML: with("memoryOffHeapRatio: 25\nmemoryOffHeapMin: 600M")},
		{Name: "nothing off the heap", YAML: with("memoryOffHeapRatio: 0")},
		{Name: "a negative share off the heap", YAML: with("memoryOffHeapRatio: -1"), ExpectedField: path + ".memoryOffHeapRatio"},
		{Name: "more than all off the heap", YAML: with("memoryOffHeapRatio: 101"), ExpectedField: path + ".memoryOffHeapRatio"},
		{Name: "two memory models", YAML: with("memoryProcessRatio: 70\nmemoryOffHeapRatio: 25"), ExpectedField: path + ".memoryProcessRatio", ExpectedText: notCombined},
		{Name: "one and a half memory models", YAML: with("memoryProcessRatio: 70\nmemoryOffHeapMin: 600M"), ExpectedField: path + ".memoryProcessRatio", ExpectedText: notCombined},
		{Name: "more off the heap than there is", YAML: with("memoryOffHeapMin: 3Gi\nresources: {limits: {memory: 2Gi}}"), ExpectedField: path + ".memoryOffHeapMin", ExpectedText: "must not be greater than the memory limit 2Gi", OnlyGo: true},
		{Name: "more off the heap than by default", YAML: with("memoryOffHeapMin: 3Gi"), ExpectedField: path + ".memoryOffHeapMin", OnlyGo: true},
		{Name: "all of it off the heap", YAML: with("memoryOffHeapMin: 2Gi")},
		{Name: "no limit to exceed", YAML: with("memoryOffHeapMin: 3Gi\nresources: {requests: {memory: 1Gi}}")},
		{Name: "further ports", YAML: with("extraPorts: [{name: metrics, containerPort: 9249}, {name: debug, containerPort: 5005, protocol: UDP}]")},
		{Name: "a further port out of range", YAML: with("extraPorts: [{name: metrics, containerPort: 65536}]"), ExpectedField: path + ".extraPorts[0].containerPort"},
		{Name: "a further port without a number", YAML: with("extraPorts: [{name: metrics}]"), ExpectedField: path + ".extraPorts[0].containerPort"},
		{Name: "a further port without a name", YAML: with("extraPorts: [{containerPort: 9249}]"), ExpectedField: path + ".extraPorts[0].name"},
		{Name: "a further port with a long name", YAML: with("extraPorts: [{name: a234567890123456, containerPort: 9249}]"), ExpectedField: path + ".extraPorts[0].name"},
		{Name: "a further port with a strange name", YAML: with("extraPorts: [{name: Metrics_, containerPort: 9249}]"), ExpectedField: path + ".extraPorts[0].name"},
		{Name: "a further port with a strange protocol", YAML: with("extraPorts: [{name: metrics, containerPort: 9249, protocol: HTTP}]"), ExpectedField: path + ".extraPorts[0].protocol"},
		{Name: "two further ports of one name", YAML: with("extraPorts: [{name: metrics, containerPort: 9249}, {name: metrics, containerPort: 9250}]"), ExpectedField: path + ".extraPorts[1]"},
		{Name: "two further ports of one number", YAML: with("extraPorts: [{name: metrics, containerPort: 9249}, {name: other, containerPort: 9249}]"), ExpectedField: path + ".extraPorts[1].containerPort", ExpectedText: "is the same as metrics", OnlyGo: true},
		{Name: "a further port with a name that is taken", YAML: with("extraPorts: [{name: rpc, containerPort: 9249}]"), ExpectedField: path + ".extraPorts[0].name", OnlyGo: true},
		{Name: "a further port with a number that is taken", YAML: with("extraPorts: [{name: metrics, containerPort: 6125}]"), ExpectedField: path + ".extraPorts[0].containerPort", ExpectedText: "is the same as query", OnlyGo: true},
	}
	for i := range cases {
		cases[i].Name = component + ": " + cases[i].Name
	}
	return cases
}

func portCases() []Case {
	return []Case{
		{Name: "one JobManager", YAML: session("jobManager: {replicas: 1, accessScope: Cluster}")},
		{Name: "two JobManagers", YAML: session("jobManager: {replicas: 2}"), ExpectedField: "spec.jobManager.replicas", ExpectedText: needsHA},
		{Name: "no JobManager", YAML: session("jobManager: {replicas: 0}"), ExpectedField: "spec.jobManager.replicas"},
		{Name: "an access scope of later", YAML: session("jobManager: {accessScope: External}"), ExpectedField: "spec.jobManager.accessScope"},
		{Name: "no TaskManager", YAML: session("taskManager: {replicas: 0}"), ExpectedField: "spec.taskManager.replicas"},
		{Name: "many TaskManagers", YAML: session("taskManager: {replicas: 10000}")},
		{Name: "too many TaskManagers", YAML: session("taskManager: {replicas: 10001}"), ExpectedField: "spec.taskManager.replicas"},
		{Name: "other ports", YAML: session("jobManager: {ports: {rpc: 1, blob: 2, query: 3, ui: 65535}}\ntaskManager: {ports: {data: 1, rpc: 2, query: 3}}")},
		{Name: "ports that change places", YAML: session("jobManager: {ports: {rpc: 6124, blob: 6123}}")},
		{Name: "JobManager port zero", YAML: session("jobManager: {ports: {ui: 0}}"), ExpectedField: "spec.jobManager.ports.ui"},
		{Name: "JobManager port out of range", YAML: session("jobManager: {ports: {blob: 65536}}"), ExpectedField: "spec.jobManager.ports.blob"},
		{Name: "two JobManager ports of one number", YAML: session("jobManager: {ports: {rpc: 8081}}"), ExpectedField: "spec.jobManager.ports"},
		{Name: "TaskManager port zero", YAML: session("taskManager: {ports: {data: 0}}"), ExpectedField: "spec.taskManager.ports.data"},
		{Name: "two TaskManager ports of one number", YAML: session("taskManager: {ports: {rpc: 6121}}"), ExpectedField: "spec.taskManager.ports"},
	}
}

func jobCases() []Case {
	refused := func(name, spec, field, text string) Case {
		return Case{Name: name, YAML: job(spec), ExpectedField: "spec.job." + field, ExpectedText: text}
	}
	return []Case{
		{Name: "a job with everything", YAML: job(`
mode: Application
jarFile: /opt/flink/usrlib/job.jar
args: ["--rate", "10"]
parallelism: 4
fromSavepoint: s3://bucket/savepoints/savepoint-1
allowNonRestoredState: true
savepointsDir: s3://bucket/savepoints
autoSavepointSeconds: 300
savepointGeneration: 1
savepointTriggerNonce: -1
savepointFormatType: NATIVE
savepointRetention: {maxCount: 3, maxAgeSeconds: 86400}
restartPolicy: FromLatestStateOnFailure
restartBackoff: {initialSeconds: 1, maxSeconds: 60, resetAfterSeconds: 300, limit: 10}
maxStateAgeToRestoreSeconds: 3600
cancelRequested: false
state: running
upgradeMode: savepoint
upgradeFallback: None
takeSavepointOnUpdate: false
savepointRedeployNonce: 1
cleanupPolicy: {afterJobSucceeds: KeepCluster, afterJobFails: DeleteCluster, afterJobCancelled: DeleteTaskManager}`)},
		{Name: "a job that is not to run yet", YAML: job("cancelRequested: true")},
		refused("a mode of later", "mode: Detached", "mode", ""),
		refused("a restart policy nobody knows", "restartPolicy: Always", "restartPolicy", ""),
		refused("a format nobody knows", "savepointFormatType: AVRO", "savepointFormatType", ""),
		{Name: "a jar in the image", YAML: job("jarFile: ./job.jar")},
		{Name: "a jar in the image by its scheme", YAML: job("jarFile: local:///opt/flink/usrlib/job.jar")},
		refused("a jar in a bucket", "jarFile: s3://bucket/job.jar", "jarFile", inImage),
		refused("a jar in the web", "jarFile: https://example.org/job.jar", "jarFile", inImage),
		refused("a jar on a host of this name", "jarFile: local://host/job.jar", "jarFile", inImage),
		refused("no parallelism", "parallelism: 0", "parallelism", ""),
		{Name: "the greatest parallelism", YAML: job("parallelism: 32768")},
		refused("too great a parallelism", "parallelism: 32769", "parallelism", ""),
		refused("a negative generation", "savepointGeneration: -1", "savepointGeneration", ""),
		{Name: "a savepoint each second", YAML: job("savepointsDir: /savepoints\nautoSavepointSeconds: 1")},
		refused("a savepoint each zero seconds", "savepointsDir: /savepoints\nautoSavepointSeconds: 0", "autoSavepointSeconds", ""),
		refused("scheduled savepoints and no directory", "autoSavepointSeconds: 300", "autoSavepointSeconds", needsDirectory),
		{Name: "scheduled savepoints into Flink's directory", YAML: session("flinkProperties: {state.savepoints.dir: s3://b}\njob: {autoSavepointSeconds: 300}")},
		{Name: "scheduled savepoints into Flink's directory by its newer name", YAML: session("flinkProperties: {execution.checkpointing.savepoint-dir: s3://b}\njob: {autoSavepointSeconds: 300}")},
		{Name: "scheduled savepoints and other properties", YAML: session("flinkProperties: {a: b}\njob: {autoSavepointSeconds: 300}"), ExpectedField: "spec.job.autoSavepointSeconds", ExpectedText: needsDirectory},
		{Name: "scheduled savepoints and an empty directory", YAML: job("savepointsDir: \"\"\nautoSavepointSeconds: 300"), ExpectedField: "spec.job.autoSavepointSeconds", ExpectedText: needsDirectory},
		refused("a negative age", "maxStateAgeToRestoreSeconds: -1", "maxStateAgeToRestoreSeconds", ""),
		{Name: "no age at all", YAML: job("maxStateAgeToRestoreSeconds: 0")},
		{Name: "no back-off", YAML: job("restartBackoff: {initialSeconds: 0, maxSeconds: 0, resetAfterSeconds: 1, limit: 0}")},
		refused("a negative back-off", "restartBackoff: {initialSeconds: -1}", "restartBackoff.initialSeconds", ""),
		refused("too long a back-off", "restartBackoff: {maxSeconds: 86401}", "restartBackoff.maxSeconds", ""),
		refused("no healthy time", "restartBackoff: {resetAfterSeconds: 0}", "restartBackoff.resetAfterSeconds", ""),
		refused("too long a healthy time", "restartBackoff: {resetAfterSeconds: 604801}", "restartBackoff.resetAfterSeconds", ""),
		refused("a negative limit", "restartBackoff: {limit: -1}", "restartBackoff.limit", ""),
		refused("a back-off that shrinks", "restartBackoff: {initialSeconds: 60, maxSeconds: 30}", "restartBackoff.initialSeconds", "must not be greater than maxSeconds"),
		refused("a back-off above the default maximum", "restartBackoff: {initialSeconds: 301}", "restartBackoff.initialSeconds", "must not be greater than maxSeconds"),
		refused("a cleanup after success nobody knows", "cleanupPolicy: {afterJobSucceeds: Explode}", "cleanupPolicy.afterJobSucceeds", ""),
		refused("a cleanup after failure nobody knows", "cleanupPolicy: {afterJobFails: Explode}", "cleanupPolicy.afterJobFails", ""),
		refused("a cleanup after a cancel nobody knows", "cleanupPolicy: {afterJobCancelled: Explode}", "cleanupPolicy.afterJobCancelled", ""),
	}
}

func upgradeCases() []Case {
	refused := func(name, spec, field, text string) Case {
		return Case{Name: name, YAML: job(spec), ExpectedField: "spec.job." + field, ExpectedText: text}
	}
	return []Case{
		{Name: "a job that is suspended from the start", YAML: job("state: suspended")},
		refused("a state nobody knows", "state: Running", "state", ""),
		refused("a job that is to be finished", "state: finished", "state", ""),
		{Name: "an upgrade from the newest state, wherever it is", YAML: job("upgradeMode: last-state")},
		{Name: "an upgrade without state", YAML: job("upgradeMode: stateless")},
		refused("an upgrade mode nobody knows", "upgradeMode: last_state", "upgradeMode", ""),
		{Name: "upgrades by savepoint", YAML: job("savepointsDir: s3://b\nupgradeMode: savepoint")},
		refused("upgrades by savepoint and no directory", "upgradeMode: savepoint", "upgradeMode", needsDirectory),
		refused("upgrades by savepoint and an empty directory", "savepointsDir: \"\"\nupgradeMode: savepoint", "upgradeMode", needsDirectory),
		{Name: "upgrades by savepoint into Flink's directory", YAML: session("flinkProperties: {state.savepoints.dir: s3://b}\njob: {upgradeMode: savepoint}")},
		{Name: "upgrades by savepoint into Flink's directory by its newer name", YAML: session("flinkProperties: {execution.checkpointing.savepoint-dir: s3://b}\njob: {upgradeMode: savepoint}")},
		{Name: "upgrades by savepoint and other properties", YAML: session("flinkProperties: {execution.checkpointing.dir: s3://b}\njob: {upgradeMode: savepoint}"), ExpectedField: "spec.job.upgradeMode", ExpectedText: needsDirectory},
		{Name: "upgrades by savepoint and an empty property", YAML: session("flinkProperties: {state.savepoints.dir: \"\"}\njob: {upgradeMode: savepoint}"), ExpectedField: "spec.job.upgradeMode", ExpectedText: needsDirectory},
		{Name: "a fallback", YAML: job("upgradeFallback: LastState")},
		{Name: "no fallback", YAML: job("upgradeFallback: None")},
		refused("a fallback nobody knows", "upgradeFallback: last-state", "upgradeFallback", ""),
		{Name: "upgrades that take no savepoint", YAML: job("takeSavepointOnUpdate: false")},
		{Name: "upgrades that take a word for a truth value", YAML: job("takeSavepointOnUpdate: never"), ExpectedField: "spec.job.takeSavepointOnUpdate", OnlySchema: true},
		{Name: "a redeployment", YAML: job("fromSavepoint: s3://b/savepoint-1\nsavepointRedeployNonce: 0")},
		refused("a redeployment from nowhere", "savepointRedeployNonce: 1", "savepointRedeployNonce", needsSavepoint),
		refused("a redeployment from an empty path", "fromSavepoint: \"\"\nsavepointRedeployNonce: 1", "savepointRedeployNonce", needsSavepoint),
	}
}

func deletionCases() []Case {
	refused := func(name, spec, text string) Case {
		return Case{Name: name, YAML: job(spec), ExpectedField: "spec.job.deletionPolicy", ExpectedText: text}
	}
	return []Case{
		{Name: "a deletion by cancel", YAML: job("deletionPolicy: Cancel")},
		{Name: "a deletion by savepoint", YAML: job("savepointsDir: s3://b\ndeletionPolicy: Savepoint")},
		{Name: "a deletion by savepoint into Flink's directory", YAML: session("flinkProperties: {state.savepoints.dir: s3://b}\njob: {deletionPolicy: Savepoint}")},
		{Name: "a deletion by savepoint into Flink's directory by its newer name", YAML: session("flinkProperties: {execution.checkpointing.savepoint-dir: s3://b}\njob: {deletionPolicy: Savepoint}")},
		refused("a deletion policy nobody knows", "deletionPolicy: savepoint", ""),
		refused("a deletion that does nothing to the job", "deletionPolicy: None", ""),
		refused("a deletion by savepoint and no directory", "deletionPolicy: Savepoint", needsDirectory),
		refused("a deletion by savepoint and an empty directory", "savepointsDir: \"\"\ndeletionPolicy: Savepoint", needsDirectory),
	}
}

func rollbackCases() []Case {
	return []Case{
		{Name: "a rollback with what is the default", YAML: session("rollback: {}\njob: {}")},
		{Name: "a rollback", YAML: session("rollback: {enabled: true}\njob: {}")},
		{Name: "a rollback in its time", YAML: session("rollback: {enabled: true, readinessSeconds: 86400}\njob: {}")},
		{Name: "a rollback that is not wanted", YAML: session("rollback: {enabled: false, readinessSeconds: 1}\njob: {}")},
		{Name: "a rollback that takes a word for a truth value", YAML: session("rollback: {enabled: never}\njob: {}"), ExpectedField: "spec.rollback.enabled", OnlySchema: true},
		{Name: "no time to become ready", YAML: session("rollback: {readinessSeconds: 0}\njob: {}"), ExpectedField: "spec.rollback.readinessSeconds"},
		{Name: "more than a day to become ready", YAML: session("rollback: {readinessSeconds: 86401}\njob: {}"), ExpectedField: "spec.rollback.readinessSeconds"},
		{Name: "a session cluster without a rollback", YAML: session("rollback: {enabled: false}")},
		{Name: "a session cluster with a rollback", YAML: session("rollback: {enabled: true}"), ExpectedField: "spec.rollback.enabled", ExpectedText: needsJob},
	}
}

func updateCases() []Case {
	return []Case{
		{Name: "update: another deletion policy", Before: job("savepointsDir: s3://b"), YAML: job("savepointsDir: s3://b\ndeletionPolicy: Savepoint")},
		{Name: "update: the directory that a deletion needs is removed", Before: job("savepointsDir: s3://b\ndeletionPolicy: Savepoint"), YAML: job("deletionPolicy: Savepoint"),
			ExpectedField: "spec.job.deletionPolicy", ExpectedText: needsDirectory},
		{Name: "update: nothing", Before: job(""), YAML: job("")},
		{Name: "update: a live field", Before: job(""), YAML: job("savepointGeneration: 1")},
		{Name: "update: an upgrade, which the schema accepts", Before: job(""), YAML: job("parallelism: 2")},
		{Name: "update: a directory is added", Before: job(""), YAML: job("savepointsDir: s3://b")},
		{Name: "update: a directory is removed", Before: job("savepointsDir: s3://b"), YAML: job("")},
		{Name: "update: cancelled for ever", Before: job("cancelRequested: true"), YAML: job("cancelRequested: false")},
		{Name: "update: the directory that upgrades need is removed", Before: job("savepointsDir: s3://b\nupgradeMode: savepoint"), YAML: job("upgradeMode: savepoint"),
			ExpectedField: "spec.job.upgradeMode", ExpectedText: needsDirectory},
		{Name: "update: suspended", Before: job(""), YAML: job("state: suspended")},
		{Name: "update: resumed with another spec", Before: job("state: suspended"), YAML: job("state: running\nparallelism: 2")},
		{Name: "update: redeployed", Before: job("fromSavepoint: s3://b/1"), YAML: job("fromSavepoint: s3://b/2\nsavepointRedeployNonce: 1")},
		{Name: "update: the savepoint of a redeployment is taken away", Before: job("fromSavepoint: s3://b/1\nsavepointRedeployNonce: 1"), YAML: job("savepointRedeployNonce: 1"),
			ExpectedField: "spec.job.savepointRedeployNonce", ExpectedText: needsSavepoint},
		{Name: "update: restarted", Before: session("restartNonce: 1"), YAML: session("restartNonce: 2")},
		{Name: "update: the job goes", Before: job(""), YAML: session(""), ExpectedField: "spec.job", ExpectedText: kindStays},
		{Name: "update: a job comes", Before: session(""), YAML: job(""), ExpectedField: "spec.job", ExpectedText: kindStays},
	}
}
