package conversation

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDifferences(t *testing.T) {
	tests := map[string]struct {
		flink, model string
		want         []string
	}{
		"equal":                     {`{"state":"RUNNING","jobs":[1]}`, `{"state":"RUNNING","jobs":[2]}`, nil},
		"the model lacks a field":   {`{"a":{"b":1}}`, `{"a":{}}`, []string{"asked: the model lacks a.b"}},
		"only the model has one":    {`{}`, `{"a":1}`, []string{"asked: only the model has a"}},
		"null is a kind":            {`{"a":null}`, `{"a":"x"}`, []string{`asked: kind of a is "null", of the model "string"`}},
		"another meaning":           {`{"state":"FAILED"}`, `{"state":"FINISHED"}`, []string{`asked: state is "FAILED", of the model "FINISHED"`}},
		"another number of them":    {`{"a":[]}`, `{"a":[1]}`, []string{`asked: length of a is 0, of the model 1`}},
		"a field that is exempt":    {`{"summary":{}}`, `{}`, nil},
		"another message":           {`{"errors":["a.B: one\nCaused by: c.D: two"]}`, `{"errors":["a.B: three\nCaused by: c.D: four"]}`, nil},
		"something else was thrown": {`{"errors":["a.B: one"]}`, `{"errors":["a.C: one"]}`, []string{`asked: what was thrown in errors[] is "a.B", of the model "a.C"`, `asked: the cause in errors[] is "a.B", of the model "a.C"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			flink, model := []Exchange{{Name: "asked", Status: 200}}, []Exchange{{Name: "asked", Status: 200}}
			require.NoError(t, json.Unmarshal([]byte(test.flink), &flink[0].Answer))
			require.NoError(t, json.Unmarshal([]byte(test.model), &model[0].Answer))
			assert.Equal(t, test.want, Differences(flink, model))
		})
	}
	status := Differences([]Exchange{{Name: "asked", Status: 404}}, []Exchange{{Name: "asked", Status: 400}})
	assert.Equal(t, []string{"asked: HTTP status is 404, of the model 400"}, status)
	assert.Len(t, Differences([]Exchange{{}}, nil), 1)
}

// TestNames replaces what two recordings of one Flink could differ in, and nothing else.
func TestNames(t *testing.T) {
	var answer any
	require.NoError(t, json.Unmarshal([]byte(`{
		"request-id": "0123456789abcdef0123456789abcdef", "jid": "`+runningJob+`", "end-time": -1, "start-time": 1700000000000,
		"location": "file:/x/savepoint-100000-0dc578ca7c4e", "endpoint": "10.244.1.2:6122",
		"errors": ["a.B: of 0123456789abcdef0123456789abcdef\n\tat a.b.C(D.java:1)\nCaused by: e.F: g\n\t... 3 more\n"]
	}`), &answer))
	replaced := new(names).replace("", answer)
	assert.Equal(t, map[string]any{
		"request-id": "<id 1>", "jid": runningJob, "end-time": -1.0, "start-time": 0.0,
		"location": "file:/x/savepoint-100000-<random>", "endpoint": "<endpoint>",
		"errors": []any{"a.B: of <id 1>\nCaused by: e.F: g"},
	}, replaced)
}
