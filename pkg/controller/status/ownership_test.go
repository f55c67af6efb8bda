package status

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
)

func check(owner Owner, before, after *v1beta1.FlinkCluster) error {
	return New(Config{}).checkOwnership(owner, &before.Status, &after.Status)
}

// owners returns who may make a change.
func owners(change func(*v1beta1.FlinkCluster)) []Owner {
	before := builders.JobCluster("wordcount", builders.RunningJob(1, time.Unix(0, 0)))
	after := before.DeepCopy()
	change(after)
	var allowed []Owner
	for _, owner := range []Owner{Cluster, Savepoint, Control} {
		if check(owner, before, after) == nil {
			allowed = append(allowed, owner)
		}
	}
	return allowed
}

// Every field of the API's status has exactly one owner. A field that is added to the API and not to the table would
// otherwise be anybody's, and this test names it.
func TestEveryFieldHasOneOwner(t *testing.T) {
	t.Parallel()
	savepointFields := []string{
		"components.job.savepointGeneration", "components.job.savepointLocation", "components.job.lastSavepointTriggerID",
		"components.job.lastSavepointTime", "components.job.observedSavepointGeneration",
		"components.job.observedSavepointTriggerNonce", "savepointHistory", "forgottenSavepoint",
	}
	seen := 0
	walk := func(path string, pick func(*v1beta1.FlinkCluster) reflect.Value) {
		name := strings.TrimPrefix(path, ".")
		switch name {
		case "savepoint", "lastUpdateTime", "components", "components.job", "conditions":
			return // no owner, or looked at in detail
		}
		seen++
		wanted := Cluster
		if name == "control" {
			wanted = Control
		}
		for _, field := range savepointFields {
			if name == field {
				wanted = Savepoint
			}
		}
		allowed := owners(func(cluster *v1beta1.FlinkCluster) { disturb(pick(cluster)) })
		require.Equal(t, []Owner{wanted}, allowed, name)
	}
	status := func(cluster *v1beta1.FlinkCluster) reflect.Value { return reflect.ValueOf(&cluster.Status).Elem() }
	eachField(status, "", walk)
	eachField(func(cluster *v1beta1.FlinkCluster) reflect.Value {
		return status(cluster).FieldByName("Components")
	}, ".components", walk)
	eachField(func(cluster *v1beta1.FlinkCluster) reflect.Value {
		return reflect.ValueOf(cluster.Status.Components.Job).Elem()
	}, ".components.job", walk)
	require.Greater(t, seen, 30)
}

// eachField calls visit with the path and a way to each field of a struct.
func eachField(parent func(*v1beta1.FlinkCluster) reflect.Value, path string,
	visit func(path string, pick func(*v1beta1.FlinkCluster) reflect.Value),
) {
	kind := parent(builders.JobCluster("x", builders.RunningJob(1, time.Unix(0, 0)))).Type()
	for i := range kind.NumField() {
		name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
		visit(path+"."+name, func(cluster *v1beta1.FlinkCluster) reflect.Value { return parent(cluster).Field(i) })
	}
}

