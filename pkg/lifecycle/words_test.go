package lifecycle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestTellingLines reads logs as JobManagers of Flink 1.14 to 2.1 write them (testdata/*.log). The expected lines stand
// in the file of the same name that ends in .expected.
func TestTellingLines(t *testing.T) {
	logs, err := filepath.Glob("testdata/words/*.log")
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, log := range logs {
		t.Run(filepath.Base(log), func(t *testing.T) {
			text, err := os.ReadFile(log)
			require.NoError(t, err)
			expected, err := os.ReadFile(strings.TrimSuffix(log, ".log") + ".expected")
			require.NoError(t, err)
			require.Equal(t, strings.TrimSpace(string(expected)), strings.Join(boundReasons(tellingLines(string(text))), "\n"))
		})
	}
}

func TestLastWords(t *testing.T) {
	code := new(int32(2))
	for name, test := range map[string]struct {
		pod      *Pod
		expected []string
	}{
		"no pod":                {nil, []string{"the JobManager pod is gone"}},
		"nothing known":         {&Pod{Name: "jm"}, []string{"JobManager pod jm ended"}},
		"code and reason":       {&Pod{Name: "jm", ExitCode: code, Reason: "Error"}, []string{"JobManager pod jm ended, exit code 2 (Error)"}},
		"deleted":               {&Pod{Name: "jm", Deleting: true, ExitCode: new(int32(143))}, []string{"JobManager pod jm was deleted, exit code 143"}},
		"message":               {&Pod{Name: "jm", ExitCode: code, Message: "java.lang.IllegalStateException: no\n\tat a.b.C(C.java:1)"}, []string{"java.lang.IllegalStateException: no", "JobManager pod jm ended, exit code 2"}},
		"stack frames alone":    {&Pod{Name: "jm", Message: "\tat a.b.SomeException.c(C.java:1)\n\t... 3 more"}, []string{"JobManager pod jm ended"}},
		"control characters":    {&Pod{Name: "jm", Message: "Caused by: \x1b[31mE\x00xception\x07"}, []string{"[31mException", "JobManager pod jm ended"}},
		"no valid text":         {&Pod{Name: "jm", Message: "Error: \xff\xfe"}, []string{"Error:", "JobManager pod jm ended"}},
		"blank":                 {&Pod{Name: "jm", Message: "\n \n"}, []string{"JobManager pod jm ended"}},
		"the same cause twice":  {&Pod{Name: "jm", Message: "AnException: x\nCaused by: BException: y\nCaused by: BException: y"}, []string{"BException: y", "AnException: x", "JobManager pod jm ended"}},
		"innermost cause first": {&Pod{Name: "jm", Message: "AnException\nCaused by: B\nCaused by: C\nCaused by: D"}, []string{"D", "C", "AnException", "JobManager pod jm ended"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.expected, lastWords(test.pod)) })
	}
}

func TestBoundText(t *testing.T) {
	for name, test := range map[string]struct {
		text     string
		length   int
		expected string
	}{
		"short":                  {"abc", 5, "abc"},
		"just fits":              {"abcde", 5, "abcde"},
		"cut":                    {"abcdefgh", 6, "abc…"},
		"cut inside a character": {"aää", 4, "a…"},
		"spaces":                 {"  a\tb\r\nc  ", 20, "a b  c"},
		"nothing to show":        {"\x00\x1b\u200b", 20, ""},
		"replacement":            {"a\uFFFDb", 20, "ab"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.expected, boundText(test.text, test.length)) })
	}
}

func TestSnapshotMissing(t *testing.T) {
	const (
		savepoint  = "s3://bucket/savepoints/savepoint-123456-abc"
		checkpoint = "file:///checkpoints/0a1b/chk-7"
	)
	for name, test := range map[string]struct {
		reason   string
		snapshot string
		missing  bool
	}{
		"Flink says so":             {"java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory 's3://bucket/x' on file system 's3'.", savepoint, true},
		"no metadata":               {"java.io.FileNotFoundException: Cannot find meta data file '_metadata' in directory 's3://bucket/x'. Please try", savepoint, true},
		"a file of the snapshot":    {"java.io.FileNotFoundException: File does not exist: /savepoints/savepoint-123456-abc/f1", savepoint, true},
		"a shared file":             {"java.nio.file.NoSuchFileException: /checkpoints/0a1b/shared/77", checkpoint, true},
		"a file of the job's own":   {"java.io.FileNotFoundException: /opt/secrets/kafka.properties (No such file or directory)", savepoint, false},
		"another savepoint's file":  {"java.io.FileNotFoundException: /savepoints/savepoint-999999-abc/f1", savepoint, false},
		"the path, and it is there": {"java.lang.IllegalStateException: Failed to rollback to checkpoint/savepoint " + savepoint + ". Cannot map checkpoint/savepoint state", savepoint, false},
		"no path":                   {"java.io.FileNotFoundException: /x", "", false},
		"nothing said":              {"", savepoint, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.missing, snapshotMissing([]string{"first", test.reason}, test.snapshot))
		})
	}
}

func FuzzLastWords(f *testing.F) {
	logs, err := filepath.Glob("testdata/words/*.log")
	require.NoError(f, err)
	for _, log := range logs {
		text, err := os.ReadFile(log)
		require.NoError(f, err)
		f.Add(string(text), "s3://bucket/savepoints/savepoint-1")
	}
	f.Add("Caused by:\xff\nError:\n...", "chk-1")
	f.Fuzz(func(t *testing.T, log, location string) {
		reasons := lastWords(&Pod{Name: "jm", Message: log, Reason: log})
		require.NotEmpty(t, reasons)
		require.LessOrEqual(t, len(reasons), maxReasons)
		for _, reason := range reasons {
			require.NotEmpty(t, reason)
			require.LessOrEqual(t, len(reason), maxReasonLength)
			require.True(t, utf8.ValidString(reason))
			require.NotContains(t, reason, "\n")
			require.Equal(t, reason, boundText(reason, maxReasonLength), "bounded text is left as it is")
		}
		snapshotMissing(reasons, location)
		require.True(t, sameLocation(location, location))
		require.Equal(t, sameLocation(location, log), sameLocation(log, location))
		within(log, location)
	})
}
