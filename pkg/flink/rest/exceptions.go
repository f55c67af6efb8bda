package rest

import (
	"context"
	"net/url"
	"strconv"
)

const maxExceptions = 5

type exceptionsAnswer struct {
	History struct {
		Entries []struct {
			Name       string `json:"exceptionName"`
			StackTrace string `json:"stacktrace"`
		} `json:"entries"`
	} `json:"exceptionHistory"`
	// Root was removed in Flink 2.0.
	Root string `json:"root-exception"`
}

// Exceptions returns why the job failed, newest first: at most five lines of at most 512 bytes.
func (c *Client) Exceptions(ctx context.Context, baseURL, jobID string) ([]string, error) {
	if !idPattern.MatchString(jobID) {
		return nil, errJobID
	}
	question := request{
		path:  []string{"jobs", jobID, "exceptions"},
		query: url.Values{"maxExceptions": {strconv.Itoa(maxExceptions)}},
	}
	var answer exceptionsAnswer
	if err := c.get(ctx, baseURL, question, &answer); err != nil {
		return nil, err
	}
	return answer.lines(), nil
}

func (a *exceptionsAnswer) lines() []string {
	var lines []string
	for _, entry := range a.History.Entries {
		line := describeTrace(entry.StackTrace)
		if line == "" {
			line = oneLine(entry.Name, maxTextBytes)
		}
		if line != "" && len(lines) < maxExceptions {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 && a.Root != "" {
		if line := describeTrace(a.Root); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
