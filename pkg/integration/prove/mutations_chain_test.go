//go:build prove

package prove

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

const (
	// chains is how many there are, and chainSeed what they follow from; mostEdits is how long the longest is.
	chains, chainSeed, leastEdits, mostEdits = 40, 2026, 5, 20
	// recoversWithin is how soon after the last edit the cluster is as it was before the first: as soon as failures are
	// forgotten, since an edit may name a savepoint that does not exist.
	recoversWithin = 15 * time.Minute
)

// TestMutationChains edits a running cluster again and again, sometimes with a fault, and puts the first spec back in the
// end. Then everything is as it was, but for what counts upgrades: numbers of runs and rollouts, what a run began with, and
// the revisions that are kept. An edit that needs no upgrade starts no run, and no run is started from older state.
func TestMutationChains(t *testing.T) {
	edits := map[string][]changedObject{}
	for _, object := range judgedMutations(t) {
		// A job cluster stays one, and the world has no room for ten thousand pods.
		if crowd := object.path == "spec.taskManager.replicas" && object.what == "the most"; len(object.complaints) == 0 && object.path != "spec.job" && !crowd {
			edits[object.seed] = append(edits[object.seed], object)
		}
	}
	made := 0
	t.Cleanup(func() { t.Logf("R6 %d mutations, %d chains", made, chains) })
	for i := range chains {
		name := []string{"job", "job", "session"}[i%3]
		random := rand.New(rand.NewPCG(chainSeed, uint64(i)))
		chain := make([]changedObject, leastEdits+random.IntN(mostEdits-leastEdits+1))
		for j := range chain {
			chain[j] = pickEdit(random, edits[name])
		}
		made += len(chain)
		t.Run(fmt.Sprintf("%d_of_seed_%d", i, chainSeed), func(t *testing.T) {
			world.Test(t, func(t *testing.T, w *world.World) { liveThrough(t, w, seeds()[name], chain, random) })
		})
	}
}

// pickEdit chooses a field first: some have many more parts than others.
func pickEdit(random *rand.Rand, edits []changedObject) changedObject {
	field := func(edit changedObject) string {
		return strings.Join(strings.Split(edit.path, ".")[:min(3, strings.Count(edit.path, ".")+1)], ".")
	}
	var fields []string
	for _, edit := range edits {
		if !slices.Contains(fields, field(edit)) {
			fields = append(fields, field(edit))
		}
	}
	chosen := fields[random.IntN(len(fields))]
	of := slices.DeleteFunc(slices.Clone(edits), func(edit changedObject) bool { return field(edit) != chosen })
	return of[random.IntN(len(of))]
}

// liveThrough makes the edits of a chain, one in four with a fault.
func liveThrough(t *testing.T, w *world.World, seed *v1beta1.FlinkCluster, chain []changedObject, random *rand.Rand) {
	w.StartOperator()
	w.Apply(seed.DeepCopy())
	w.Until("a", "up", isUp)
	w.Settle(15 * time.Second)
	before, starts, restarts := essenceOf(t, w), len(w.Ledger().Starts), false
	for i, edit := range chain {
		fault := world.NoFault
		if random.IntN(4) == 0 {
			fault = []world.Fault{world.RequestLost, world.AnswerLost, world.Refused, world.CrashBefore, world.CrashAfter}[random.IntN(5)]
			w.Inject(world.Nth(1+random.IntN(4), func(call world.Call) bool { return call.Write }, fault))
		}
		restarts = restarts || mayRestart(&seed.Spec, specOf(t, edit))
		t.Logf("%d. %s: %s %s", i+1, edit.path, edit.what, fault)
		w.Edit("a", func(cluster *v1beta1.FlinkCluster) { cluster.Spec = specOf(t, edit) })
		w.Settle(time.Duration(1+random.IntN(5000)) * time.Millisecond)
		w.Inject(nil)
	}
	w.Edit("a", func(cluster *v1beta1.FlinkCluster) { cluster.Spec = *seed.Spec.DeepCopy() })
	w.Settle(time.Second)
	w.Until("a", "as it was", func(cluster *v1beta1.FlinkCluster) bool {
		return isUp(cluster) && cluster.Status.ObservedGeneration == cluster.Generation && cluster.Status.Revision.Next == ""
	})
	w.Settle(recoversWithin)
	require.Equal(t, before, essenceOf(t, w))
	if !restarts {
		require.Len(t, w.Ledger().Starts, starts, "no edit that takes effect at any time restarts the job")
	}
	w.ForgetCalls()
	w.Settle(time.Minute)
	require.Empty(t, w.Writes(), "quiet afterwards")
}

