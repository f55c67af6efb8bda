package apiserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// auditPolicy has an entry for each request at its end, and before that one at the start of an answer that goes on.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

const auditTimeout = 10 * time.Second

// Request is one request that was answered. Verb is Kubernetes' word for it, such as get or patch; for a path that is
// no resource it is the HTTP method in lower case, and Resource is empty.
type Request struct {
	User, UserAgent                    string
	Verb, Group, Resource, Subresource string
	Namespace, Name                    string
	// Code of the answer.
	Code int
}

// IsWrite says whether the request asks for a change.
func (r Request) IsWrite() bool {
	return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, r.Verb)
}

// FullResource is the resource as it stands in roles, with its subresource and its group, such as "jobs.batch".
func (r Request) FullResource() string {
	resource := r.Resource
	if r.Subresource != "" {
		resource += "/" + r.Subresource
	}
	if r.Group != "" {
		resource += "." + r.Group
	}
	return resource
}

func (r Request) String() string {
	return fmt.Sprintf("%s %s %s: %d", r.Verb, r.FullResource(), strings.Trim(r.Namespace+"/"+r.Name, "/"), r.Code)
}

// auditLog reads the log of all requests as it grows.
type auditLog struct {
	policyFile, file string

	mutex    sync.Mutex
	offset   int64
	requests []Request
	// seen holds the ids of entries and the names of markers.
	seen    map[string]bool
	markers int
}

func newAuditLog(folder string) (*auditLog, error) {
	log := &auditLog{policyFile: filepath.Join(folder, "audit-policy.yaml"), file: filepath.Join(folder, "audit.log"), seen: map[string]bool{}}
	return log, os.WriteFile(log.policyFile, []byte(auditPolicy), 0o600)
}

// Requests returns all requests that were answered before the call, in the order of the log. A watch is in it once,
// from when it was accepted. To look at a span of time, cut off those of a call at its start.
func (s *Server) Requests(ctx context.Context) ([]Request, error) {
	client, err := kubernetes.NewForConfig(s.admin)
	if err != nil {
		return nil, err
	}
	// An entry may be written a moment after its answer was sent. When that of a later request is there, it is too.
	marker := s.audit.nextMarker()
	if _, err := client.CoreV1().Namespaces().Get(ctx, marker, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("asking for the namespace %s: %w", marker, err)
	}
	var found []Request
	err = wait.PollUntilContextTimeout(ctx, pollInterval, auditTimeout, true, func(context.Context) (bool, error) {
		var marked bool
		var err error
		found, marked, err = s.audit.read(marker)
		return marked, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return found, nil
}

// markerPrefix begins the names of namespaces that are asked for to mark a place in the log.
const markerPrefix = "audit-log-marker-"

func (l *auditLog) nextMarker() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.markers++
	return markerPrefix + strconv.Itoa(l.markers)
}

// read takes in what the log has grown by, and says whether the marker is in it.
func (l *auditLog) read(marker string) ([]Request, bool, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	file, err := os.Open(l.file)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.NewSectionReader(file, l.offset, 1<<40))
	if err != nil {
		return nil, false, err
	}
	for {
		// The last line may be half written.
		line, rest, complete := bytes.Cut(content, []byte("\n"))
		if !complete {
			break
		}
		if err := l.take(line); err != nil {
			return nil, false, err
		}
		l.offset += int64(len(line)) + 1
		content = rest
	}
	return slices.Clone(l.requests), l.seen[marker], nil
}

// auditEntry is the part of an audit.k8s.io/v1 Event that matters here.
type auditEntry struct {
	AuditID        string
	Verb           string
	UserAgent      string
	User           struct{ Username string }
	ObjectRef      struct{ APIGroup, Resource, Subresource, Namespace, Name string }
	ResponseStatus struct{ Code int }
}

func (l *auditLog) take(line []byte) error {
	var entry auditEntry
	if err := json.Unmarshal(line, &entry); err != nil {
		return fmt.Errorf("decoding %q: %w", line, err)
	}
	// A watch has a second entry, when it ends.
	if l.seen[entry.AuditID] {
		return nil
	}
	l.seen[entry.AuditID] = true
	object := entry.ObjectRef
	if strings.HasPrefix(object.Name, markerPrefix) {
		l.seen[object.Name] = true
		return nil
	}
	l.requests = append(l.requests, Request{
		User: entry.User.Username, UserAgent: entry.UserAgent, Verb: entry.Verb, Code: entry.ResponseStatus.Code,
		Group: object.APIGroup, Resource: object.Resource, Subresource: object.Subresource,
		Namespace: object.Namespace, Name: object.Name,
	})
	return nil
}
