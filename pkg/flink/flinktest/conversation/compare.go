package conversation

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// meaningful are the fields whose values say something; of all others only name and kind are compared. Texts with
// exceptions are compared by what was thrown. Whether a checkpoint is discarded is not among them: Flink may tell it only
// after it has told that the job is finished.
var meaningful = []string{
	"status", "id", "state", "jid", "is_savepoint", "checkpoint_type", "className", "external_path",
	"savepointFormat", "class", "exceptionName", "location", "request-id", "flink-version", "running",
	"finished", "restored", "total", "in_progress", "completed", "failed", "truncated", "end-time",
}

var thrownTexts = []string{"errors", "stack-trace", "stacktrace", "root-exception", "failure_message"}

// Differences says in what the model's answers are not those of a real JobManager. Both come from Play.
func Differences(flink, model []Exchange) []string {
	if len(flink) != len(model) {
		return []string{fmt.Sprintf("there are %d real answers, and %d of the model", len(flink), len(model))}
	}
	var found []string
	for i := range flink {
		differences := &differences{uncertain: uncertain[flink[i].Name]}
		if flink[i].Name != model[i].Name {
			differences.add("the request", flink[i].Name, model[i].Name)
		}
		if flink[i].Status != model[i].Status {
			differences.add("HTTP status", flink[i].Status, model[i].Status)
		}
		differences.compare("", "", flink[i].Answer, model[i].Answer)
		for _, difference := range differences.found {
			found = append(found, flink[i].Name+": "+difference)
		}
	}
	return found
}

type differences struct {
	// uncertain fields are not compared.
	uncertain []string
	found     []string
}

func (d *differences) add(path string, flink, model any) {
	d.found = append(d.found, fmt.Sprintf("%s is %#v, of the model %#v", path, flink, model))
}

func (d *differences) compare(path, key string, flink, model any) {
	switch flink := flink.(type) {
	case map[string]any:
		if of, same := model.(map[string]any); same {
			d.objects(path, flink, of)
			return
		}
	case []any:
		if of, same := model.([]any); same {
			d.lists(path, key, flink, of)
			return
		}
	case string:
		if of, same := model.(string); same && slices.Contains(thrownTexts, key) {
			d.thrown(path, flink, of)
			return
		}
	}
	if kind(flink) != kind(model) {
		d.add("kind of "+path, kind(flink), kind(model))
		return
	}
	if flink != model && slices.Contains(meaningful, key) {
		d.add(path, flink, model)
	}
}

func (d *differences) objects(path string, flink, model map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(flink)) {
		field := strings.TrimPrefix(path+"."+key, ".")
		if _, told := neverRead[field]; told || slices.Contains(d.uncertain, field) {
			continue
		}
		if of, found := model[key]; found {
			d.compare(field, key, flink[key], of)
		} else {
			d.found = append(d.found, "the model lacks "+field)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(model)) {
		if _, found := flink[key]; !found {
			d.found = append(d.found, "only the model has "+strings.TrimPrefix(path+"."+key, "."))
		}
	}
}

func (d *differences) lists(path, key string, flink, model []any) {
	if len(flink) != len(model) {
		d.add("length of "+path, len(flink), len(model))
		return
	}
	for i := range flink {
		d.compare(path+"[]", key, flink[i], model[i])
	}
}

var thrownClass = regexp.MustCompile(`(?m)^(?:Caused by: )?((?:[a-z]\w*\.)+[A-Z][\w$]*)`)

// thrown compares the class that was thrown and that of the deepest cause: what lies between depends on the way
// through Flink.
func (d *differences) thrown(path, flink, model string) {
	outer, cause := thrown(flink)
	modelOuter, modelCause := thrown(model)
	if outer != modelOuter {
		d.add("what was thrown in "+path, outer, modelOuter)
	}
	if cause != modelCause {
		d.add("the cause in "+path, cause, modelCause)
	}
}

func thrown(text string) (outer, cause string) {
	classes := thrownClass.FindAllStringSubmatch(text, -1)
	if len(classes) == 0 {
		return "", ""
	}
	return classes[0][1], classes[len(classes)-1][1]
}

func kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "list"
	default:
		return "object"
	}
}
