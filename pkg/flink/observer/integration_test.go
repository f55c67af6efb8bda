package observer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/flink/observer"
	"github.com/flink-operator/flink-operator/pkg/flink/rest"
)

// A savepoint whose answer is lost is made once: the repeat carries the same trigger id.
func TestOneSavepointThroughALostAnswer(t *testing.T) {
	const jobID, triggerID = "00000000000000000000000000000001", "0123456789abcdef0123456789abcdef"
	key := types.NamespacedName{Namespace: "ns", Name: "one"}
	synctest.Test(t, func(t *testing.T) {
		manager := flinktest.New(flinktest.Config{Clock: clock.RealClock{}, CompleteAfterPolls: 3})
		manager.StartJob(jobID, "")
		manager.Inject(flinktest.Fault{Route: flinktest.RouteSavepoint, Nth: 1, AfterEffect: true})
		network := flinktest.NewNetwork()
		network.Add("one:8081", manager)

		effect := flink.Effect{Kind: flink.TriggerSavepoint, JobID: jobID, TriggerID: triggerID, Directory: "file:/sp"}
		var watching *observer.Observer
		// The loop in one line: ask again until Flink has taken it.
		loop := func(key types.NamespacedName) {
			if watching.Observation(key).EffectOutcome(triggerID).Outcome != flink.OutcomeAccepted {
				watching.Execute(key, effect)
			}
		}
		watching = observer.New(observer.Config{
			Client: rest.New(rest.Config{Transport: network}), Clock: clock.RealClock{}, Notify: loop,
		})
		ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), klog.Logger{}))
		ended := make(chan struct{})
		go func() {
			watching.Run(ctx)
			close(ended)
		}()
		watching.Watch(key, observer.Target{
			UID: "uid", BaseURL: "http://one:8081", JobID: jobID, TriggerID: triggerID, Pace: observer.Operation,
		})
		time.Sleep(time.Minute)
		observation := watching.Observation(key)
		assert.Equal(t, flink.OperationSucceeded, observation.Operation.State)
		assert.Equal(t, observation.Operation.Location, observation.Checkpoints.Savepoint.Location)
		assert.Equal(t, 2, observation.EffectOutcome(triggerID).Attempts)
		assert.Len(t, manager.Ledger().Savepoints, 1)
		cancel()
		<-ended
	})
}