// disturb changes a value, whatever it is.
func disturb(value reflect.Value) {
	switch value.Kind() {
	case reflect.String:
		value.SetString(value.String() + "x")
	case reflect.Int32, reflect.Int64:
		value.SetInt(value.Int() + 1)
	case reflect.Bool:
		value.SetBool(!value.Bool())
	case reflect.Pointer:
		fresh := reflect.New(value.Type().Elem())
		if !value.IsNil() {
			fresh.Elem().Set(value.Elem())
		}
		disturb(fresh.Elem())
		value.Set(fresh)
	case reflect.Slice:
		value.Set(reflect.Append(value, reflect.New(value.Type().Elem()).Elem()))
	case reflect.Struct:
		if at, isTime := value.Interface().(metav1.Time); isTime {
			value.Set(reflect.ValueOf(metav1.NewTime(at.Add(time.Hour))))
			return
		}
		disturb(value.Field(0))
	default:
		panic(fmt.Sprintf("no way to change a %s", value.Kind()))
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	since := time.Unix(1000, 0)
	set := func(name string) func(*v1beta1.FlinkCluster) {
		return builders.Condition(name, metav1.ConditionTrue, "Because", since)
	}
	require.Equal(t, []Owner{Savepoint}, owners(set(v1beta1.ConditionSavepointHealthy)))
	require.Equal(t, []Owner{Cluster}, owners(set(v1beta1.ConditionReady)))
	require.Equal(t, []Owner{Cluster}, owners(set("SomethingNew")))
	require.Empty(t, owners(func(cluster *v1beta1.FlinkCluster) {
		set(v1beta1.ConditionSavepointHealthy)(cluster)
		set(v1beta1.ConditionReady)(cluster)
	}))

	// One in front of another moves it, which is no change of it; removing one is.
	before := builders.JobCluster("a", builders.DeployingJob(1), set(v1beta1.ConditionReady))
	after := builders.JobCluster("a", builders.DeployingJob(1), set(v1beta1.ConditionSavepointHealthy), set(v1beta1.ConditionReady))
	require.NoError(t, check(Savepoint, before, after))
	require.Error(t, check(Cluster, before, after))
	before.Status.Conditions = nil
	require.Error(t, check(Savepoint, after, before))
}

func TestJobBelongsToCluster(t *testing.T) {
	t.Parallel()
	without := builders.JobCluster("a")
	with := builders.JobCluster("a", builders.DeployingJob(1))
	require.NoError(t, check(Cluster, without, with))
	require.Error(t, check(Savepoint, without, with))
	require.Error(t, check(Savepoint, with, without))

	saved := builders.JobCluster("a", builders.DeployingJob(1), builders.JobStatus(func(job *v1beta1.JobStatus) {
		job.SavepointLocation = "s3://a"
	}))
	require.NoError(t, check(Savepoint, with, saved))
	require.Error(t, check(Cluster, saved, without), "that would forget a savepoint")

	// What begins with the record of the job is made with it.
	builders.Condition(v1beta1.ConditionSavepointHealthy, metav1.ConditionTrue, "NotRequested", time.Unix(0, 0))(saved)
	require.NoError(t, check(Cluster, without, saved))
	require.Error(t, check(Savepoint, without, saved))
}

func TestSlot(t *testing.T) {
	t.Parallel()
	at := time.Unix(1000, 0)
	user := v1beta1.SavepointReasonUserRequested
	slot := func(option builders.ClusterOption) *v1beta1.SavepointStatus {
		if option == nil {
			return nil
		}
		return builders.JobCluster("a", builders.RunningJob(1, at), option).Status.Savepoint
	}
	all, savepointOnly, none := []Owner{Cluster, Savepoint, Control}, []Owner{Savepoint}, []Owner(nil)
	for name, test := range map[string]struct {
		before, after builders.ClusterOption
		want          []Owner
	}{
		"nothing":                      {want: all},
		"first request":                {after: builders.SavepointRequested(1, user, at), want: all},
		"first request, number 0":      {after: builders.SavepointRequested(0, user, at), want: none},
		"first request, number 2":      {after: builders.SavepointRequested(2, user, at), want: none},
		"first request, begun":         {after: builders.SavepointInProgress(1, user, at), want: none},
		"next after success":           {before: builders.SavepointSucceeded(4, user, "s3://a", at), after: builders.SavepointRequested(5, user, at), want: all},
		"next after failure":           {before: builders.SavepointFailed(4, user, 1, at), after: builders.SavepointRequested(5, user, at), want: all},
		"same number after success":    {before: builders.SavepointSucceeded(4, user, "s3://a", at), after: builders.SavepointRequested(4, user, at), want: none},
		"into a taken slot":            {before: builders.SavepointRequested(4, user, at), after: builders.SavepointRequested(5, user, at), want: none},
		"into a slot in progress":      {before: builders.SavepointInProgress(4, user, at), after: builders.SavepointRequested(5, user, at), want: none},
		"moving on":                    {before: builders.SavepointRequested(4, user, at), after: builders.SavepointInProgress(4, user, at), want: savepointOnly},
		"another reason":               {before: builders.SavepointRequested(4, user, at), after: builders.SavepointRequested(4, "scheduled", at), want: savepointOnly},
		"failure turns out as success": {before: builders.SavepointFailed(4, user, 1, at), after: builders.SavepointSucceeded(4, user, "s3://a", at), want: savepointOnly},
		"removed":                      {before: builders.SavepointSucceeded(4, user, "s3://a", at), want: none},
		"an older number":              {before: builders.SavepointSucceeded(4, user, "s3://a", at), after: builders.SavepointRequested(1, user, at), want: none},
	} {
		var allowed []Owner
		for _, owner := range all {
			if checkSlot(owner, slot(test.before), slot(test.after)) == "" {
				allowed = append(allowed, owner)
			}
		}
		require.Equal(t, test.want, allowed, name)
	}
}

// A mistake in our own code is refused, named and counted.
func TestViolationIsRefused(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		before := b.stored()
		_, _, err := b.update(Control, func(status *v1beta1.FlinkClusterStatus) {
			status.Control = &v1beta1.ControlStatus{Name: "savepoint", State: v1beta1.ControlStateRequested}
			status.State = v1beta1.ClusterStateStopped
			status.Components.Job.SavepointLocation = "s3://b"
		})
		var violation *OwnershipError
		require.ErrorAs(t, err, &violation)
		require.Equal(t, Control, violation.Owner)
		require.Equal(t, []string{"status.components.job (savepoint fields)", "status.state"}, violation.Fields)
		require.Equal(t, before, b.stored())
		require.Equal(t, map[string]int{"violated Control": 1}, b.counts)
	})
}
