//go:build apiserver

package apiserver

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"github.com/flink-operator/flink-operator/cmd/flink-operator/app/options"
	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/apiserver"
)

const (
	// maxStartWrites is how many writes a start may cost.
	maxStartWrites = 12
	// quietTime is how long nothing may happen, and settlingTime how long nothing has to happen before that.
	quietTime    = 60 * time.Second
	settlingTime = 2 * time.Second
	// A checkpoint of the job every so often is no news to the API server.
	checkpointInterval = time.Second
)

// A cluster that is up costs no request but watches and the lease, however many checkpoints its job makes; nor does an
// operator that is started anew write anything about it.
func TestQuiet(t *testing.T) {
	t.Parallel()
	m := startMachinery(t)
	// The tests beside this one make clusters elsewhere, which are none of its business.
	here := func(config *options.Config, _ *rest.Config) { config.Namespaces = []string{m.namespace} }
	o := startOperator(t, m, here)
	requireFewWrites(t, m, "counter", countingJob("counter"))
	requireFewWrites(t, m, "session", minimalSession("session"))
	job := m.waitForSettled(t, "counter").Status.Components.Job
	m.jobManager(t, "counter").CompleteCheckpoint(job.ID)
	m.waitFor(t, "counter", "the first checkpoint to be recorded", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Components.Job.LastCheckpoint != nil
	})

	start := settled(t)
	checkpoints := time.NewTicker(checkpointInterval)
	defer checkpoints.Stop()
	for end := time.Now().Add(quietTime); time.Now().Before(end); <-checkpoints.C {
		m.jobManager(t, "counter").CompleteCheckpoint(job.ID)
		require.Empty(t, causedBy(operatorRequests(t, operatorUser)[start:]))
	}

	o.stop(t)
	start = len(operatorRequests(t, operatorUser))
	asked := len(m.jobManager(t, "counter").Requests())
	o = startOperator(t, m, here)
	eventually(t, waitLimit, "the new operator to look at Flink", func(ctx context.Context) (bool, any) {
		return len(m.jobManager(t, "counter").Requests()) > asked+5 && o.get(ctx, "/readyz") != "", nil
	})
	settled(t)
	writes := slices.DeleteFunc(causedBy(operatorRequests(t, operatorUser)[start:]), func(r apiserver.Request) bool { return !r.IsWrite() })
	require.Empty(t, writes)
}

// requireFewWrites counts what it costs to bring up a cluster.
func requireFewWrites(t *testing.T, m *machinery, name, manifest string) {
	t.Helper()
	start := settled(t)
	applyManifest(t, m.namespace, manifest)
	m.waitForSettled(t, name)
	settled(t)
	writes, reads := map[string]int{}, map[string]int{}
	total := 0
	for _, request := range causedBy(operatorRequests(t, operatorUser)[start:]) {
		if request.IsWrite() {
			writes[request.Verb+" "+request.FullResource()]++
			total++
		} else {
			reads[request.Verb+" "+request.FullResource()]++
		}
	}
	t.Logf("%s: %d writes from apply to running", name, total)
	for _, counts := range []map[string]int{writes, reads} {
		for _, what := range slices.Sorted(maps.Keys(counts)) {
			t.Logf("  %2d %s", counts[what], what)
		}
	}
	require.LessOrEqual(t, total, maxStartWrites)
}

// causedBy are the requests that a cluster is the cause of, and not the passing of time alone.
func causedBy(requests []apiserver.Request) []apiserver.Request {
	return slices.DeleteFunc(requests, func(request apiserver.Request) bool {
		return request.Resource == "leases" || request.Verb == "watch" || request.Verb == "list"
	})
}

// settled waits until the operator has asked for nothing for a while, and returns the number of its requests so far.
func settled(t *testing.T) int {
	t.Helper()
	var count, caused int
	since := time.Now()
	err := wait.PollUntilContextTimeout(t.Context(), settlingTime/10, waitLimit, true, func(ctx context.Context) (bool, error) {
		requests, err := requestsBy(ctx, operatorUser)
		count = len(requests)
		if now := len(causedBy(requests)); now != caused {
			caused, since = now, time.Now()
		}
		return time.Since(since) >= settlingTime, err
	})
	require.NoError(t, err)
	return count
}
