//go:build prove

package prove

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	mistakes "github.com/flink-operator/flink-operator/pkg/testing/mutation"
	"github.com/flink-operator/flink-operator/pkg/testing/mutation/mutant"
)

// mutantsAtOnce is how many mutants are tried at the same time, each on one core.
const mutantsAtOnce = 2

// onlyMutants is a comma-separated list of the mutants to try; empty for all.
var onlyMutants = os.Getenv("FLINK_OPERATOR_MUTANTS")

// TestMutantsAreKilled tries the campaign itself (R9): it must find each of the mistakes of pkg/testing/mutation. A plan
// that finds one counts only if it finds nothing in the operator as it is.
func TestMutantsAreKilled(t *testing.T) {
	if os.Getenv(mutant.Variable) != "" {
		t.Skip("this is the campaign of a mutant")
	}
	laboratory := newLaboratory(t)
	mutants := wantedMutants(t)
	deaths := make([]death, len(mutants))
	places := make(chan struct{}, mutantsAtOnce)
	var trying sync.WaitGroup
	// The longest run begins first.
	places <- struct{}{}
	trying.Go(func() {
		defer func() { <-places }()
		sound := laboratory.live(t.Context(), trial{every: soundEvery, limit: soundTakes})
		assert.False(t, sound.killed, "without a mutant there is nothing to find: %s", sound)
	})
	for i, planted := range mutants {
		places <- struct{}{}
		trying.Go(func() {
			defer func() { <-places }()
			deaths[i] = laboratory.try(t.Context(), planted)
			_, _ = fmt.Fprintf(os.Stdout, "mutant %s: %s\n", planted.Name, deaths[i])
		})
	}
	trying.Wait()
	printDeaths(mutants, deaths)
	for i, planted := range mutants {
		assert.True(t, deaths[i].killed, "the campaign does not see that a rule is broken: %s. Mutant %s in %s; its code was run: %t; %s",
			planted.Breaks, planted.Name, planted.File, deaths[i].reached, deaths[i].message)
	}
}

// The hints where to look first must not rot either.
func TestHintsNameScenarios(t *testing.T) {
	t.Parallel()
	for _, planted := range mistakes.All() {
		story, _, _ := strings.Cut(planted.Plans, "/")
		named := regexp.MustCompile(story)
		require.True(t, slices.ContainsFunc(scenarios(), func(story scenario) bool { return named.MatchString(story.name) }),
			"mutant %s is looked for in %q, which is no scenario", planted.Name, story)
	}
}

func wantedMutants(t *testing.T) []mistakes.Mutant {
	t.Helper()
	mutants := mistakes.All()
	if onlyMutants == "" {
		return mutants
	}
	names := strings.Split(onlyMutants, ",")
	mutants = slices.DeleteFunc(mutants, func(planted mistakes.Mutant) bool { return !slices.Contains(names, planted.Name) })
	require.Len(t, mutants, len(names), "no such mutant in FLINK_OPERATOR_MUTANTS=%s", onlyMutants)
	return mutants
}

// printDeaths shows what kills what.
func printDeaths(mutants []mistakes.Mutant, deaths []death) {
	var text strings.Builder
	writer := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(writer, "MUTANT\tWHAT IT BREAKS\tKILLED BY\tPLAN\tTOOK\n")
	killed := 0
	for i, planted := range mutants {
		found := deaths[i]
		if found.killed {
			killed++
		}
		_, _ = fmt.Fprintf(writer, "%s\t%s\t%s\t%s\t%s\n", planted.Name, planted.Breaks, found.killer(), found.plan, found.took.Round(time.Second))
	}
	_ = writer.Flush()
	_, _ = fmt.Fprintf(os.Stdout, "%sR9 mutants killed: %d of %d\n", text.String(), killed, len(mutants))
}
