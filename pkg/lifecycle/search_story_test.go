package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// tell returns the story of a state, from the first one on, with one more action at its end.
func (s *search) tell(number int32, last int) string {
	var way []int32
	for at := number; at >= 0; at = s.nodes[at].parent {
		way = append(way, at)
	}
	slices.Reverse(way)
	broken := s.broken
	lines := []string{"", "a promise is broken: " + broken, "it begins with: " + s.describe(s.nodes[0].state)}
	for i, at := range way[1:] {
		lines = append(lines, s.line(i+1, s.nodes[way[i]].state, s.nodes[at].state, s.actions[s.nodes[at].action].name))
	}
	from := s.nodes[number].state
	after, _ := s.actions[last].do(s, from)
	lines = append(lines, s.line(len(way), from, after, s.actions[last].name))
	lines = append(lines, s.tellRest(after)...)
	s.broken = broken
	return strings.Join(lines, "\n")
}

// tellRest follows a state in which everything goes well, until the promise is broken there.
func (s *search) tellRest(at state) []string {
	s.broken = ""
	if s.checkState(at); s.broken != "" {
		return nil
	}
	for what := mayCrash; what < parts; what++ {
		at[what] = 0
	}
	lines := []string{"from here on everything goes well:"}
	for i := range 40 {
		after := s.round(at)
		if changed(at, after) {
			lines = append(lines, s.line(i+1, at, after, "a round"))
		}
		if s.broken != "" {
			break
		}
		at, _ = s.pass(after, max(s.requeue, 1e9).Truncate(1e9))
	}
	return lines
}

func (s *search) line(number int, before, after state, name string) string {
	return fmt.Sprintf("%3d. %s%s", number, name, s.difference(before, after))
}

// difference tells what differs between two states.
func (s *search) difference(before, after state) string {
	var found []string
	add := func(what part, text func(state) string) {
		if before[what] != after[what] {
			if old, updated := text(before), text(after); old != updated {
				found = append(found, updated)
			}
		}
	}
	add(partStatus, func(at state) string { return "status: " + summary(s.status(at)) })
	add(partAnnotations, func(at state) string { return fmt.Sprintf("annotations: %v", s.annotations.of(at[partAnnotations])) })
	add(partUser, func(at state) string { return "the user: " + s.scenario.script[max(0, at[partUser]-1)].name })
	add(partObjects, func(at state) string { return "objects: " + objectsText(s.objects(at)) })
	add(partSeen, func(at state) string { return "seen: " + objectsText(s.children.of(at[partSeen])) })
	add(partMemory, func(at state) string { return "known: " + memoryText(s.memory(at)) })
	add(partQueue, func(at state) string { return fmt.Sprintf("to be sent: %d", len(s.queues.of(at[partQueue]))) })
	add(partFlink, func(at state) string { return "Flink: " + flinkText(s.flink(at)) })
	if len(found) == 0 {
		return ""
	}
	return "\n       " + strings.Join(found, "\n       ")
}

func (s *search) describe(at state) string {
	return fmt.Sprintf("status: %s; objects: %s; Flink: %s", summary(s.status(at)), objectsText(s.objects(at)), flinkText(s.flink(at)))
}

func objectsText(children Children) string {
	text := ""
	for _, each := range []struct {
		name     string
		workload Workload
	}{{"JobManager", children.JobManager}, {"TaskManager", children.TaskManager}} {
		if each.workload.Exists {
			text += fmt.Sprintf("%s of run %d", each.name, each.workload.Attempt)
			if each.workload.Ended {
				text += " (ended)"
			}
			text += ", "
		}
	}
	for _, pod := range children.Pods {
		text += fmt.Sprintf("pod %s ready=%t deleting=%t terminated=%t, ", pod.Name, pod.Ready, pod.Deleting, pod.Terminated)
	}
	return strings.TrimSuffix(text, ", ")
}

func memoryText(memory flink.Observation) string {
	text := fmt.Sprintf("reachable=%t", memory.Reachable)
	if memory.Job != nil {
		text += fmt.Sprintf(", job %s", memory.Job.Status)
	}
	if memory.Operation != nil {
		text += fmt.Sprintf(", savepoint %.6s %s %s", memory.Operation.TriggerID, memory.Operation.State, memory.Operation.Location)
	}
	for id, result := range memory.Effects {
		text += fmt.Sprintf(", effect %.6s %s", id, result.Outcome)
	}
	return text + fmt.Sprintf(", newest snapshot %d", memory.Checkpoints.HighestID())
}

func flinkText(world flinkWorld) string {
	text := ""
	for _, run := range world.Runs {
		text += fmt.Sprintf("run %d %s working=%t from %q", run.Attempt, run.Status, run.Working, run.Restore)
		for _, operation := range run.Operations {
			text += fmt.Sprintf(", savepoint %.6s %s %s", operation.TriggerID, operation.State, operation.Location)
		}
		text += fmt.Sprintf(", %d snapshots; ", len(run.Snapshots))
	}
	return strings.TrimSuffix(text, "; ")
}
