package conversation

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// names replaces what differs from one run to the next, so that two recordings of one Flink are equal. The kinds of
// values stay as they are.
type names struct {
	// chosen are ids that Flink chose, in the order of their appearance.
	chosen []string
}

var (
	idInText        = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	savepointInText = regexp.MustCompile(`savepoint-([0-9a-f]{6})-[0-9a-f]{12}`)

	// ourIDs are chosen by the script.
	ourIDs = regexp.MustCompile(`^[1-9af]0{29}[0-9a-f]{2}$`)

	// measured are numbers of a clock or a size. Negative ones mean that there is none.
	measured = []string{
		"start-time", "end-time", "duration", "last-modification", "now", "timestamp",
		"trigger_timestamp", "latest_ack_timestamp", "restore_timestamp", "failure_timestamp", "end_to_end_duration",
		"state_size", "checkpointed_size", "alignment_buffered", "processed_data", "persisted_data",
		"min", "max", "avg", "p50", "p90", "p95", "p99", "p999",
	}
	// local are texts that name a machine or a build.
	local = []string{"taskManagerId", "endpoint", "host", "location-of-task", "flink-revision", "timezone-name", "serialized-throwable"}
)

func (n *names) replace(key string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		replaced := map[string]any{}
		// In an order, because ids are counted.
		for _, name := range slices.Sorted(maps.Keys(value)) {
			replaced[name] = n.replace(name, value[name])
		}
		return replaced
	case []any:
		replaced := []any{}
		for _, element := range value {
			replaced = append(replaced, n.replace(key, element))
		}
		// Flink lists jobs in no order.
		slices.SortStableFunc(replaced, func(a, b any) int {
			return strings.Compare(fmt.Sprint(at(a, "jid")), fmt.Sprint(at(b, "jid")))
		})
		return replaced
	case float64:
		if slices.Contains(measured, key) && value >= 0 {
			return 0.0
		}
		return value
	case string:
		return n.text(key, value)
	default:
		return value
	}
}

func (n *names) text(key, value string) string {
	if slices.Contains(local, key) {
		return "<" + key + ">"
	}
	value = idInText.ReplaceAllStringFunc(withoutFrames(value), n.id)
	return savepointInText.ReplaceAllString(value, "savepoint-$1-<random>")
}

func (n *names) id(id string) string {
	if ourIDs.MatchString(id) {
		return id
	}
	at := slices.Index(n.chosen, id)
	if at < 0 {
		at = len(n.chosen)
		n.chosen = append(n.chosen, id)
	}
	return fmt.Sprintf("<id %d>", at+1)
}

// withoutFrames leaves of a Java stack trace what was thrown.
func withoutFrames(text string) string {
	if !strings.Contains(text, "\n\tat ") {
		return text
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line != "" && !strings.HasPrefix(line, "\tat ") && !strings.HasPrefix(line, "\t... ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
