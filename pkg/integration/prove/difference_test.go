//go:build prove

package prove

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/diff"
)

// difference shows the lines in which two texts differ.
func difference(want, have string) string {
	return "- is undisturbed, + is disturbed\n" + diff.Diff(strings.Split(want, "\n"), strings.Split(have, "\n"))
}
