package world

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// Fault is what can go wrong with a call.
type Fault string

// The faults of requests to either system.
const (
	NoFault Fault = ""
	// RequestLost: the connection breaks before the request arrives.
	RequestLost Fault = "request lost"
	// AnswerLost: it is carried out, and the connection breaks before the answer arrives.
	AnswerLost Fault = "answer lost"
	// Refused: 409 by the API server, which says that the object has changed; 503 by Flink. Nothing is carried out.
	Refused Fault = "refused"
	// CrashBefore and CrashAfter: the operator ends before or after the request is carried out, with all that it has in
	// memory. Another one starts soon.
	CrashBefore Fault = "crash before"
	CrashAfter  Fault = "crash after"
	// Hangs: it does not arrive, and the client waits until its deadline. HangsApplied: it arrives, the answer never does.
	Hangs        Fault = "hangs"
	HangsApplied Fault = "hangs, applied"
	// ServerError, Unavailable and GatewayTimeout are 500, 503 and 504; nothing is carried out. TimeoutApplied is a 504 of
	// what was carried out all the same.
	ServerError    Fault = "500"
	Unavailable    Fault = "503"
	GatewayTimeout Fault = "504"
	TimeoutApplied Fault = "504, applied"
	// Late: it is under way for eight seconds, as in the pause of a process or a network that hangs, and then carried out,
	// whether or not the client has given up.
	Late Fault = "late"
)

const lateBy = 8 * time.Second

// The faults of the API server alone.
const (
	// TooManyRequests is a 429 that asks to come back after a second.
	TooManyRequests Fault = "429"
	Forbidden       Fault = "403"
)

// The faults of the answer to a request that is carried out.
const (
	Truncated  Fault = "truncated"
	WrongTypes Fault = "wrong types"
	Huge       Fault = "10 MB"
	HTML       Fault = "HTML"
)

// The faults of Flink alone. A redirect and the wrong job id are in the answer to a request that is carried out.
const (
	NotFound Fault = "404"
	Redirect Fault = "redirect"
	// WrongJob: the answer is that about another job id.
	WrongJob Fault = "wrong job id"
)

// The faults of a notification.
const (
	// WatchClosed: the watch ends before it is told, and the client resumes it. WatchBroken: in the middle of it.
	WatchClosed Fault = "watch closed"
	WatchBroken Fault = "watch broken"
	// WatchTwice: it is told twice.
	WatchTwice Fault = "told twice"
	// WatchStalls: it and what follows is told ten seconds late.
	WatchStalls Fault = "stalls"
	// WatchExpired: 410 Gone, and the client lists anew.
	WatchExpired Fault = "410"
	// WatchHides: it and what follows for five seconds is never told; then comes 410 Gone, and the client sees only what
	// it has come to.
	WatchHides Fault = "hidden"
)

// applied says whether a faulty request is carried out.
func (f Fault) applied() bool {
	return slices.Contains([]Fault{AnswerLost, CrashAfter, HangsApplied, TimeoutApplied, Late, Truncated, WrongTypes, Huge, HTML}, f)
}

var errInjected = errors.New("injected")

// interceptKubernetes finds the operator of a request by its user agent. Requests of others pass.
func (w *World) interceptKubernetes(ctx context.Context, request fixture.Request) *fixture.Fault {
	operator := w.operatorOf(request.UserAgent)
	if operator == nil {
		return nil
	}
	if request.Verb == "patch" && request.Resource == "flinkclusters" {
		w.judgeAnnotation(request)
		w.judgeFinalizers(request)
	} else if request.Verb == "patch" {
		w.judgeChild(request)
	}
	//nolint:contextcheck // A crash starts a new operator, which outlives the request.
	fault := w.asked(Call{
		To: Kubernetes, What: request.String(), Write: request.IsWrite(), Watch: request.Verb == "watch", Operator: operator,
	})
	//exhaustive:ignore
	switch fault {
	case NoFault:
		return nil
	case Hangs:
		<-ctx.Done()
		return &fixture.Fault{Err: ctx.Err()}
	case HangsApplied:
		return &fixture.Fault{Err: errHang, Applied: true}
	case Late:
		time.Sleep(lateBy)
		if ctx.Err() != nil {
			return &fixture.Fault{Err: ctx.Err(), Applied: true}
		}
		return nil
	}
	return &fixture.Fault{Err: kubernetesError(fault, request), Applied: fault.applied()}
}

// spoiledAnswer has gate answer so that nobody can make use of it.
type spoiledAnswer Fault

func (s spoiledAnswer) Error() string { return string(s) }

