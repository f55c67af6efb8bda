//go:build prove

package prove

import (
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Many small worlds, each soon thrown away: memory is collected only when there is much of it.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(2 << 30)
	goleak.VerifyTestMain(m)
}
