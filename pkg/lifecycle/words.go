package lifecycle

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Lengths that keep status and events readable, in bytes.
const (
	maxReasonLength = 500
	maxReasons      = 5
)

// Exit codes of a Flink JobManager, as Kubernetes shows them (modulo 256;
// org.apache.flink.runtime.clusterframework.ApplicationStatus and ClusterEntrypoint).
const (
	exitCodeStartUpFailure = 1
	exitCodeFatalError     = 2
	exitCodeJobFailed      = 163
	// exitCodeSignal is where the ends by a signal begin, which has nothing to do with what was logged last.
	exitCodeSignal = 128
)

// lastWords tells how a JobManager pod ended, the most telling line first.
func lastWords(pod *Pod) []string {
	if pod == nil {
		return []string{"the JobManager pod is gone"}
	}
	end := "JobManager pod " + pod.Name + " ended"
	if pod.Deleting {
		end = "JobManager pod " + pod.Name + " was deleted"
	}
	if pod.ExitCode != nil {
		end += fmt.Sprintf(", exit code %d", *pod.ExitCode)
	}
	if pod.Reason != "" {
		end += " (" + pod.Reason + ")"
	}
	lines := tellingLines(pod.Message)
	if failed := pod.ExitCode != nil && *pod.ExitCode != 0 && *pod.ExitCode < exitCodeSignal && !pod.Deleting; failed && len(lines) == 0 {
		lines = lastLine(pod.Message)
	}
	return boundReasons(append(lines, end))
}

// lastLine is what a program that knows no exceptions said when it failed, such as "cp: cannot stat ...".
func lastLine(log string) []string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return lines[len(lines)-1:]
}

// logLine is the beginning of a line in the format of Flink's log4j files: time, level, logger, marker.
var logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \S+ +([A-Z]+) +\S+ +\[[^\]]*\] - `)

// tellingLines picks the lines of a log tail that name a cause: the innermost cause first, then what it led to; an
// exception tells more than the error that was logged with it.
func tellingLines(log string) []string {
	var causes, exceptions, errors []string
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		level := ""
		if match := logLine.FindStringSubmatch(line); match != nil {
			level, line = match[1], line[len(match[0]):]
		}
		switch {
		case strings.HasPrefix(line, "at ") || strings.HasPrefix(line, "..."):
		case strings.HasPrefix(line, "Caused by:"):
			causes = append([]string{strings.TrimSpace(strings.TrimPrefix(line, "Caused by:"))}, causes...)
		case level == "ERROR", level == "FATAL", level == "" && strings.HasPrefix(line, "[ERROR]"):
			errors = append(errors, line)
		case level == "" && (strings.Contains(line, "Exception") || strings.Contains(line, "Error:")):
			exceptions = append(exceptions, line)
		}
	}
	outcome := append(exceptions, errors...)
	return append(causes[:min(2, len(causes))], outcome[:min(1, len(outcome))]...)
}

// boundReasons makes lines fit for status and events: few, short, without control characters, none twice.
func boundReasons(lines []string) []string {
	var bounded []string
	seen := map[string]bool{}
	for _, line := range lines {
		line = boundText(line, maxReasonLength)
		if line != "" && !seen[line] && len(bounded) < maxReasons {
			seen[line] = true
			bounded = append(bounded, line)
		}
	}
	return bounded
}

// boundText cuts text to a number of bytes at a character's border and replaces what is not printable.
func boundText(text string, length int) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case r == unicode.ReplacementChar:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	printable = strings.TrimSpace(printable)
	if len(printable) <= length {
		return printable
	}
	cut := printable[:length-len("…")]
	return strings.ToValidUTF8(cut, "") + "…"
}

// snapshotMissing says whether a run failed because the snapshot that it was to start from is not there. Flink says so
// itself (AbstractFsCheckpointStorageAccess); a file that is missing counts only if it is one of the snapshot's, since
// the job may miss files of its own.
func snapshotMissing(reasons []string, snapshot string) bool {
	folder := parseLocation(snapshot).path
	if parent, name := path.Split(folder); strings.HasPrefix(name, "chk-") {
		// An incremental checkpoint needs the files beside it.
		folder = parent
	}
	return slices.ContainsFunc(reasons, func(reason string) bool {
		missing := strings.Contains(reason, "FileNotFoundException") || strings.Contains(reason, "NoSuchFileException")
		return saysMissing(reason) || missing && len(folder) > 1 && strings.Contains(reason, folder)
	})
}

// saysMissing says whether Flink gives as the reason that there is no snapshot at a location.
func saysMissing(reason string) bool {
	return strings.Contains(reason, "Cannot find checkpoint or savepoint") || strings.Contains(reason, "Cannot find meta data file")
}
