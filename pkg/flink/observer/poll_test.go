package observer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestObservation(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		assert.Equal(t, flink.Observation{}, f.Observation(cluster))
		f.client.set(func(c *fakeClient) {
			c.jobs = []flink.Job{running(otherID), running(jobID), {ID: triggerID, Status: flink.JobFinished}}
			c.statistics = &flink.CheckpointStatistics{Completed: &flink.Snapshot{ID: 3, Location: "file:/3"}}
		})
		f.Watch(cluster, target(Stable))
		assert.Equal(t, jobID, f.Observation(cluster).JobID)
		advance(time.Millisecond)
		job := running(jobID)
		assert.Equal(t, flink.Observation{
			JobID: jobID, Reachable: true, AnsweredAt: f.start, Version: "2.1.3", Job: &job,
			Checkpoints: &flink.CheckpointStatistics{Completed: &flink.Snapshot{ID: 3, Location: "file:/3"}},
			Effects:     map[string]flink.EffectResult{},
		}, f.Observation(cluster))
		assert.Equal(t, 1, f.notifications())

		// The caller owns what it got.
		f.Observation(cluster).Checkpoints.Completed.ID = 99
		assert.Equal(t, int64(3), f.Observation(cluster).Checkpoints.Completed.ID)

		f.Forget(cluster)
		assert.Equal(t, flink.Observation{}, f.Observation(cluster))
		advance(time.Hour)
		assert.Len(t, f.client.pollTimes(baseURL, f.start), 1)
	})
}

func TestVersionIsAskedOncePerReachableJobManager(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, target(Stable))
		advance(time.Minute)
		assert.Equal(t, 1, f.client.count("Version"))
		f.client.set(func(c *fakeClient) { c.err = errSilent })
		advance(time.Minute)
		assert.Equal(t, "2.1.3", f.Observation(cluster).Version)
		f.client.set(func(c *fakeClient) { c.err, c.version = nil, "2.2.0" })
		advance(time.Minute)
		assert.Equal(t, 2, f.client.count("Version"))
		assert.Equal(t, "2.2.0", f.Observation(cluster).Version)
	})
}

// Each step changes one thing and says whether that has a meaning.
func TestNotifyOnMeaningOnly(t *testing.T) {
	checkpoint := func(id int64) *flink.Snapshot { return &flink.Snapshot{ID: id, Location: "file:/c"} }
	steps := []struct {
		name   string
		change func(*fakeClient)
		want   int
	}{
		{"first answer", func(*fakeClient) {}, 1},
		{"nothing", func(*fakeClient) {}, 0},
		{"one task down", func(c *fakeClient) { c.jobs[0].RunningTasks = 0 }, 1},
		{"task up", func(c *fakeClient) { c.jobs[0].RunningTasks = 1 }, 1},
		{"first checkpoint", func(c *fakeClient) { c.statistics.Completed = checkpoint(1) }, 1},
		{"periodic checkpoint", func(c *fakeClient) { c.statistics.Completed = checkpoint(2) }, 0},
		{"savepoint", func(c *fakeClient) {
			c.statistics.Savepoint = &flink.Snapshot{ID: 3, Location: "file:/s", Savepoint: true}
		}, 1},
		{"restored", func(c *fakeClient) { c.statistics.Restored = checkpoint(2) }, 1},
		{"one lost answer", func(c *fakeClient) { c.err = errSilent }, 0},
		{"two lost answers", func(*fakeClient) {}, 1},
		{"three lost answers", func(*fakeClient) {}, 0},
		{"back again", func(c *fakeClient) { c.err = nil }, 1},
		{"missing once", func(c *fakeClient) { c.jobs = []flink.Job{} }, 1},
		{"missing twice", func(*fakeClient) {}, 1},
		{"missing three times", func(*fakeClient) {}, 0},
		{"another job", func(c *fakeClient) { c.jobs = []flink.Job{running(otherID)} }, 0},
		{"found again", func(c *fakeClient) { c.jobs = []flink.Job{running(jobID)} }, 1},
		{"restarting", func(c *fakeClient) {
			c.jobs[0].Status, c.exceptions = flink.JobRestarting, []string{"a.B: c"}
		}, 1},
		{"another cause", func(c *fakeClient) { c.exceptions = []string{"a.C: d", "a.B: c"} }, 1},
		{"the same causes", func(*fakeClient) {}, 0},
		{"running", func(c *fakeClient) { c.jobs[0].Status = flink.JobRunning }, 1},
	}
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, target(Paused))
		for _, step := range steps {
			f.client.set(step.change)
			f.Watch(cluster, target(Stable))
			advance(time.Millisecond)
			f.Watch(cluster, target(Paused))
			assert.Equal(t, step.want, f.notifications(), step.name)
		}
	})
}

