package commandtest

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Build builds the program of a folder as it is shipped. The folder is seen from the
// test's, such as "." or "../shortener".
func Build(t testing.TB, folder string) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "program")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, folder).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// Process is a program that runs apart from the test, so that it can be killed.
type Process struct {
	Cmd    *exec.Cmd
	Log    *Log
	Exited chan struct{} // closed when it has ended

	t testing.TB
}

// Exec starts a binary and does not wait for it. It is killed when the test ends.
func Exec(t testing.TB, binary string, args ...string) *Process {
	t.Helper()
	p := &Process{Cmd: exec.Command(binary, args...), Log: NewLog(), Exited: make(chan struct{}), t: t}
	p.Cmd.Stderr = p.Log
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.Cmd.Wait() // it is killed
		p.Log.End()
		close(p.Exited)
	}()
	t.Cleanup(p.Kill)
	return p
}

// hangs makes a program that takes longer than a minute say where it stands.
func (p *Process) hangs() *time.Timer {
	return time.AfterFunc(time.Minute, func() { _ = p.Cmd.Process.Signal(syscall.SIGQUIT) })
}

// Serving waits until the program is ready, and returns the attributes of the log line
// that said so.
func (p *Process) Serving() map[string]any {
	p.t.Helper()
	defer p.hangs().Stop()
	ready, ok := p.Log.Wait("ready")
	if !ok {
		p.t.Fatalf("got no ready program\n%s", p.Log)
	}
	return ready
}

// Kill kills the program and waits for its end.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill() // fails when it is dead already
	<-p.Exited
}

// KillStopping tells the program to stop and kills it after a while.
func (p *Process) KillStopping(after time.Duration) {
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	time.Sleep(after)
	p.Kill()
}

// End tells the program to stop and wants it to end well.
func (p *Process) End() {
	p.t.Helper()
	defer p.hangs().Stop()
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	<-p.Exited
	if code := p.Cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("stop: got exit code %d; want 0\n%s", code, p.Log)
	}
}