// mayRestart says whether another spec asks for another run, or ends the one that is there.
func mayRestart(seed *v1beta1.FlinkClusterSpec, spec v1beta1.FlinkClusterSpec) bool {
	if spec.RestartNonce != nil || len(lifecycle.ChangedFields(seed, &spec)) > 0 {
		return true
	}
	job := spec.Job
	return job != nil && (job.CancelRequested || job.State == v1beta1.DesiredJobStateSuspended || job.SavepointRedeployNonce != nil)
}

func isUp(cluster *v1beta1.FlinkCluster) bool {
	status := cluster.Status
	return status.State == v1beta1.ClusterStateRunning && (cluster.Spec.Job == nil || status.Components.Job.State == v1beta1.JobStateRunning)
}

func specOf(t *testing.T, edit changedObject) v1beta1.FlinkClusterSpec {
	t.Helper()
	data, err := json.Marshal(edit.object)
	require.NoError(t, err)
	var cluster v1beta1.FlinkCluster
	require.NoError(t, json.Unmarshal(data, &cluster))
	return cluster.Spec
}

// counted is what tells a run, a pod or a version from another, and may differ after a chain.
var counted = regexp.MustCompile(`[0-9a-f]{32}|"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"|"(uid|resourceVersion|generation)": ?("[^"]*"|[0-9]+)`)

// optional is what only a later run or rollout has: what it is started from, and a number.
var optional = regexp.MustCompile(`,\s*("--fromSavepoint",\s*"[^"]*"|"flinkoperator.k8s.io/attempt":\s*"[0-9]+")`)

// essenceOf is what a cluster has come to, without the numbers of runs, versions and savepoints.
func essenceOf(t *testing.T, w *world.World) string {
	t.Helper()
	cluster := w.Cluster("a")
	status := cluster.Status
	current := "ControllerRevision/" + status.Revision.Current
	content := map[string]any{
		"state": status.State, "lifecycle": status.Lifecycle, "job": status.Components.Job.State,
		"revision": status.Revision.Current, "next": status.Revision.Next, "transition": status.Components.Job.Transition,
		"observed": status.ObservedGeneration == cluster.Generation, "annotations": cluster.Annotations,
		"cancelledBy": status.Components.Job.CancelledBy, "failures": status.Components.Job.ConsecutiveFailures,
	}
	for _, kind := range []string{v1beta1.ConditionReady, v1beta1.ConditionProgressing, v1beta1.ConditionDegraded, v1beta1.ConditionSpecValid} {
		condition := meta.FindStatusCondition(status.Conditions, kind)
		require.NotNil(t, condition, kind)
		content[kind] = []string{string(condition.Status), condition.Reason, condition.Message}
	}
	pods := 0
	for name, object := range w.Objects() {
		switch {
		case strings.HasPrefix(name, "Pod/"):
			pods++
			continue
		case strings.HasPrefix(name, "ControllerRevision/") && name != current:
			continue
		}
		object.SetManagedFields(nil)
		if revision, is := object.(*appsv1.ControllerRevision); is {
			// One that was pruned and is needed again gets another number.
			revision.Revision = 0
		}
		content[name] = object
	}
	content["pods"] = pods
	data, err := json.MarshalIndent(content, "", " ")
	require.NoError(t, err)
	return counted.ReplaceAllString(optional.ReplaceAllString(string(data), ""), `"counted"`)
}