func TestMissingCountsAnswersOnly(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.err = errSilent })
		f.Watch(cluster, target(Stable))
		advance(10 * time.Minute)
		assert.Zero(t, f.Observation(cluster).MissingAnswers)
		f.client.set(func(c *fakeClient) { c.err, c.jobs = nil, nil })
		advance(10 * time.Minute)
		assert.Greater(t, f.Observation(cluster).MissingAnswers, 2)
		assert.Nil(t, f.Observation(cluster).Job)
		since := f.Observation(cluster).MissingSince
		assert.WithinDuration(t, f.start.Add(10*time.Minute), since, time.Minute)

		// After a silence it may be another JobManager, whose time begins anew.
		f.client.set(func(c *fakeClient) { c.err = errSilent })
		advance(2 * time.Minute)
		assert.Zero(t, f.Observation(cluster).MissingSince)
		f.client.set(func(c *fakeClient) { c.err = nil })
		advance(2 * time.Minute)
		assert.True(t, f.Observation(cluster).MissingSince.After(since))
	})
}

func TestSilenceKeepsWhatIsKnown(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) {
			c.statistics = &flink.CheckpointStatistics{Completed: &flink.Snapshot{ID: 3, Location: "file:/3"}}
		})
		f.Watch(cluster, target(Stable))
		advance(time.Minute)
		f.client.set(func(c *fakeClient) { c.err = errSilent })
		advance(time.Minute)
		observation := f.Observation(cluster)
		assert.False(t, observation.Reachable)
		require.NotNil(t, observation.Job)
		assert.Equal(t, int64(3), observation.Checkpoints.Completed.ID)

		// A JobManager that has just come back has empty statistics until it restored the job.
		f.client.set(func(c *fakeClient) { c.err, c.statistics = nil, &flink.CheckpointStatistics{} })
		advance(time.Minute)
		assert.True(t, f.Observation(cluster).Reachable)
		assert.Equal(t, int64(3), f.Observation(cluster).Checkpoints.Completed.ID)
	})
}

func TestSessionClusterHasNoJobToMiss(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		session := target(Stable)
		session.JobID = ""
		f.Watch(cluster, session)
		advance(time.Minute)
		observation := f.Observation(cluster)
		assert.Zero(t, observation.MissingAnswers)
		assert.Nil(t, observation.Job)
		assert.Zero(t, f.client.count("Checkpoints"))
	})
}

func TestCheckpointsWhileStarting(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.jobs[0].Status = flink.JobInitializing })
		f.Watch(cluster, target(Starting))
		advance(time.Minute)
		assert.Zero(t, f.client.count("Checkpoints"))
		f.client.set(func(c *fakeClient) { c.jobs[0].Status = flink.JobFailed })
		advance(2 * time.Second)
		assert.NotZero(t, f.client.count("Checkpoints"))
		assert.NotZero(t, f.client.count("Exceptions"))
	})
}

// Flink answers statistics from a cache of three seconds: what is read when a job ends may lack its last checkpoint.
func TestTheLastWordOnAnEndedJob(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) {
			c.statistics = &flink.CheckpointStatistics{Completed: &flink.Snapshot{ID: 3, Location: "file:/3"}}
		})
		f.Watch(cluster, target(Stable))
		advance(time.Minute)
		f.client.set(func(c *fakeClient) { c.jobs[0].Status = flink.JobFailed })
		f.PollNow(cluster)
		advance(time.Millisecond)
		assert.False(t, f.Observation(cluster).CheckpointsFinal)
		f.notifications()

		f.client.set(func(c *fakeClient) { c.statistics.Completed.ID = 4 })
		advance(3200 * time.Millisecond)
		observation := f.Observation(cluster)
		assert.True(t, observation.CheckpointsFinal)
		assert.Equal(t, int64(4), observation.Checkpoints.Completed.ID)
		assert.Equal(t, 1, f.notifications())
	})
}

func TestOperationIsFollowedToItsEnd(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.operation = flink.OperationNotFound })
		following := target(Operation)
		following.TriggerID = triggerID
		f.Watch(cluster, following)
		advance(900 * time.Millisecond)
		assert.Nil(t, f.Observation(cluster).Operation, "a 404 is not believed at once")
		advance(2 * time.Second)
		assert.Equal(t, flink.OperationNotFound, f.Observation(cluster).Operation.State)
		f.client.set(func(c *fakeClient) { c.operation = flink.OperationSucceeded })
		advance(2 * time.Second)
		f.notifications()

		// Flink forgets the result; we do not.
		f.client.set(func(c *fakeClient) { c.operation = flink.OperationNotFound })
		advance(time.Hour)
		assert.Equal(t, flink.OperationSucceeded, f.Observation(cluster).Operation.State)
		assert.Zero(t, f.notifications())

		following.TriggerID = ""
		f.Watch(cluster, following)
		assert.Nil(t, f.Observation(cluster).Operation)
	})
}