func (s spoiledAnswer) body() string {
	const object = `{"kind": "FlinkCluster", "apiVersion": "flinkoperator.k8s.io/v1beta1", "metadata": `
	//exhaustive:ignore
	switch Fault(s) {
	case WrongTypes:
		return object + `"none"}`
	case Huge:
		return object + strings.Repeat(" ", 10<<20)
	case HTML:
		return loginPage
	}
	return object
}

// errHang has gate wait until the client gives up.
var errHang = errors.New("no answer ever comes")

func kubernetesError(fault Fault, request fixture.Request) error {
	resource := schema.GroupResource{Resource: request.Resource}
	//exhaustive:ignore
	switch fault {
	case RequestLost, CrashBefore:
		return syscall.ECONNREFUSED
	case Refused:
		return apierrors.NewConflict(resource, request.Name, errInjected)
	case ServerError:
		return apierrors.NewInternalError(errInjected)
	case Unavailable:
		return apierrors.NewServiceUnavailable("injected")
	case GatewayTimeout, TimeoutApplied:
		return apierrors.NewTimeoutError("injected", 0)
	case TooManyRequests:
		return apierrors.NewTooManyRequests("injected", 1)
	case Forbidden:
		return apierrors.NewForbidden(resource, request.Name, errInjected)
	case Truncated, WrongTypes, Huge, HTML:
		return spoiledAnswer(fault)
	}
	return io.ErrUnexpectedEOF
}

var flinkID = regexp.MustCompile(`[0-9a-f]{32}`)

// flinkTransport carries the requests of one operator to JobManagers.
type flinkTransport struct {
	operator *Operator
}

func (f flinkTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	w := f.operator.world
	//nolint:contextcheck // A crash starts a new operator, which outlives the request.
	fault := w.asked(Call{
		To: Flink, What: request.Method + " " + flinkID.ReplaceAllString(request.URL.Path, ":id"),
		Write: request.Method != http.MethodGet, Operator: f.operator,
	})
	if f.operator.isCutOff() {
		return nil, syscall.ECONNREFUSED
	}
	//exhaustive:ignore
	switch fault {
	case RequestLost, CrashBefore:
		return nil, syscall.ECONNREFUSED
	case Hangs:
		<-request.Context().Done()
		return nil, request.Context().Err()
	}
	if fault == Late {
		time.Sleep(lateBy)
		request = request.WithContext(context.WithoutCancel(request.Context()))
		fault = NoFault
	}
	if status, refused := refusals[fault]; refused {
		return answer(request, status, `{"errors": ["injected"]}`), nil
	}
	response, err := w.network.RoundTrip(request)
	if err != nil || fault == NoFault {
		return response, err
	}
	return spoil(fault, request, response)
}

// refusals are the answers of a Flink that carries nothing out.
//
//exhaustive:ignore
var refusals = map[Fault]int{
	Refused: http.StatusServiceUnavailable, ServerError: http.StatusInternalServerError, Unavailable: http.StatusServiceUnavailable,
	GatewayTimeout: http.StatusGatewayTimeout, NotFound: http.StatusNotFound,
}

// spoil changes the answer to a request that was carried out.
func spoil(fault Fault, request *http.Request, response *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	text := string(body)
	//exhaustive:ignore
	switch fault {
	case HangsApplied:
		<-request.Context().Done()
		return nil, request.Context().Err()
	case TimeoutApplied:
		return answer(request, http.StatusGatewayTimeout, ""), nil
	case Truncated:
		return answer(request, response.StatusCode, text[:len(text)*2/3]), nil
	case WrongTypes:
		return answer(request, response.StatusCode, numbers.ReplaceAllString(text, `$1{"a": []}`)), nil
	case Huge:
		return answer(request, response.StatusCode, strings.Repeat(" ", 10<<20)+text), nil
	case HTML:
		return answer(request, http.StatusOK, loginPage), nil
	case Redirect:
		redirected := answer(request, http.StatusFound, "")
		redirected.Header.Set("Location", "http://other.example.com/")
		return redirected, nil
	case WrongJob:
		return answer(request, response.StatusCode, flinkID.ReplaceAllString(text, strings.Repeat("e", 32))), nil
	}
	return nil, io.ErrUnexpectedEOF
}

// loginPage is what a proxy in between answers.
const loginPage = "<html><body>Please log in</body></html>"

// numbers are the fields of a JSON text that hold numbers or strings.
var numbers = regexp.MustCompile(`("[a-zA-Z_-]+":\s*)("[^"]*"|[0-9]+)`)

func answer(request *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": []string{"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: request,
	}
}
