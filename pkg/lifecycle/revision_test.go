package lifecycle

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// liveEdits change each field that takes effect at any time.
func liveEdits() map[string]clusterEdit {
	edits := map[string]clusterEdit{
		"restartNonce":         func(c *v1beta1.FlinkCluster) { c.Spec.RestartNonce = new(int64(7)) },
		"revisionHistoryLimit": func(c *v1beta1.FlinkCluster) { c.Spec.RevisionHistoryLimit = new(int32(7)) },
		"rollback":             func(c *v1beta1.FlinkCluster) { c.Spec.Rollback = &v1beta1.RollbackSpec{Enabled: true} },
	}
	for name, edit := range map[string]func(*v1beta1.JobSpec){
		"fromSavepoint":         func(job *v1beta1.JobSpec) { job.FromSavepoint = "x" },
		"savepointsDir":         func(job *v1beta1.JobSpec) { job.SavepointsDir = "x" },
		"autoSavepointSeconds":  func(job *v1beta1.JobSpec) { job.AutoSavepointSeconds = new(int32(7)) },
		"savepointGeneration":   func(job *v1beta1.JobSpec) { job.SavepointGeneration = 7 },
		"savepointTriggerNonce": func(job *v1beta1.JobSpec) { job.SavepointTriggerNonce = new(int64(7)) },
		"savepointFormatType":   func(job *v1beta1.JobSpec) { job.SavepointFormatType = v1beta1.SavepointFormatNative },
		"savepointRetention": func(job *v1beta1.JobSpec) {
			job.SavepointRetention = &v1beta1.SavepointRetention{MaxCount: new(int32(7))}
		},
		"restartPolicy":               func(job *v1beta1.JobSpec) { job.RestartPolicy = v1beta1.RestartPolicyNever },
		"restartBackoff":              func(job *v1beta1.JobSpec) { job.RestartBackoff = &v1beta1.RestartBackoff{Limit: new(int32(7))} },
		"maxStateAgeToRestoreSeconds": func(job *v1beta1.JobSpec) { job.MaxStateAgeToRestoreSeconds = new(int32(7)) },
		"cancelRequested":             func(job *v1beta1.JobSpec) { job.CancelRequested = true },
		"state":                       func(job *v1beta1.JobSpec) { job.State = v1beta1.DesiredJobStateSuspended },
		"upgradeMode":                 func(job *v1beta1.JobSpec) { job.UpgradeMode = v1beta1.UpgradeModeStateless },
		"upgradeFallback":             func(job *v1beta1.JobSpec) { job.UpgradeFallback = v1beta1.UpgradeFallbackNone },
		"takeSavepointOnUpdate":       func(job *v1beta1.JobSpec) { job.TakeSavepointOnUpdate = new(false) },
		"deletionPolicy":              func(job *v1beta1.JobSpec) { job.DeletionPolicy = v1beta1.DeletionPolicySavepoint },
		"savepointRedeployNonce":      func(job *v1beta1.JobSpec) { job.SavepointRedeployNonce = new(int64(7)) },
		"cleanupPolicy": func(job *v1beta1.JobSpec) {
			job.CleanupPolicy = &v1beta1.CleanupPolicy{AfterJobFails: v1beta1.CleanupActionDeleteCluster}
		},
	} {
		edits["job."+name] = spec(edit)
	}
	return edits
}

