package scope_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// outage is a request for a savepoint whose first sending is lost, and whose second arrives just before nobody answers for
// seven minutes. It was found by the search of all orders of decisions (pkg/lifecycle, TestSearch): Flink forgets a trigger
// id after five minutes, and what is sent after that is a second savepoint.
type outage struct {
	sent  atomic.Int32
	first atomic.Int64
	away  atomic.Bool
}

func (o *outage) inject(call world.Call) world.Fault {
	if call.To == world.Kubernetes {
		if first := time.Duration(o.first.Load()); first > 0 && call.At-first < 6*time.Second && !call.Write && !call.Watch {
			return world.RequestLost
		}
		return world.NoFault
	}
	if o.away.Load() {
		return world.RequestLost
	}
	if !call.Write {
		return world.NoFault
	}
	if o.sent.Add(1) == 1 {
		o.first.Store(int64(call.At))
		return world.RequestLost
	}
	o.away.Store(true)
	return world.AnswerLost
}

func TestOneSavepointThroughALongOutage(t *testing.T) {
	for step := range 12 {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			inRunningWorld(t, func(t *testing.T, w *world.World) {
				w.Settle(15 * time.Second)
				w.Inject(new(outage).inject)
				w.Annotate("a", v1beta1.ControlSavepoint)
				w.Settle(7*time.Minute + time.Duration(step)*1300*time.Millisecond)
				w.JobManager("a").ExpireResults()
				w.Inject(nil)
				w.Settle(2 * time.Minute)
				require.Len(t, w.Ledger().Savepoints, 1)
				untilControlled(w, "a", v1beta1.ControlStateSucceeded)
			}, builders.Restart(fromLatest))
		})
	}
}
