package main

import (
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"herald.example/internal/command/commandtest"
)

// buildProgram builds the program as it is shipped.
func buildProgram(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "sharing-api")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// process is the real program, run apart from the test.
type process struct {
	server
	cmd    *exec.Cmd
	log    *commandtest.Log
	exited chan struct{}
}

// execProgram starts "serve" on free ports and does not wait for it.
func execProgram(t *testing.T, binary, data string, args ...string) *process {
	t.Helper()
	p := &process{
		server: server{t: t, data: data},
		cmd:    exec.Command(binary, serveArgs(data, args...)...), log: commandtest.NewLog(), exited: make(chan struct{}),
	}
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // it is killed
		p.log.End()
		close(p.exited)
	}()
	t.Cleanup(func() { p.killed(nil) })
	return p
}

// ready waits until the program serves, and learns where; false when it died before.
func (p *process) ready() bool {
	line, ok := p.log.Wait("ready")
	if ok {
		p.api, p.redirect, p.control = line["api"].(string), line["redirect"].(string), line["control"].(string)
	}
	return ok
}

// launch starts the program and waits until it is ready. A program that hangs is
// made to say where.
func launch(t *testing.T, binary, data string, args ...string) *process {
	t.Helper()
	p := execProgram(t, binary, data, args...)
	hangs := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Signal(syscall.SIGQUIT) })
	defer hangs.Stop()
	if !p.ready() {
		t.Fatalf("got no ready program\n%s", p.log)
	}
	return p
}

// killed kills the program and waits for its end.
func (p *process) killed(*rand.Rand) {
	_ = p.cmd.Process.Kill() // fails when it is dead already
	<-p.exited
}

// killedWhileStopping tells the program to stop and kills it on the way.
func (p *process) killedWhileStopping(rng *rand.Rand) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	time.Sleep(time.Duration(rng.IntN(300_000)) * time.Microsecond)
	p.killed(rng)
}

// cutOff tells the program to stop and waits until it has, which it does though
// networks do not answer.
func (p *process) cutOff(*rand.Rand) { p.stopped() }

// stopped tells the program to stop and wants it to end well.
func (p *process) stopped() {
	p.t.Helper()
	hangs := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Signal(syscall.SIGQUIT) })
	defer hangs.Stop()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("stop: got exit code %d; want 0\n%s", code, p.log)
	}
}

// excused are words of trouble that death explains.
var excused = []string{
	// The time for draining is so short that a busy machine needs more.
	"requests that were cut off do not end",
}

// checkLog wants no word of anything that a person must look after: to be killed is
// nothing of the kind.
func (p *process) checkLog() {
	p.t.Helper()
	for line := range strings.Lines(p.log.String()) {
		trouble := strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "put_aside") || !strings.HasPrefix(line, "{")
		if trouble && !slices.ContainsFunc(excused, func(words string) bool { return strings.Contains(line, words) }) {
			p.t.Errorf("got trouble in the log: %s", line)
		}
	}
}
