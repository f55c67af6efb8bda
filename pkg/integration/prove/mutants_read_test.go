//go:build prove

package prove

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flink-operator/flink-operator/pkg/testing/mutation/mutant"
)

// death is what a run of the campaign says about the mutant in it.
type death struct {
	killed  bool
	oracle  string
	plan    string
	message string
	// reached: the code of the mutant was run.
	reached bool
	took    time.Duration
}

func (d death) killer() string {
	if !d.killed {
		return "SURVIVED"
	}
	return d.oracle
}

func (d death) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", d.killer(), d.plan, d.message)) + " in " + d.took.Round(time.Second).String()
}

var (
	// violation is what the campaign prints where a promise is broken; the plan may be quoted.
	violation = regexp.MustCompile(`^VIOLATION oracle=(\S+) plan=(?:"((?:[^"\\]|\\.)*)"|([^\s":]+)):? *(.*)$`)
	failure   = regexp.MustCompile(`^\s*((?:panic|fatal error|goleak): .*)`)
)

// read looks through what the campaign says for the first violation, and has it ended then.
func read(output io.Reader, end func()) death {
	var found death
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, mutant.Reached) {
			found.reached = true
		}
		if match := failure.FindStringSubmatch(line); match != nil && !found.killed {
			found.message = cmp.Or(found.message, match[1])
		}
		if match := violation.FindStringSubmatch(line); match != nil && !found.killed {
			found.killed, found.oracle, found.plan, found.message = true, match[1], cmp.Or(match[2], match[3]), firstWords(match[4])
			end()
		}
		if err != nil {
			return found
		}
	}
}

func firstWords(message string) string {
	const longest = 160
	return message[:min(len(message), longest)]
}

func TestReadFindsTheFirstViolation(t *testing.T) {
	t.Parallel()
	said := mutant.Reached + "x\nsomething\n" +
		"VIOLATION oracle=savepoints plan=\"two in a row/write 3/crash after\": 2 savepoints\n  again: ...\n" +
		"VIOLATION oracle=quiet plan=other: 7 writes\n"
	ended := 0
	found := read(strings.NewReader(said), func() { ended++ })
	assert.Equal(t, death{killed: true, oracle: "savepoints", plan: "two in a row/write 3/crash after", message: "2 savepoints", reached: true}, found)
	assert.Equal(t, 1, ended)
	found = read(strings.NewReader("VIOLATION oracle=quiet plan=a/undisturbed 7 writes"), func() {})
	assert.Equal(t, "a/undisturbed", found.plan)
	assert.Equal(t, "7 writes", found.message)
	found = read(strings.NewReader("ok\npanic: deadlock: all goroutines in bubble are blocked\n"), func() { t.Error("nothing was violated") })
	assert.Equal(t, death{message: "panic: deadlock: all goroutines in bubble are blocked"}, found)
}
