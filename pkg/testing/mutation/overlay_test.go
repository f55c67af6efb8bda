package mutation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

// fewest is the goal R9 of the reliability goals, and a little more.
const fewest = 28

var wellNamed = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// A mutant must not rot: where the code that it spoils has changed, it has to be moved along.
func TestEachMutantFitsItsFile(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, len(All()), fewest)
	seen := map[string]bool{}
	for _, mutant := range All() {
		require.Regexp(t, wellNamed, mutant.Name)
		require.False(t, seen[mutant.Name], "two mutants are named %s", mutant.Name)
		seen[mutant.Name] = true
		require.NotEmpty(t, mutant.Breaks, mutant.Name)
		require.Contains(t, mutant.New, `mutant.Active("`+mutant.Name+`")`, "its code must be guarded by its own name")
		require.Equal(t, 1, strings.Count(mutant.New, "mutant.Active("), "%s is guarded once", mutant.Name)
		source, err := os.ReadFile(filepath.Join(root, mutant.File))
		require.NoError(t, err, mutant.Name)
		require.Equal(t, 1, strings.Count(string(source), mutant.Old), "%s: its text must be in %s exactly once:\n%s",
			mutant.Name, mutant.File, mutant.Old)
		require.NotRegexp(t, `_test\.go$`, mutant.File, "only what is shipped is mutated")
	}
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	path, err := Overlay(root, t.TempDir())
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var overlay struct{ Replace map[string]string }
	require.NoError(t, json.Unmarshal(content, &overlay))
	require.Len(t, overlay.Replace, len(byFile(All())))
	for original, mutated := range overlay.Replace {
		require.FileExists(t, original)
		require.True(t, filepath.IsAbs(original))
		source, err := os.ReadFile(mutated)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), `; import "`+mutantPackage+`"`))
	}
}

func TestMutateRefuses(t *testing.T) {
	t.Parallel()
	const source = "package a\n\nvar one, two = 1, 2\n"
	for name, test := range map[string]struct {
		mutants []Mutant
		problem string
	}{
		"a text that is not there":   {[]Mutant{{Old: "three", New: "four"}}, "0 times"},
		"a text that is there often": {[]Mutant{{Old: "a", New: "b"}}, "4 times"},
		"two that overlap":           {[]Mutant{{Old: "one, two", New: "x, y"}, {Old: "two", New: "z"}}, "overlaps"},
		"what is no Go":              {[]Mutant{{Old: "var", New: "val"}}, "expected declaration"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mutate("a.go", source, test.mutants)
			require.ErrorContains(t, err, test.problem)
		})
	}
	mutated, err := mutate("a.go", source, []Mutant{{Old: "2", New: "3"}, {Old: "one", New: "eins"}})
	require.NoError(t, err)
	require.Equal(t, "package a; import \""+mutantPackage+"\"\n\nvar eins, two = 1, 3\n", mutated)
}