func TestLiveFields(t *testing.T) {
	accepted := newCluster()
	for name, edit := range liveEdits() {
		t.Run(name, func(t *testing.T) {
			wanted := newCluster(edit)
			require.NotEqual(t, wanted.Spec, accepted.Spec)
			require.Equal(t, RevisionHash(&accepted.Spec), RevisionHash(&wanted.Spec))
			require.Empty(t, ChangedFields(&accepted.Spec, &wanted.Spec))
			require.Equal(t, wanted.Spec, *InForce(&accepted.Spec, &wanted.Spec), "in force at once")
		})
	}
	t.Run("shares no memory", func(t *testing.T) {
		wanted := newCluster(spec(func(job *v1beta1.JobSpec) { job.AutoSavepointSeconds = new(int32(7)) }))
		inForce := InForce(&accepted.Spec, &wanted.Spec)
		*inForce.Job.AutoSavepointSeconds, *inForce.TaskManager.Replicas, *inForce.Job.RestartBackoff.InitialSeconds = 1, 1, 1
		*inForce.Rollback.ReadinessSeconds = 1
		require.EqualValues(t, 300, *wanted.Spec.Rollback.ReadinessSeconds)
		require.EqualValues(t, 7, *wanted.Spec.Job.AutoSavepointSeconds)
		require.EqualValues(t, 3, *accepted.Spec.TaskManager.Replicas)
		require.EqualValues(t, 10, *wanted.Spec.Job.RestartBackoff.InitialSeconds)
	})
}

// TestScalingInPlace: the number of TaskManagers is live where Flink can use another one.
func TestScalingInPlace(t *testing.T) {
	for name, edit := range map[string]clusterEdit{
		"session cluster": func(c *v1beta1.FlinkCluster) { c.Spec.Job = nil },
		"parallelism":     spec(func(job *v1beta1.JobSpec) { job.Parallelism = new(int32(2)) }),
		"adaptive scheduler": func(c *v1beta1.FlinkCluster) {
			c.Spec.FlinkProperties = map[string]string{"jobmanager.scheduler": "Adaptive"}
		},
		"reactive mode": func(c *v1beta1.FlinkCluster) {
			c.Spec.FlinkProperties = map[string]string{"scheduler-mode": "reactive"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			accepted := newCluster(edit)
			wanted := accepted.DeepCopy()
			wanted.Spec.TaskManager.Replicas = new(int32(7))
			require.Equal(t, RevisionHash(&accepted.Spec), RevisionHash(&wanted.Spec))
			require.Empty(t, ChangedFields(&accepted.Spec, &wanted.Spec))
			require.EqualValues(t, 7, *InForce(&accepted.Spec, &wanted.Spec).TaskManager.Replicas)
		})
	}
}

// TestFrozenFields: a change of any other field is an upgrade, is named, and is not in force.
func TestFrozenFields(t *testing.T) {
	accepted := newCluster()
	for name, test := range map[string]struct {
		edit    clusterEdit
		changed []string
	}{
		"image":        {func(c *v1beta1.FlinkCluster) { c.Spec.Image.Name = "flink:2.2" }, []string{"spec.image.name"}},
		"properties":   {func(c *v1beta1.FlinkCluster) { c.Spec.FlinkProperties = map[string]string{"a": "b"} }, []string{"spec.flinkProperties.a"}},
		"class":        {spec(func(job *v1beta1.JobSpec) { job.ClassName = "x" }), []string{"spec.job.className"}},
		"arguments":    {spec(func(job *v1beta1.JobSpec) { job.Args = []string{"x"} }), []string{"spec.job.args"}},
		"non-restored": {spec(func(job *v1beta1.JobSpec) { job.AllowNonRestoredState = true }), []string{"spec.job.allowNonRestoredState"}},
		"port":         {func(c *v1beta1.FlinkCluster) { c.Spec.JobManager.Ports.UI = new(int32(8082)) }, []string{"spec.jobManager.ports"}},
		"resources": {func(c *v1beta1.FlinkCluster) {
			c.Spec.TaskManager.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")}
		}, []string{"spec.taskManager.resources"}},
		"pod template": {func(c *v1beta1.FlinkCluster) {
			c.Spec.PodTemplate = &runtime.RawExtension{Raw: []byte(`{"spec":{"x":1}}`)}
		}, []string{"spec.podTemplate.spec"}},
		"TaskManagers":  {func(c *v1beta1.FlinkCluster) { c.Spec.TaskManager.Replicas = new(int32(7)) }, []string{"spec.taskManager.replicas"}},
		"two of them":   {func(c *v1beta1.FlinkCluster) { c.Spec.FlinkVersion, c.Spec.Job.JarFile = "1.20", "x.jar" }, []string{"spec.flinkVersion", "spec.job.jarFile"}},
		"the job goes":  {func(c *v1beta1.FlinkCluster) { c.Spec.Job = nil }, []string{"spec.job"}},
		"with live one": {func(c *v1beta1.FlinkCluster) { c.Spec.Job.ClassName, c.Spec.Job.CancelRequested = "x", true }, []string{"spec.job.className"}},
	} {
		t.Run(name, func(t *testing.T) {
			wanted := newCluster(test.edit)
			require.NotEqual(t, RevisionHash(&accepted.Spec), RevisionHash(&wanted.Spec))
			changed := ChangedFields(&accepted.Spec, &wanted.Spec)
			if name == "the job goes" {
				require.Equal(t, accepted.Spec, *InForce(&accepted.Spec, &wanted.Spec))
				return
			}
			require.Equal(t, test.changed, changed)
			require.Equal(t, test.changed, ChangedFields(&wanted.Spec, &accepted.Spec))
			inForce := InForce(&accepted.Spec, &wanted.Spec)
			require.Equal(t, RevisionHash(&accepted.Spec), RevisionHash(inForce))
			require.Equal(t, wanted.Spec.Job.CancelRequested, inForce.Job.CancelRequested)
		})
	}
}

