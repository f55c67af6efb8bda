package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
)

// trace is what a loop did, with the time of the bubble at which it did it. It is both sync and metrics of a runner.
type trace struct {
	mutex   sync.Mutex
	start   time.Time
	syncs   map[string][]time.Duration
	results []string
	answer  func(ctx context.Context, key string, call int) (Result, error)
}

func newTrace(answer func(ctx context.Context, key string, call int) (Result, error)) *trace {
	return &trace{start: time.Now(), syncs: map[string][]time.Duration{}, answer: answer}
}

func (tr *trace) sync(ctx context.Context, key string) (Result, error) {
	tr.mutex.Lock()
	tr.syncs[key] = append(tr.syncs[key], time.Since(tr.start))
	call := len(tr.syncs[key])
	tr.mutex.Unlock()
	return tr.answer(ctx, key, call)
}

func (tr *trace) SyncDone(_, result string, _ time.Duration) {
	tr.mutex.Lock()
	defer tr.mutex.Unlock()
	tr.results = append(tr.results, result)
}

func (tr *trace) of(key string) []time.Duration {
	tr.mutex.Lock()
	defer tr.mutex.Unlock()
	return tr.syncs[key]
}

// run runs a runner in a bubble until the test function returns.
func run(t *testing.T, tr *trace, change func(*Config[string]), test func(t *testing.T, runner *Runner[string])) {
	t.Helper()
	config := Config[string]{
		Name: "test", Sync: tr.sync, Workers: 2, Metrics: tr, Random: func() float64 { return 0 },
	}
	if change != nil {
		change(&config)
	}
	runner := New(config)
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), ktesting.NewLogger(t, ktesting.DefaultConfig)))
	var ended sync.WaitGroup
	ended.Go(func() { runner.Run(ctx) })
	test(t, runner)
	cancel()
	ended.Wait()
}

func seconds(values ...float64) []time.Duration {
	durations := make([]time.Duration, 0, len(values))
	for _, value := range values {
		durations = append(durations, time.Duration(value*float64(time.Second)))
	}
	return durations
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	pods := schema.GroupResource{Resource: "pods"}
	cases := map[string]struct {
		answer  func(call int) (Result, error)
		syncs   []time.Duration // within 10 s
		results []string
	}{
		"success": {
			answer:  func(int) (Result, error) { return Result{}, nil },
			syncs:   seconds(0),
			results: []string{ResultSuccess},
		},
		"requeue": {
			answer: func(call int) (Result, error) {
				return Result{RequeueAfter: time.Duration(max(0, 3-call)) * time.Second}, nil
			},
			syncs:   seconds(0, 2, 3),
			results: []string{ResultRequeue, ResultRequeue, ResultSuccess},
		},
		"errors back off, success forgets": {
			answer: func(call int) (Result, error) {
				switch call {
				case 1, 2, 3, 5:
					return Result{RequeueAfter: time.Hour}, errors.New("no answer")
				case 4:
					return Result{RequeueAfter: time.Second}, nil
				}
				return Result{}, nil
			},
			syncs:   seconds(0, 0.1, 0.3, 0.7, 1.7, 1.8),
			results: []string{ResultError, ResultError, ResultError, ResultRequeue, ResultError, ResultSuccess},
		},
		"conflict and not found are tried again": {
			answer: func(call int) (Result, error) {
				switch call {
				case 1:
					return Result{}, fmt.Errorf("writing: %w", apierrors.NewConflict(pods, "a", errors.New("modified")))
				case 2:
					return Result{}, fmt.Errorf("reading: %w", apierrors.NewNotFound(pods, "a"))
				}
				return Result{}, nil
			},
			syncs:   seconds(0, 0.1, 0.3),
			results: []string{ResultConflict, ResultConflict, ResultSuccess},
		},
		"panic": {
			answer: func(call int) (Result, error) {
				if call < 3 {
					panic("a nil map")
				}
				return Result{}, nil
			},
			syncs:   seconds(0, 0.1, 0.3),
			results: []string{ResultPanic, ResultPanic, ResultSuccess},
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := newTrace(func(_ context.Context, _ string, call int) (Result, error) { return test.answer(call) })
				run(t, tr, nil, func(t *testing.T, runner *Runner[string]) {
					runner.Add("a")
					time.Sleep(10 * time.Second)
					require.Equal(t, test.syncs, tr.of("a"))
					require.Equal(t, test.results, tr.results)
				})
			})
		})
	}
}

