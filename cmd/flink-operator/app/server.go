package app

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/cmd/flink-operator/app/options"
	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/scope"
	"github.com/flink-operator/flink-operator/pkg/flink/rest"
	"github.com/flink-operator/flink-operator/pkg/generated/clientset/versioned"
	"github.com/flink-operator/flink-operator/pkg/generated/clientset/versioned/scheme"
	"github.com/flink-operator/flink-operator/pkg/metrics"
	"github.com/flink-operator/flink-operator/pkg/version"
)

// recorderName is the reporting controller of our events.
const recorderName = "flinkoperator.k8s.io/flink-operator"

var errNotSynced = errors.New("the caches are not filled yet")

// Run runs the operator until ctx is done, or until it must end. Health and metrics are served before and after this
// replica leads; the informers and loops run only while it leads.
func Run(ctx context.Context, config *options.Config) error {
	clock, metrics := clock.RealClock{}, metrics.New()
	klog.FromContext(ctx).Info("Starting the operator", "version", version.Version, "namespaces", config.Namespaces, "identity", config.Identity)
	scopes, shutdownEvents, err := newScopes(ctx, config, clock, metrics)
	if err != nil {
		return err
	}
	defer shutdownEvents()
	election := ElectionConfig{
		RESTConfig: config.ClientConfig("leader-election"), Namespace: config.LeaderElectNamespace, Identity: config.Identity,
		Health: NewElectionHealth(), Leading: metrics.SetLeader, Clock: clock,
	}
	leads := make(chan struct{})
	server, err := NewServer(ctx, ServingConfig{
		Address: config.HTTPAddress, Metrics: metrics.Handler(), Healthy: election.Health.Check,
		Ready: func(*http.Request) error { return ready(leads, scopes) },
	})
	if err != nil {
		return err
	}
	work := func(ctx context.Context) error {
		close(leads)
		group, ctx := errgroup.WithContext(ctx)
		for _, scope := range scopes {
			group.Go(func() error { return scope.Run(ctx) })
		}
		return group.Wait()
	}
	// The server answers until the work has ended, so that a slow end is not taken for a hang.
	serverCtx, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServer()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(serverCtx) })
	group.Go(func() error {
		defer stopServer()
		if !config.LeaderElect {
			metrics.SetLeader(true)
			return work(groupCtx)
		}
		return RunWithLeaderElection(groupCtx, election, work)
	})
	err = group.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// ready: a replica that stands by is ready; the leader is once its caches are filled.
func ready(leads <-chan struct{}, scopes []*scope.Scope) error {
	select {
	case <-leads:
	default:
		return nil
	}
	for _, scope := range scopes {
		if !scope.Ready() {
			return errNotSynced
		}
	}
	return nil
}

// newScopes makes one scope for all namespaces, or one for each that was named.
func newScopes(ctx context.Context, config *options.Config, clock clock.WithTicker, metrics *metrics.Metrics) ([]*scope.Scope, func(), error) {
	flinkClient, err := versioned.NewForConfig(config.ClientConfig("flinkclusters"))
	if err != nil {
		return nil, nil, err
	}
	kubeConfig := config.ClientConfig("children")
	kubeConfig.ContentType = "application/vnd.kubernetes.protobuf"
	kubeConfig.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	kubeClient, err := kubernetes.NewForConfig(kubeConfig)
	if err != nil {
		return nil, nil, err
	}
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: kubeClient.EventsV1()})
	// What the work reports while it ends is still recorded.
	recording, stopRecording := context.WithCancel(context.WithoutCancel(ctx))
	shutdownEvents := func() {
		broadcaster.Shutdown()
		stopRecording()
	}
	if err := broadcaster.StartRecordingToSinkWithContext(recording); err != nil {
		shutdownEvents()
		return nil, nil, err
	}
	namespaces := config.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	jobManagers := rest.New(rest.Config{UserAgent: version.UserAgent("jobmanagers"), Transport: config.JobManagers})
	recorder := recordTo(broadcaster.NewRecorder(scheme.Scheme, recorderName))
	var scopes []*scope.Scope
	for _, namespace := range namespaces {
		made, err := scope.New(scope.Config{
			Namespace: namespace, Workers: config.Workers, FlinkClient: flinkClient, KubeClient: kubeClient, JobManagers: jobManagers,
			Recorder: recorder, Clock: clock, Metrics: metrics, QueueMetrics: metrics.WorkqueueProvider(),
		})
		if err != nil {
			shutdownEvents()
			return nil, nil, err
		}
		scopes = append(scopes, made)
	}
	return scopes, shutdownEvents, nil
}

// recordTo reports the events of a cluster. The action is what the operator did it for: looking after the cluster.
func recordTo(recorder events.EventRecorder) func(*v1beta1.FlinkCluster, []v1beta1.Event) {
	return func(cluster *v1beta1.FlinkCluster, found []v1beta1.Event) {
		reference := &corev1.ObjectReference{
			APIVersion: v1beta1.SchemeGroupVersion.String(), Kind: v1beta1.Kind, Namespace: cluster.Namespace, Name: cluster.Name,
			UID: cluster.UID, ResourceVersion: cluster.ResourceVersion,
		}
		for _, event := range found {
			recorder.Eventf(reference, nil, event.Type, string(event.Reason), "Reconcile", "%s", event.Message)
		}
	}
}