// TestEveryFieldIsClassified: a new field of the spec, or of its job, is either live or frozen, and the tables above say which.
func TestEveryFieldIsClassified(t *testing.T) {
	live := liveEdits()
	requireClassified := func(kind reflect.Type, prefix string, frozen ...string) {
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			_, isLive := live[prefix+name]
			require.NotEqual(t, isLive, contains(frozen, name), "field %s%s", prefix, name)
		}
	}
	requireClassified(reflect.TypeFor[v1beta1.JobSpec](), "job.", "mode", "jarFile", "className", "args", "parallelism", "allowNonRestoredState")
	requireClassified(reflect.TypeFor[v1beta1.FlinkClusterSpec](), "", "flinkVersion", "image", "serviceAccountName", "flinkProperties", "logConfig",
		"envVars", "envFrom", "podTemplate", "jobManager", "taskManager", "job")
}

// TestUnlistedFieldsNeedAnUpgrade: of the fields below the JobManager and the TaskManagers only the number of the latter may be live.
func TestUnlistedFieldsNeedAnUpgrade(t *testing.T) {
	accepted := newCluster(spec(func(job *v1beta1.JobSpec) { job.Parallelism = new(int32(2)) }))
	for _, component := range []string{"jobManager", "taskManager"} {
		part := func(cluster *v1beta1.FlinkCluster) map[string]any {
			fields, isMap := asMap(&cluster.Spec)[component].(map[string]any)
			require.True(t, isMap)
			return fields
		}
		blank := part(accepted)
		kind := reflect.TypeFor[v1beta1.JobManagerSpec]()
		if component == "taskManager" {
			kind = reflect.TypeFor[v1beta1.TaskManagerSpec]()
		}
		for _, field := range reflect.VisibleFields(kind) {
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			if strings.Contains(options, "inline") || component == "taskManager" && name == "replicas" {
				continue
			}
			wanted := accepted.DeepCopy()
			value := reflect.ValueOf(wanted.Spec.JobManager).Elem()
			if component == "taskManager" {
				value = reflect.ValueOf(wanted.Spec.TaskManager).Elem()
			}
			setToSomething(value.FieldByIndex(field.Index))
			if reflect.DeepEqual(blank[name], part(wanted)[name]) {
				require.Failf(t, "the test changes nothing", "%s.%s", component, name)
			}
			require.NotEqual(t, RevisionHash(&accepted.Spec), RevisionHash(&wanted.Spec), "%s.%s", component, name)
			require.Equal(t, RevisionHash(&accepted.Spec), RevisionHash(InForce(&accepted.Spec, &wanted.Spec)), "%s.%s", component, name)
		}
	}
}

