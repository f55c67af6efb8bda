package flinkcluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Requests counts what the operator asked of the API server, without the renewal of its lease.
type Requests struct {
	Reads, Writes, Events, Watches int
}

// Minus returns what was asked since an earlier count.
func (r Requests) Minus(earlier Requests) Requests {
	return Requests{r.Reads - earlier.Reads, r.Writes - earlier.Writes, r.Events - earlier.Events, r.Watches - earlier.Watches}
}

// RequestCounter counts by flow schemas of the API server's priority and fairness: each kind of request of the
// operator's service account gets one, at the priority that it would have anyway, and the API server counts what it
// admits by each.
type RequestCounter struct {
	suite *Suite
	name  string
}

const (
	leaseRequests = "lease"
	watchRequests = "watches"
	eventRequests = "events"
	writeRequests = "writes"
	readRequests  = "reads"
)

// CountRequests begins to count. The flow schemas are removed after the test.
func (s *Suite) CountRequests(t testing.TB) *RequestCounter {
	t.Helper()
	counter := &RequestCounter{suite: s, name: s.node.namespace}
	all := []string{flowcontrolv1.ResourceAll}
	writing := []string{"create", "update", "patch", "delete", "deletecollection"}
	// The first that matches counts.
	for i, kind := range []struct {
		name                     string
		verbs, groups, resources []string
	}{
		{leaseRequests, all, []string{"coordination.k8s.io"}, []string{"leases"}},
		{watchRequests, []string{"watch"}, all, all},
		{eventRequests, all, []string{"", "events.k8s.io"}, []string{"events"}},
		{writeRequests, writing, all, all},
		{readRequests, []string{"get", "list"}, all, all},
	} {
		rule := flowcontrolv1.ResourcePolicyRule{
			Verbs: kind.verbs, APIGroups: kind.groups, Resources: kind.resources, ClusterScope: true, Namespaces: []string{flowcontrolv1.NamespaceEvery},
		}
		_, err := s.Kube.FlowcontrolV1().FlowSchemas().Create(t.Context(), counter.schema(kind.name, int32(50+i), rule), metav1.CreateOptions{})
		require.NoError(t, err)
		t.Cleanup(func() {
			require.NoError(t, s.Kube.FlowcontrolV1().FlowSchemas().Delete(context.WithoutCancel(t.Context()), counter.name+"-"+kind.name, metav1.DeleteOptions{}))
		})
	}
	// The lease is renewed every two seconds: once that is counted, all is.
	Eventually(t, "the API server to count", func(ctx context.Context) error {
		counts, err := counter.read(ctx)
		if err == nil && counts[leaseRequests] == 0 {
			err = errors.New("no renewal of the lease was counted")
		}
		return err
	})
	return counter
}

func (c *RequestCounter) schema(kind string, precedence int32, rule flowcontrolv1.ResourcePolicyRule) *flowcontrolv1.FlowSchema {
	return &flowcontrolv1.FlowSchema{
		ObjectMeta: metav1.ObjectMeta{Name: c.name + "-" + kind},
		Spec: flowcontrolv1.FlowSchemaSpec{
			PriorityLevelConfiguration: flowcontrolv1.PriorityLevelConfigurationReference{Name: "workload-low"},
			MatchingPrecedence:         precedence,
			DistinguisherMethod:        &flowcontrolv1.FlowDistinguisherMethod{Type: flowcontrolv1.FlowDistinguisherMethodByUserType},
			Rules: []flowcontrolv1.PolicyRulesWithSubjects{{
				Subjects: []flowcontrolv1.Subject{{
					Kind:           flowcontrolv1.SubjectKindServiceAccount,
					ServiceAccount: &flowcontrolv1.ServiceAccountSubject{Namespace: OperatorNamespace, Name: OperatorName},
				}},
				ResourceRules: []flowcontrolv1.ResourcePolicyRule{rule},
			}},
		},
	}
}

var dispatched = regexp.MustCompile(`^apiserver_flowcontrol_dispatched_requests_total\{flow_schema="([^"]+)",.*\} ([0-9.e+]+)$`)

// read returns the numbers of requests by kind.
func (c *RequestCounter) read(ctx context.Context) (map[string]int, error) {
	page, err := c.suite.Kube.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(page))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		match := dispatched.FindStringSubmatch(lines.Text())
		if match == nil {
			continue
		}
		for _, kind := range []string{leaseRequests, watchRequests, eventRequests, writeRequests, readRequests} {
			if match[1] == c.name+"-"+kind {
				count, err := strconv.ParseFloat(match[2], 64)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", match[0], err)
				}
				counts[kind] += int(count)
			}
		}
	}
	return counts, lines.Err()
}

// Now returns what has been counted.
func (c *RequestCounter) Now(t testing.TB) Requests {
	t.Helper()
	counts, err := c.read(t.Context())
	require.NoError(t, err)
	return Requests{counts[readRequests], counts[writeRequests], counts[eventRequests], counts[watchRequests]}
}
