package rest

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxTextBytes = 512
	maxPathBytes = 4096
	ellipsis     = "…"

	// lastMillisecond is the end of the year 9999, the last that RFC 3339 and so the Kubernetes API can hold.
	lastMillisecond = 253402300799999
)

// oneLine returns the first line of a text that holds anything, in printable characters (no terminal escapes, no
// direction marks) and at most limit bytes long.
func oneLine(text string, limit int) string {
	for line := range strings.Lines(text) {
		if cleaned := printable(line); cleaned != "" {
			return shorten(cleaned, limit)
		}
	}
	return ""
}

func printable(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text))
}

func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := max(limit-len(ellipsis), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

// describeTrace turns a Java stack trace into one line: the root cause, followed by the outermost exception where
// that adds something. The root comes first, so that shortening never loses what a person must learn, such as
// "java.io.FileNotFoundException: … savepoint-x" below "Could not start the JobMaster."
func describeTrace(trace string) string {
	outer, root := "", ""
	for line := range strings.Lines(trace) {
		// Causes of suppressed exceptions are indented and tell of the clean-up only.
		if cause, found := strings.CutPrefix(line, "Caused by: "); found {
			root = printable(cause)
		} else if outer == "" {
			outer = printable(line)
		}
	}
	switch {
	case root == "" || root == outer:
		return shorten(outer, maxTextBytes)
	case outer == "":
		return shorten(root, maxTextBytes)
	case strings.HasSuffix(outer, root):
		// A wrapper without a message of its own repeats its cause ("CompletionException: java.io.IOException: …").
		return shorten(root, maxTextBytes)
	}
	const before, after = " (reported as ", ")"
	described := shorten(root, maxTextBytes)
	if room := maxTextBytes - len(described) - len(before) - len(after); room >= 40 {
		described += before + shorten(outer, room) + after
	}
	return described
}

// path returns a location as it is, or nothing where it cannot be one: a changed path would name other files.
func path(location string) string {
	if len(location) > maxPathBytes || !utf8.ValidString(location) || printable(location) != location {
		return ""
	}
	return location
}

// timestamp reads Flink's milliseconds; "-1", absence and nonsense are the zero time.
func timestamp(milliseconds int64) time.Time {
	if milliseconds <= 0 || milliseconds > lastMillisecond {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}