// setToSomething gives a field of any type a value that is not its default.
func setToSomething(value reflect.Value) {
	switch value.Kind() {
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		setToSomething(value.Elem())
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		setToSomething(value.Index(0))
	case reflect.Map:
		value.Set(reflect.MakeMap(value.Type()))
		key, element := reflect.New(value.Type().Key()).Elem(), reflect.New(value.Type().Elem()).Elem()
		setToSomething(key)
		setToSomething(element)
		value.SetMapIndex(key, element)
	case reflect.Struct:
		switch value.Type() {
		case reflect.TypeFor[resource.Quantity]():
			value.Set(reflect.ValueOf(resource.MustParse("77")))
		case reflect.TypeFor[runtime.RawExtension]():
			value.Set(reflect.ValueOf(runtime.RawExtension{Raw: []byte(`{"spec":{"x":1}}`)}))
		default:
			for i := range value.NumField() {
				if value.Type().Field(i).IsExported() {
					setToSomething(value.Field(i))
					return
				}
			}
		}
	case reflect.String:
		value.SetString("x")
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		value.SetInt(77)
	default:
		panic("no value of " + value.Type().String())
	}
}

func contains(list []string, wanted string) bool {
	for _, element := range list {
		if element == wanted {
			return true
		}
	}
	return false
}

func TestRevisionHash(t *testing.T) {
	bare := &v1beta1.FlinkClusterSpec{Image: v1beta1.ImageSpec{Name: "flink:2.1"}, Job: &v1beta1.JobSpec{ClassName: "x"}}
	full := &v1beta1.FlinkCluster{Spec: *bare.DeepCopy()}
	v1beta1.SetDefaults(full)
	hash := RevisionHash(bare)
	require.Equal(t, hash, RevisionHash(&full.Spec), "defaults do not count")
	require.Nil(t, bare.JobManager, "the spec is left alone")

	t.Run("known values", func(t *testing.T) {
		// These must never change: every running cluster would ask for an upgrade.
		require.Equal(t, "03cd44f101", hash)
		session := &v1beta1.FlinkClusterSpec{Image: v1beta1.ImageSpec{Name: "flink:2.1"}}
		require.Equal(t, "45e0dd3c68", RevisionHash(session))
		job := &v1beta1.FlinkClusterSpec{Image: v1beta1.ImageSpec{Name: "flink:2.1"}, Job: &v1beta1.JobSpec{}}
		require.Equal(t, "027480690e", RevisionHash(job), "the presence of a job counts")
	})
	t.Run("the intent holds what the user set and no more", func(t *testing.T) {
		data, err := json.Marshal(intent(&full.Spec))
		require.NoError(t, err)
		require.JSONEq(t, `{"image": {"name": "flink:2.1"}, "job": {"className": "x"}}`, string(data))
	})
	t.Run("a default written out", func(t *testing.T) {
		spelt := full.Spec.DeepCopy()
		spelt.JobManager.Replicas, spelt.Image.PullPolicy = new(int32(1)), corev1.PullAlways
		require.Equal(t, hash, RevisionHash(spelt))
	})
	t.Run("quantities are compared by value", func(t *testing.T) {
		a, b := full.Spec.DeepCopy(), full.Spec.DeepCopy()
		a.TaskManager.Resources.Limits[corev1.ResourceMemory] = resource.MustParse("4096Mi")
		b.TaskManager.Resources.Limits[corev1.ResourceMemory] = resource.MustParse("4Gi")
		require.Equal(t, RevisionHash(a), RevisionHash(b))
	})
	t.Run("a part of the resources that equals the default is still an intent", func(t *testing.T) {
		a, b := full.Spec.DeepCopy(), full.Spec.DeepCopy()
		a.TaskManager.Resources = corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")}}
		b.TaskManager.Resources = corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("2Gi")}}
		require.NotEqual(t, hash, RevisionHash(a))
		require.NotEqual(t, RevisionHash(a), RevisionHash(b))
	})
	t.Run("order of maps", func(t *testing.T) {
		for range 20 {
			a := full.Spec.DeepCopy()
			a.FlinkProperties = map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"}
			require.Equal(t, "17abc64426", RevisionHash(a))
		}
	})
	t.Run("what cannot be encoded", func(t *testing.T) {
		broken := full.Spec.DeepCopy()
		broken.PodTemplate = &runtime.RawExtension{Raw: []byte("{")}
		require.NotEmpty(t, RevisionHash(broken))
		require.NotEqual(t, hash, RevisionHash(broken))
	})
}

