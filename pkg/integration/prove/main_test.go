//go:build prove

package prove

import (
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // many small worlds, each soon thrown away
	goleak.VerifyTestMain(m)
}
