package apiserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	readyTimeout = time.Minute
	stopTimeout  = 10 * time.Second
	pollInterval = 20 * time.Millisecond
	// logTail is how much of a log an error quotes, in bytes.
	logTail = 4 << 10
)

// process is a program that runs beside the test.
type process struct {
	name    string
	logFile string
	command *exec.Cmd
	exited  chan struct{}
}

// startProcess starts a program with its output in a file of the folder.
func startProcess(folder, program string, arguments ...string) (*process, error) {
	name := filepath.Base(program)
	logFile := filepath.Join(folder, name+".log")
	output, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }()
	// Not bound to a context: Stop says when it ends, and in which order.
	command := exec.Command(program, arguments...) //nolint:noctx // see above
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = endWithTest()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	started := &process{name: name, logFile: logFile, command: command, exited: make(chan struct{})}
	go func() {
		defer close(started.exited)
		// How it ended is in its log.
		_ = command.Wait()
	}()
	return started, nil
}

// waitReady polls until check succeeds. A program that has ended is not waited for.
func (p *process) waitReady(ctx context.Context, check func(context.Context) error) error {
	last := errors.New("none")
	err := wait.PollUntilContextTimeout(ctx, pollInterval, readyTimeout, true, func(ctx context.Context) (bool, error) {
		select {
		case <-p.exited:
			return false, errors.New("it has ended")
		default:
		}
		last = check(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w; last answer: %w; its log ends in:\n%s", p.name, err, last, p.tail())
	}
	return nil
}

// stop ends the program, if need be by force.
func (p *process) stop() error {
	// An error means that it has ended.
	_ = p.command.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-p.exited:
		return nil
	case <-timer.C:
	}
	_ = p.command.Process.Kill()
	<-p.exited
	return fmt.Errorf("%s had to be killed: it did not end within %s", p.name, stopTimeout)
}

func (p *process) tail() string {
	content, err := os.ReadFile(p.logFile)
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-logTail):])
}
