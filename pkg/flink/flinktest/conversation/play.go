package conversation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Scene is a JobManager with one task slot that takes no checkpoints by itself and has no default directory for
// savepoints. The methods that arrange something return when it is arranged.
type Scene interface {
	// Send makes a request and returns the status and the body of the answer.
	Send(ctx context.Context, method, path, body string) (int, []byte, error)
	// Again waits for a moment before a request is repeated whose answer is not yet as the script wants it. It is
	// ErrSettled where waiting changes nothing: then the answer is taken as it is, and the comparison will show it.
	Again(ctx context.Context) error

	// StartJob submits a job with two tasks, of which each snapshot takes a while.
	StartJob(ctx context.Context, id, restorePath string) error
	// StartFailingJob submits a job that fails by itself and is not restarted.
	StartFailingJob(ctx context.Context, id string) error
	// StartWaitingJob submits a job whose tasks find no slot.
	StartWaitingJob(ctx context.Context, id string) error
	// CompleteCheckpoint takes a checkpoint of a job.
	CompleteCheckpoint(ctx context.Context, id string) error
	// CompleteOperation lets a savepoint or stop come to its end.
	CompleteOperation(ctx context.Context, id, triggerID string) error
}

// ErrSettled says that nothing happens by itself.
var ErrSettled = errors.New("nothing happens by itself")

// Exchange is a request and its answer.
type Exchange struct {
	Name    string `json:"name"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Request string `json:"request,omitempty"`
	Status  int    `json:"status"`
	Answer  any    `json:"answer"`
}

// step is one line of the script. Its path may hold words in braces that stand for what earlier answers said.
type step struct {
	name    string
	arrange func(ctx context.Context, scene Scene) error
	method  string
	path    string
	body    string
	// location takes the place of locationWord in the body; it may be nil.
	location *string
	// until is what the answer has to be; the request is repeated up to then.
	until func(answer any) bool
}

// Play makes all requests of the script, in order, and returns them with the answers as they can be compared:
// everything that differs from one run to the next is replaced.
func Play(ctx context.Context, scene Scene) ([]Exchange, error) {
	played := &player{scene: scene}
	var exchanges []Exchange
	for _, next := range script() {
		exchange, err := played.play(ctx, next)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", next.name, err)
		}
		exchanges = append(exchanges, exchange)
	}
	return exchanges, nil
}

type player struct {
	scene Scene
	// requestID is what the last answer called its request.
	requestID string
	names     names
}

func (p *player) play(ctx context.Context, next step) (Exchange, error) {
	if next.arrange != nil {
		if err := next.arrange(ctx, p.scene); err != nil {
			return Exchange{}, fmt.Errorf("arranging: %w", err)
		}
	}
	path, request := strings.ReplaceAll(next.path, requestWord, p.requestID), next.body
	if next.location != nil {
		request = strings.ReplaceAll(request, locationWord, *next.location)
	}
	for {
		status, body, err := p.scene.Send(ctx, next.method, path, request)
		if err != nil {
			return Exchange{}, err
		}
		var answer any
		if err := json.Unmarshal(body, &answer); err != nil {
			return Exchange{}, fmt.Errorf("answer %d is no JSON: %w: %.200s", status, err, body)
		}
		again := ErrSettled
		if next.until != nil && !next.until(answer) {
			again = p.scene.Again(ctx)
		}
		if errors.Is(again, ErrSettled) {
			p.remember(answer)
			return Exchange{next.name, next.method, next.path, next.body, status, p.names.replace("", answer)}, nil
		}
		if again != nil {
			return Exchange{}, fmt.Errorf("%w: %d %.2000s", again, status, body)
		}
	}
}

func (p *player) remember(answer any) {
	if id, found := at(answer, "request-id").(string); found {
		p.requestID = id
	}
}

// at returns what is at a path of keys, nil if there is nothing.
func at(answer any, keys ...string) any {
	for _, key := range keys {
		object, _ := answer.(map[string]any)
		answer = object[key]
	}
	return answer
}

// Version returns the version that Flink gives itself in exchanges.
func Version(exchanges []Exchange) string {
	version, _ := at(exchanges[0].Answer, "flink-version").(string)
	return version
}