// One bad object costs itself, and nobody else.
func TestPanicLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("boom")
		tr := newTrace(func(_ context.Context, key string, _ int) (Result, error) {
			if key == "poison" {
				panic(cause)
			}
			return Result{RequeueAfter: time.Second}, nil
		})
		var values []any
		run(t, tr, func(config *Config[string]) {
			config.Workers = 1
			config.OnPanic = func(key string, value any) {
				require.Equal(t, "poison", key)
				values = append(values, value)
			}
		}, func(t *testing.T, runner *Runner[string]) {
			runner.Add("poison")
			runner.Add("good")
			time.Sleep(time.Minute + time.Millisecond)
			require.Len(t, tr.of("good"), 61)
			require.Len(t, tr.of("poison"), 10, "it backs off")
			require.Len(t, values, 10)
			require.Equal(t, cause, values[0])
		})
	})
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTrace(func(ctx context.Context, _ string, call int) (Result, error) {
			if call == 1 {
				<-ctx.Done()
				return Result{}, context.Cause(ctx)
			}
			return Result{}, nil
		})
		run(t, tr, func(config *Config[string]) { config.Deadline = 5 * time.Second },
			func(t *testing.T, runner *Runner[string]) {
				runner.Add("a")
				time.Sleep(time.Minute)
				require.Equal(t, seconds(0, 5.1), tr.of("a"))
				require.Equal(t, []string{ResultError, ResultSuccess}, tr.results)
			})
	})
}

// Adds during a sync cause one more sync, after it; two workers never have the same key.
func TestOneWorkerPerKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTrace(func(context.Context, string, int) (Result, error) {
			time.Sleep(time.Second)
			return Result{}, nil
		})
		run(t, tr, nil, func(t *testing.T, runner *Runner[string]) {
			runner.Add("a")
			time.Sleep(time.Millisecond)
			for range 5 {
				runner.Add("a")
			}
			runner.Add("b")
			time.Sleep(10 * time.Second)
			require.Equal(t, seconds(0, 1), tr.of("a"))
			require.Equal(t, seconds(0.001), tr.of("b"))
		})
	})
}

func TestAddAfterKeepsTheEarliest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTrace(func(context.Context, string, int) (Result, error) { return Result{}, nil })
		run(t, tr, nil, func(t *testing.T, runner *Runner[string]) {
			runner.AddAfter("a", time.Minute)
			runner.AddAfter("a", time.Second)
			runner.AddAfter("a", time.Hour)
			time.Sleep(30 * time.Second)
			require.Equal(t, seconds(1), tr.of("a"))
		})
	})
}

// A user who mends an object does not wait for the failures it had before.
func TestAddFresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTrace(func(context.Context, string, int) (Result, error) { return Result{}, errors.New("wrong") })
		run(t, tr, func(config *Config[string]) { config.BaseDelay = 10 * time.Second },
			func(t *testing.T, runner *Runner[string]) {
				runner.Add("a")
				time.Sleep(15 * time.Second)
				require.Equal(t, seconds(0, 10), tr.of("a"))
				runner.AddFresh("a")
				time.Sleep(11 * time.Second)
				require.Equal(t, seconds(0, 10, 15, 25), tr.of("a"))
			})
	})
}

// After the end of the context running syncs are told and waited for, and no new one begins.
func TestShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := newTrace(func(ctx context.Context, _ string, _ int) (Result, error) {
			<-ctx.Done()
			time.Sleep(3 * time.Second) // it takes its time to end
			return Result{}, ctx.Err()
		})
		runner := New(Config[string]{Name: "test", Sync: tr.sync, Metrics: tr})
		for _, key := range []string{"a", "b", "c"} {
			runner.Add(key)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan time.Duration)
		go func() {
			runner.Run(ctx)
			ended <- time.Since(tr.start)
		}()
		time.Sleep(time.Second)
		require.Equal(t, 2, runner.Len())
		cancel()
		require.Equal(t, 4*time.Second, <-ended)
		require.Equal(t, seconds(0), tr.of("a"))
		require.Empty(t, tr.of("b"))
		require.Empty(t, tr.of("c"))
		require.Equal(t, []string{ResultStopped}, tr.results)
		runner.Add("d") // an informer may still call
	})
}

// A replica that never led has runners that never ran: running them with a context that is done ends their goroutines.
func TestRunWithDoneContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runner := New(Config[string]{Sync: func(context.Context, string) (Result, error) {
			t.Error("nothing must be synced")
			return Result{}, nil
		}})
		runner.Add("a")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		runner.Run(ctx)
	})
}

func TestLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logger := ktesting.NewLogger(t, ktesting.NewConfig(ktesting.BufferLogs(true)))
		runner := New(Config[string]{Name: "control",
			Sync: func(ctx context.Context, _ string) (Result, error) {
				klog.FromContext(ctx).Info("Hello")
				return Result{}, errors.New("refused")
			}})
		ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logger))
		var ended sync.WaitGroup
		ended.Go(func() { runner.Run(ctx) })
		runner.Add("default/wordcount")
		synctest.Wait()
		cancel()
		ended.Wait()
		sink, isUnderlier := logger.GetSink().(ktesting.Underlier)
		require.True(t, isUnderlier)
		text := sink.GetBuffer().String()
		require.Contains(t, text, `Hello controller="control" key="default/wordcount"`)
		require.Contains(t, text, `Sync failed, trying again err="refused" controller="control" key="default/wordcount" failures=1`)
	})
}
