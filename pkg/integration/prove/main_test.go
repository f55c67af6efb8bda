//go:build prove

package prove

import (
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Many small worlds, each soon thrown away: memory is collected only when there is much of it, but not so much that it
	// takes longer to get it from the system. The changes of the manifest alone are some hundred MB.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(1 << 30)
	goleak.VerifyTestMain(m)
}
