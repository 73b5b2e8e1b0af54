// Package commandtest runs programs in tests.
package commandtest

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"herald.example/internal/command"
)

// Running is a server of a program, run in the test's process.
type Running struct {
	Ready  map[string]any // the attributes of the log line that said so
	Stdout *bytes.Buffer  // to be read when the program has stopped
	Log    *Log

	t    testing.TB
	stop context.CancelFunc
	done chan error // nil when the end was seen
}

// Start runs a command line until the test ends or Stop, and returns when the
// program is ready. It must log JSON.
func Start(t testing.TB, program command.Program, args ...string) *Running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &Running{Stdout: new(bytes.Buffer), Log: NewLog(), t: t, stop: stop, done: make(chan error, 1)}
	go func() {
		err := program.Run(ctx, args, r.Stdout, r.Log)
		r.Log.End()
		r.done <- err
	}()
	t.Cleanup(r.Stop)
	ready, ok := r.Log.Wait("ready")
	if !ok {
		err := <-r.done
		r.done = nil
		t.Fatalf("%s: got %v; want a server\n%s", args[0], err, r.Log)
	}
	r.Ready = ready
	return r
}

// Interrupt asks the program to stop and does not wait for it.
func (r *Running) Interrupt() { r.stop() }

// Stop asks the program to stop and wants it to end well. A second call does
// nothing.
func (r *Running) Stop() {
	r.t.Helper()
	if r.done == nil {
		return
	}
	r.stop()
	if err := <-r.done; err != nil {
		r.t.Errorf("stop: got %v; want nil\n%s", err, r.Log)
	}
	r.done = nil
}

// Execute runs one command line as main does, and returns what it printed and its
// exit code.
func Execute(t testing.TB, program command.Program, args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = program.Report(program.Run(t.Context(), args, &out, &errs), &errs)
	return out.String(), errs.String(), code
}

// Log is a log in JSON that can be waited on. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex // protects what follows
	changed *sync.Cond
	text    []byte
	ended   bool
}

// NewLog returns an empty log.
func NewLog() *Log {
	l := new(Log)
	l.changed = sync.NewCond(&l.mu)
	return l
}

// Write adds lines.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	l.changed.Broadcast()
	return len(p), nil
}

// End says that nothing more will come.
func (l *Log) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.changed.Broadcast()
}

// Wait returns the first line with the message, or false when the log ends
// without it.
func (l *Log) Wait(message string) (map[string]any, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for line := range bytes.Lines(l.text) {
			var entry map[string]any
			if json.Unmarshal(line, &entry) == nil && entry["msg"] == message {
				return entry, true
			}
		}
		if l.ended {
			return nil, false
		}
		l.changed.Wait()
	}
}

// String is the whole text so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// Eventually waits for something that happens elsewhere.
func Eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !happened(); {
		if time.Now().After(until) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
}