func TestAnotherTargetStartsFromNothing(t *testing.T) {
	change := map[string]func(*Target){
		"uid":      func(t *Target) { t.UID = "other" },
		"base URL": func(t *Target) { t.BaseURL = "http://two:8081" },
		"job id":   func(t *Target) { t.JobID = otherID },
		"attempt":  func(t *Target) { t.Attempt++ },
	}
	for name, apply := range change {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, f *fixture) {
				f.Watch(cluster, target(Stable))
				advance(time.Minute)
				f.client.set(func(c *fakeClient) { c.hang["http://one:8081"] = true })
				f.PollNow(cluster)
				advance(time.Second)
				f.notifications()

				// A poll of the old target is in flight; its end neither counts nor holds the new one back.
				f.client.set(func(c *fakeClient) { c.hang = map[string]bool{} })
				next := target(Paused)
				apply(&next)
				f.Watch(cluster, next)
				assert.Equal(t, flink.Observation{JobID: next.JobID, Attempt: next.Attempt, Effects: map[string]flink.EffectResult{}},
					f.Observation(cluster))
				next.Pace = Stable
				f.Watch(cluster, next)
				advance(time.Millisecond)
				assert.True(t, f.Observation(cluster).Reachable)
				assert.Equal(t, 1, f.client.maxPerHost)
				assert.Equal(t, 1, f.notifications())
			})
		})
	}
}

func TestAHangDelaysNobodyElse(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		const clusters = 200
		for number := range clusters {
			key, target := named(number)
			if number < 20 {
				f.client.set(func(c *fakeClient) { c.hang[target.BaseURL] = true })
			}
			f.Watch(key, target)
		}
		advance(time.Millisecond)
		for number := 20; number < clusters; number++ {
			_, target := named(number)
			assert.Len(t, f.client.pollTimes(target.BaseURL, f.start), 1)
		}
		advance(10 * time.Minute)
		assert.Equal(t, 1, f.client.maxPerHost)
		assert.LessOrEqual(t, f.client.maxTotal, defaultConcurrency)
		_, healthy := named(100)
		for _, gap := range gaps(f.client.pollTimes(healthy.BaseURL, f.start)) {
			assert.LessOrEqual(t, gap, stableLongest)
		}
	})
}

// All hosts hang: the number of polls in flight stays bounded, and each host gets its turn.
func TestEverythingHangs(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		const clusters = 200
		for number := range clusters {
			key, target := named(number)
			f.client.set(func(c *fakeClient) { c.hang[target.BaseURL] = true })
			f.Watch(key, target)
		}
		advance(time.Minute)
		assert.Equal(t, defaultConcurrency, f.client.maxTotal)
		for number := range clusters {
			_, target := named(number)
			assert.NotEmpty(t, f.client.pollTimes(target.BaseURL, f.start))
		}
	})
}

func TestAPanicCostsOnePoll(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.panics = true })
		f.Watch(cluster, target(Stable))
		advance(time.Second)
		assert.False(t, f.Observation(cluster).Reachable)
		f.client.set(func(c *fakeClient) { c.panics = false })
		advance(15 * time.Second)
		assert.True(t, f.Observation(cluster).Reachable)
	})
}

func TestShutdownDropsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{client: newFakeClient(), start: time.Now()}
		f.Observer = New(Config{Client: f.client, Clock: clock.RealClock{}, Notify: f.notify})
		f.client.hang[baseURL], f.client.hangEffects = true, true
		f.Watch(cluster, target(Stable))
		f.Execute(cluster, flink.Effect{Kind: flink.CancelJob, JobID: jobID})
		ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), klog.Logger{}))
		ended := make(chan struct{})
		go func() {
			f.Run(ctx)
			close(ended)
		}()
		advance(time.Second)
		cancel()
		<-ended
		assert.Equal(t, time.Second, time.Since(f.start))
		assert.Empty(t, f.notified)
		observation := f.Observation(cluster)
		assert.False(t, observation.Reachable)
		assert.Equal(t, flink.OutcomePending, observation.EffectOutcome("CancelJob/"+jobID).Outcome)

		// Nothing is taken on afterwards.
		f.Execute(cluster, flink.Effect{Kind: flink.TriggerSavepoint, JobID: jobID, TriggerID: triggerID})
		assert.Empty(t, f.Observation(cluster).EffectOutcome(triggerID).Outcome)
	})
}
