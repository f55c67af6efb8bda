package world

import (
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// metrics fails the test where the operator reports a mistake of its own.
type metrics struct {
	world *World
}

func (m metrics) OwnershipViolated(owner string) {
	m.world.Violate(OraclePanic, "the %s loop was kept from changing what belongs to another", owner)
}

func (metrics) SyncDone(string, string, time.Duration)                         {}
func (metrics) StatusWritten(string)                                           {}
func (metrics) StatusConflict(string)                                          {}
func (metrics) SavepointEnded(v1beta1.SavepointReason, v1beta1.SavepointState) {}
func (metrics) SavepointDisposed(bool)                                         {}
func (metrics) PollDone(bool, time.Duration, time.Duration)                    {}
func (metrics) EffectDone(flink.EffectKind, flink.Outcome, time.Duration)      {}
