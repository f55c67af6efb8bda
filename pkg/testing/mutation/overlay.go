package mutation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutantPackage is what a mutated file asks which mutant is active.
const mutantPackage = "github.com/flink-operator/flink-operator/pkg/testing/mutation/mutant"

// Overlay writes the product files below root with all mutants in them into a folder, and the JSON file that has the
// go command build with them: go test -overlay <path>.
func Overlay(root, folder string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	replaced := map[string]string{}
	for file, mutants := range byFile(All()) {
		source, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return "", fmt.Errorf("reading what is to be mutated: %w", err)
		}
		mutated, err := mutate(file, string(source), mutants)
		if err != nil {
			return "", err
		}
		target := filepath.Join(folder, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(target, []byte(mutated), 0o600); err != nil {
			return "", fmt.Errorf("writing what is mutated: %w", err)
		}
		replaced[filepath.Join(root, file)] = target
	}
	content, err := json.MarshalIndent(map[string]any{"Replace": replaced}, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, content, 0o600)
}

func byFile(mutants []Mutant) map[string][]Mutant {
	files := map[string][]Mutant{}
	for _, mutant := range mutants {
		files[mutant.File] = append(files[mutant.File], mutant)
	}
	return files
}

// mutate returns a file with several mutants in it.
func mutate(file, source string, mutants []Mutant) (string, error) {
	mutants = slices.Clone(mutants)
	for _, mutant := range mutants {
		if count := strings.Count(source, mutant.Old); count != 1 {
			return "", fmt.Errorf("mutant %s: its text is in %s %d times", mutant.Name, file, count)
		}
	}
	slices.SortFunc(mutants, func(a, b Mutant) int {
		return cmp.Compare(strings.Index(source, a.Old), strings.Index(source, b.Old))
	})
	var mutated strings.Builder
	done := 0
	for _, mutant := range mutants {
		start := strings.Index(source, mutant.Old)
		if start < done {
			return "", fmt.Errorf("mutant %s overlaps another one in %s", mutant.Name, file)
		}
		mutated.WriteString(source[done:start])
		mutated.WriteString(mutant.New)
		done = start + len(mutant.Old)
	}
	mutated.WriteString(source[done:])
	return importing(file, mutated.String())
}

// importing adds the import that the mutants need, on the line of the package clause, and returns an error if the file
// is not Go.
func importing(file, source string) (string, error) {
	positions := token.NewFileSet()
	parsed, err := parser.ParseFile(positions, file, source, 0)
	if err != nil {
		return "", fmt.Errorf("the mutants of %s: %w", file, err)
	}
	end := positions.Position(parsed.Name.End()).Offset
	return source[:end] + `; import "` + mutantPackage + `"` + source[end:], nil
}