func TestResolution(t *testing.T) {
	accepted := newCluster()
	current := RevisionName(accepted)
	accepted.Status.Revision.Current = current
	always := func(*v1beta1.FlinkCluster) bool { return true }
	errs := field.ErrorList{field.Invalid(field.NewPath("spec", "job"), 1, "no"), field.Required(field.NewPath("spec", "image"), "yes")}
	require.Equal(t, "counter-"+RevisionHash(&accepted.Spec), current)

	t.Run("first", func(t *testing.T) {
		require.Equal(t, Resolution{Cluster: accepted, Revision: current}, ResolveFirst(accepted, nil))
		refused := ResolveFirst(accepted, errs)
		require.Empty(t, refused.Revision)
		require.Equal(t, "spec.job: Invalid value: 1: no; spec.image: Required value: yes", refused.Problem.Message)
	})
	t.Run("unchanged", func(t *testing.T) {
		require.Equal(t, Resolution{Cluster: accepted, Revision: current}, ResolveUnchanged(accepted, current))
	})
	wanted := accepted.DeepCopy()
	wanted.Spec.Job.ClassName, wanted.Spec.Job.CancelRequested = "other", true
	t.Run("an upgrade", func(t *testing.T) {
		resolution := ResolveChanged(wanted, &accepted.Spec, nil, always)
		require.Equal(t, current, resolution.Revision)
		require.Equal(t, RevisionName(wanted), resolution.NextRevision)
		require.Nil(t, resolution.Problem)
		require.Equal(t, []string{"spec.job.className"}, resolution.Changed)
		require.Empty(t, resolution.Cluster.Spec.Job.ClassName)
		require.True(t, resolution.Cluster.Spec.Job.CancelRequested, "live fields are in force")
		require.Equal(t, "other", wanted.Spec.Job.ClassName, "the wanted spec is left alone")
	})
	t.Run("an invalid edit", func(t *testing.T) {
		resolution := ResolveChanged(wanted, &accepted.Spec, errs, func(*v1beta1.FlinkCluster) bool { return false })
		require.NotNil(t, resolution.Problem)
		require.Empty(t, resolution.NextRevision)
		require.Equal(t, accepted.Spec, resolution.Cluster.Spec, "invalid live fields are not in force")
	})
	t.Run("an upgrade with a live field that needs it", func(t *testing.T) {
		demanding := wanted.DeepCopy()
		demanding.Spec.Job.UpgradeMode, demanding.Spec.Job.AutoSavepointSeconds = v1beta1.UpgradeModeSavepoint, new(int32(60))
		undemanding := func(candidate *v1beta1.FlinkCluster) bool {
			return candidate.Spec.Job.UpgradeMode == "" && candidate.Spec.Job.AutoSavepointSeconds == nil
		}
		resolution := ResolveChanged(demanding, &accepted.Spec, nil, undemanding)
		require.True(t, undemanding(resolution.Cluster))
		require.True(t, resolution.Cluster.Spec.Job.CancelRequested, "the other live fields are in force")
	})
	t.Run("a warning of a changed path", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateRunning), spec(func(job *v1beta1.JobSpec) { job.FromSavepoint = otherPath }))
		require.Contains(t, conditionOf(decideCluster(cluster, up(1), heard()).Status, v1beta1.ConditionSpecValid).Message, "spec.job.fromSavepoint was changed")
	})
	t.Run("an invalid edit of live fields", func(t *testing.T) {
		wanted := accepted.DeepCopy()
		wanted.Spec.Job.CancelRequested = true
		resolution := ResolveChanged(wanted, &accepted.Spec, errs, always)
		require.Empty(t, resolution.NextRevision)
		require.NotNil(t, resolution.Problem)
	})
}
