package world

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/controller/scope"
	flinkrest "github.com/flink-operator/flink-operator/pkg/flink/rest"
	"github.com/flink-operator/flink-operator/pkg/generated/clientset/versioned"
)

// Operator is one running instance of the operator: a scope for all namespaces.
type Operator struct {
	// Name tells the instances of a world apart.
	Name string

	world *World
	scope *scope.Scope
	stop  context.CancelFunc
	ended chan struct{}

	mutex sync.Mutex
	// fenced: it has crashed. Nothing that it still does has an effect.
	fenced bool
	// cutOff: its calls of Flink do not arrive.
	cutOff bool
	// held has a channel for each resource whose watches are held back, which is closed when they are released.
	held map[string]chan struct{}
	// past is what it is told in answer to its first lists; nil for the present.
	past *Past
}

// StartOperator starts an instance and waits until it has filled its caches.
func (w *World) StartOperator() *Operator {
	w.t.Helper()
	operator := w.launch(nil)
	w.Eventually("the operator has filled its caches", operator.scope.Ready)
	return operator
}

// Join starts another instance beside those that run, and does not wait for it. It may be called by an injector.
func (w *World) Join() { w.launch(nil) }

func (w *World) launch(past *Past) *Operator {
	w.mutex.Lock()
	operator := &Operator{
		Name: fmt.Sprintf("operator-%d", len(w.operators)+1), world: w, ended: make(chan struct{}), held: map[string]chan struct{}{},
	}
	w.operators = append(w.operators, operator)
	w.mutex.Unlock()
	if past != nil {
		operator.goBack(past)
	}
	config := w.API.Config()
	config.UserAgent = operator.Name
	config.Transport = gate{operator: operator, next: config.Transport}
	operator.scope = operator.newScope(config)
	ctx, stop := context.WithCancel(klog.NewContext(w.ends, klog.Logger{}))
	operator.stop = stop
	w.note("%s starts", operator.Name)
	w.running.Go(func() {
		defer close(operator.ended)
		_ = operator.scope.Run(ctx)
	})
	return operator
}

func (o *Operator) newScope(config *rest.Config) *scope.Scope {
	t := o.world.t
	flinkClient, err := versioned.NewForConfig(config)
	require.NoError(t, err)
	kubeClient, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	made, err := scope.New(scope.Config{
		Workers: 4, FlinkClient: flinkClient, KubeClient: kubeClient,
		JobManagers: flinkrest.New(flinkrest.Config{UserAgent: o.Name, Transport: flinkTransport{o}}),
		Recorder:    o.report, Clock: o.world.clock(), Metrics: metrics{o.world},
		OnPanic: func(key cache.ObjectName, value any) {
			o.world.Violate(OraclePanic, "a sync of %s panicked: %v", key, value)
		},
	})
	require.NoError(t, err)
	return made
}

func (o *Operator) report(_ *v1beta1.FlinkCluster, events []v1beta1.Event) {
	if o.crashed() {
		return
	}
	for _, event := range events {
		o.world.note("%s event %s: %s", o.Name, event.Reason, event.Message)
	}
	o.world.mutex.Lock()
	defer o.world.mutex.Unlock()
	o.world.events = append(o.world.events, events...)
}

// Stop ends the operator in good order.
func (o *Operator) Stop() {
	o.stop()
	<-o.ended
	o.world.note("%s has stopped", o.Name)
}

// Operators returns the instances that were started so far, in order.
func (w *World) Operators() []*Operator {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.operators)
}

// CutOffFromFlink has all calls of Flink by an operator lost, or lets them pass again.
func (w *World) CutOffFromFlink(operator *Operator, cut bool) {
	operator.mutex.Lock()
	defer operator.mutex.Unlock()
	operator.cutOff = cut
}

func (o *Operator) isCutOff() bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.cutOff
}

// StopOperators ends all operators in good order.
func (w *World) StopOperators() {
	for _, operator := range w.Operators() {
		operator.Stop()
	}
}

// Crash ends the operator at once, and has another one started soon. It may be called by an injector.
func (o *Operator) Crash() { o.crash(nil) }

// CrashInto is Crash, after which the other one begins with a view of the past.
func (o *Operator) CrashInto(past Past) { o.crash(&past) }

func (o *Operator) crash(past *Past) {
	o.mutex.Lock()
	already := o.fenced
	o.fenced = true
	o.mutex.Unlock()
	if already {
		return
	}
	o.world.note("%s crashes", o.Name)
	o.world.running.Go(func() {
		o.Stop()
		select {
		case <-time.After(OperatorRestarts):
			o.world.launch(past)
		case <-o.world.ends.Done():
		}
	})
}

// Fence has nothing that the operator still does take effect. It goes on, and nobody takes its place.
func (o *Operator) Fence() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.fenced = true
}

func (o *Operator) crashed() bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.fenced
}

func (w *World) operatorOf(userAgent string) *Operator {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, operator := range w.operators {
		if operator.Name == userAgent {
			return operator
		}
	}
	return nil
}
