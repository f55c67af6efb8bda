//go:build prove

package prove

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// tally counts what was tried and what held.
type tally struct {
	mutex     sync.Mutex
	began     time.Time
	scenarios int
	tried     map[string]int
	held      map[string]int
	// asked and made are savepoints, of the plans in which no JobManager is lost.
	asked, made int
	requested   map[string]int
}

func newTally() *tally {
	return &tally{began: time.Now(), tried: map[string]int{}, held: map[string]int{}, requested: map[string]int{}}
}

func (c *tally) undisturbed(story scenario, _ outcome, held bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.scenarios++
	c.requested[story.name] = story.savepoints
	c.add("undisturbed scenarios", held)
}

func (c *tally) add(family string, held bool) {
	c.tried[family]++
	if held {
		c.held[family]++
	}
}

func (c *tally) count(story scenario, disturbed plan, found outcome, held bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.add(disturbed.family, held)
	if disturbed.lossy {
		return
	}
	c.asked += story.savepoints
	for _, savepoint := range found.ledger.Savepoints {
		if savepoint.Location != "" {
			c.made++
		}
	}
}

// print shows the table.
func (c *tally) print(t *testing.T) {
	t.Helper()
	var text strings.Builder
	writer := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(writer, "WHAT GOES WRONG\tPLANS\tHELD\n")
	total := 0
	for _, family := range slices.Sorted(maps.Keys(c.tried)) {
		total += c.tried[family]
		_, _ = fmt.Fprintf(writer, "%s\t%d\t%d\n", family, c.tried[family], c.held[family])
	}
	_, _ = fmt.Fprintf(writer, "all, over %d scenarios\t%d\t\n", c.scenarios, total)
	_, _ = fmt.Fprintf(writer, "R3 savepoints made for requests, no JobManager lost\t%d\t%d\n", c.asked, c.made)
	_ = writer.Flush()
	_, _ = fmt.Fprintf(os.Stdout, "%sin %s\n", text.String(), time.Since(c.began).Round(time.Second))
}
