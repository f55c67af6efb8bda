//go:build prove

package prove

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	mistakes "github.com/flink-operator/flink-operator/pkg/testing/mutation"
	"github.com/flink-operator/flink-operator/pkg/testing/mutation/mutant"
)

const (
	// hintTakes is how long the plans may take in which a mutant is expected to be found, on a slow machine; mutantTakes how
	// long it is then looked for in each so manieth plan of the whole campaign.
	hintTakes   = 10 * time.Minute
	mutantTakes = 3 * time.Minute
	mutantEvery = 50
	// soundTakes is how long the campaign without a mutant may take, of which each so manieth plan is run, too.
	soundTakes = 10 * time.Minute
	soundEvery = 50
	// controlTries is how often a plan that finds a mutant is tried without one.
	controlTries = 3
)

// laboratory is the campaign in a binary with all mutants in it.
type laboratory struct {
	binary string
	// controls are the plans that were tried without a mutant.
	mutex    sync.Mutex
	controls map[string]func() death
}

func newLaboratory(t *testing.T) *laboratory {
	t.Helper()
	folder := t.TempDir()
	overlay, err := mistakes.Overlay(filepath.Join("..", "..", ".."), folder)
	require.NoError(t, err)
	binary := filepath.Join(folder, "prove.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-tags", "prove", "-overlay", overlay, "-o", binary, ".")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "the mutants do not compile:\n%s", output)
	return &laboratory{binary: binary, controls: map[string]func() death{}}
}

// try looks for a mutant where it is expected, and then everywhere.
func (l *laboratory) try(ctx context.Context, planted mistakes.Mutant) death {
	began := time.Now()
	found := death{}
	if planted.Plans != "" {
		found = l.live(ctx, trial{mutant: planted.Name, plans: planted.Plans, every: 1, limit: hintTakes})
	}
	if !found.killed {
		found = l.live(ctx, trial{mutant: planted.Name, every: mutantEvery, limit: mutantTakes})
	}
	if found.plan != "" {
		if control := l.control(ctx, found.plan); control.killed {
			found.killed, found.message = false, fmt.Sprintf("the plan %q fails without the mutant, too: %s", found.plan, control)
		}
	}
	found.took = time.Since(began)
	return found
}

// control tries a plan without a mutant, several times: the same plan can hit another moment.
func (l *laboratory) control(ctx context.Context, plan string) death {
	l.mutex.Lock()
	once, known := l.controls[plan]
	if !known {
		story, _, _ := strings.Cut(plan, "/")
		once = sync.OnceValue(func() death {
			return l.live(ctx, trial{plans: "^" + regexp.QuoteMeta(story) + "$", plan: plan, every: 1, times: controlTries, limit: hintTakes})
		})
		l.controls[plan] = once
	}
	l.mutex.Unlock()
	return once()
}

// trial is one run of the campaign.
type trial struct {
	// mutant is the active one, empty for none.
	mutant string
	// plans restricts the run as the argument of -test.run does, below TestCampaign; plan to exactly one.
	plans, plan string
	every       int
	// times is how often it is run, until something is found; 0 is once.
	times int
	limit time.Duration
}

func (t trial) command(ctx context.Context, binary string) *exec.Cmd {
	pattern := "^TestCampaign$"
	if story, plans, some := strings.Cut(t.plans, "/"); story != "" {
		pattern += "/" + story
		if some {
			// The undisturbed story comes before any plan, in a test without a name.
			family, rest, _ := strings.Cut(plans, "/")
			pattern += "/(#00|" + family + ")/" + rest
		}
	}
	campaign := exec.CommandContext(ctx, binary, "-test.run", pattern, "-test.count", strconv.Itoa(max(1, t.times)), "-test.failfast", "-test.timeout", "0")
	campaign.Env = append(os.Environ(), mutant.Variable+"="+t.mutant, "FLINK_OPERATOR_PROVE_STOP=1", "FLINK_OPERATOR_PROVE_PLAN="+t.plan,
		"FLINK_OPERATOR_PROVE_EVERY="+strconv.Itoa(t.every), "GOMAXPROCS=1")
	return campaign
}

// live runs the campaign until it finds something, ends, or has taken its time. That it takes longer is no find.
func (l *laboratory) live(ctx context.Context, asked trial) death {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, asked.limit)
	defer cancel()
	campaign := asked.command(ctx, l.binary)
	output, writer := io.Pipe()
	campaign.Stdout, campaign.Stderr = writer, writer
	ended := make(chan error, 1)
	go func() {
		err := campaign.Run()
		_ = writer.Close()
		ended <- err
	}()
	found := read(output, cancel)
	err := <-ended
	found.took = time.Since(began)
	switch {
	case found.killed:
	case ctx.Err() != nil:
		found.message = "nothing was found within " + asked.limit.String()
	case err != nil:
		// A deadlock, a leak or a panic of the campaign itself: seen, though no oracle says so.
		found.killed, found.oracle, found.message = true, "failure", cmp.Or(found.message, err.Error())
	}
	return found
}
