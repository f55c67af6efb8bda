package world

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Past is what an operator is told that starts against an API server which lags behind the others: its first lists are of an
// old version, and what has happened since comes later. A list at resourceVersion=0 may be as old as that, and it is what an
// informer asks for where initial events cannot be streamed.
type Past struct {
	// Version is that of the lists, Resources are those that are old.
	Version   int64
	Resources []string
	// Lasts is for how long the watches tell of nothing newer.
	Lasts time.Duration
}

// goBack has an operator that has not started begin in the past.
func (o *Operator) goBack(past *Past) {
	o.past = past
	o.HoldWatches(past.Resources...)
	time.AfterFunc(past.Lasts, func() {
		o.mutex.Lock()
		o.past = nil
		o.mutex.Unlock()
		o.ReleaseWatches()
	})
}

// notStreamed is the answer of an API server to who asks it to stream initial events, and it cannot.
const notStreamed = `{"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Invalid", "code": 422, ` +
	`"message": "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled (injected)"}`

// fromThePast changes a request of an operator that is told of the past, or answers it.
func (o *Operator) fromThePast(request *http.Request) (*http.Request, *http.Response) {
	o.mutex.Lock()
	past := o.past
	o.mutex.Unlock()
	if past == nil || request.Method != http.MethodGet || !slices.Contains(past.Resources, path.Base(request.URL.Path)) {
		return request, nil
	}
	query := request.URL.Query()
	switch {
	case query.Get("sendInitialEvents") != "":
		return nil, answer(request, http.StatusUnprocessableEntity, notStreamed)
	case query.Get("watch") != "" || query.Get("resourceVersion") != "0":
		return request, nil
	}
	// The API server could say so itself: the list is as it was.
	asked := request.Clone(request.Context())
	query.Set("resourceVersion", strconv.FormatInt(past.Version, 10))
	query.Set("resourceVersionMatch", string(metav1.ResourceVersionMatchExact))
	asked.URL.RawQuery = query.Encode()
	return asked, nil
}
