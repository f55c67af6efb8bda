package world

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"time"

	"k8s.io/apimachinery/pkg/watch"
)

// HoldWatches keeps back from this operator what happens from now on to objects of these resources.
func (o *Operator) HoldWatches(resources ...string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for _, resource := range resources {
		if o.held[resource] == nil {
			o.held[resource] = make(chan struct{})
		}
	}
}

// ReleaseWatches lets all watches catch up.
func (o *Operator) ReleaseWatches() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for resource, released := range o.held {
		close(released)
		delete(o.held, resource)
	}
}

func (o *Operator) holding(resource string) chan struct{} {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.held[resource]
}

// How long a watch stalls, and how long it hides what happens.
const (
	stallsFor = 10 * time.Second
	hidesFor  = 5 * time.Second
)

// gate carries the requests of one operator to the API server, and spoils its watches.
type gate struct {
	operator *Operator
	next     http.RoundTripper
}

func (g gate) RoundTrip(request *http.Request) (*http.Response, error) {
	request, answered := g.operator.fromThePast(request)
	if answered != nil {
		return answered, nil
	}
	response, err := g.next.RoundTrip(request)
	if errors.Is(err, errHang) {
		<-request.Context().Done()
		return nil, request.Context().Err()
	}
	var spoiled spoiledAnswer
	if errors.As(err, &spoiled) {
		return answer(request, http.StatusOK, spoiled.body()), nil
	}
	if err == nil && request.URL.Query().Get("watch") != "" && response.StatusCode == http.StatusOK {
		response.Body = &gatedBody{
			frames: bufio.NewReader(response.Body), body: response.Body, ctx: request.Context(),
			resource: path.Base(request.URL.Path), operator: g.operator,
		}
	}
	return response, err
}

// gatedBody is the stream of one watch, a change a line. Its context is that of the request, with which the stream ends.
type gatedBody struct {
	frames   *bufio.Reader
	body     io.Closer
	ctx      context.Context
	resource string
	operator *Operator
	// pending is what is still to be read of what has been told; after it the stream ends with err, if there is one.
	pending []byte
	err     error
}

func (b *gatedBody) Close() error { return b.body.Close() }

func (b *gatedBody) Read(buffer []byte) (int, error) {
	for len(b.pending) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		frame, err := b.frames.ReadBytes('\n')
		if err != nil {
			return 0, err
		}
		b.tell(frame)
	}
	count := copy(buffer, b.pending)
	b.pending = b.pending[count:]
	return count, nil
}

// expired is how the API server says that a watch cannot be resumed where it was.
const expired = `{"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", ` +
	`"message": "too old resource version (injected)", "reason": "Expired", "code": 410}}` + "\n"

// tell passes a change on, as far as nothing goes wrong.
func (b *gatedBody) tell(frame []byte) {
	fault := b.operator.world.notified(b.operator, b.resource, frame)
	//exhaustive:ignore
	switch fault {
	case WatchClosed:
		b.err = io.EOF
		return
	case WatchBroken:
		b.pending, b.err = frame[:len(frame)/2], io.ErrUnexpectedEOF
		return
	case WatchTwice:
		frame = append(bytes.Clone(frame), frame...)
	case WatchStalls:
		b.wait(time.After(stallsFor))
	case WatchExpired:
		b.pending, b.err = []byte(expired), io.EOF
		return
	case WatchHides:
		b.wait(time.After(hidesFor))
		b.pending, b.err = []byte(expired), io.EOF
		return
	}
	for held := b.operator.holding(b.resource); held != nil && b.err == nil; held = b.operator.holding(b.resource) {
		select {
		case <-held:
		case <-b.ctx.Done():
			b.err = b.ctx.Err()
		}
	}
	b.pending = frame
}

func (b *gatedBody) wait(until <-chan time.Time) {
	select {
	case <-until:
	case <-b.ctx.Done():
	}
}

// notified asks the injector about a change that is about to be told.
func (w *World) notified(operator *Operator, resource string, frame []byte) Fault {
	w.mutex.Lock()
	wanted := w.notifications
	w.mutex.Unlock()
	if !wanted {
		return NoFault
	}
	var change struct {
		Type   string
		Object struct{ Metadata struct{ Name string } }
	}
	_ = json.Unmarshal(frame, &change)
	if change.Type == string(watch.Bookmark) {
		// Nothing has changed.
		return NoFault
	}
	return w.asked(Call{
		To: Kubernetes, What: "notify " + resource + " " + change.Object.Metadata.Name + " " + change.Type, Notification: true, Operator: operator,
	})
}

// Notifications has changes that watches tell of listed as calls too, and shown to the injector.
func (w *World) Notifications(wanted bool) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.notifications = wanted
}
