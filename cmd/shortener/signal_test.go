package main

import (
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestSignals sends signals to the real program.
func TestSignals(t *testing.T) {
	binary := build(t)
	ended := func(p *process) syscall.WaitStatus {
		t.Helper()
		select {
		case <-p.exited:
		case <-time.After(time.Minute):
			t.Fatalf("got no end\n%s", p.log)
		}
		return p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := launch(t, binary, t.TempDir())
		if err := p.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if status := ended(p); status.ExitStatus() != exitDone {
			t.Errorf("%s: got status %v; want exit code 0\n%s", signal, status, p.log)
		}
		if _, ok := p.log.wait("stopped"); !ok {
			t.Errorf("%s: got no last line\n%s", signal, p.log)
		}
	}

	// A visitor who never ends a request holds the program for the time to drain,
	// unless somebody insists.
	p := launch(t, binary, t.TempDir(), "--drain-timeout", "10m")
	conn, err := net.Dial("tcp", p.redirect)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /a HTTP/1.1\r\n")
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			break // it is gone
		}
	}
	if status := ended(p); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("second signal: got status %v; want death by it\n%s", status, p.log)
	}
}

// TestVersionOfTheBinary: what is built says what it is.
func TestVersionOfTheBinary(t *testing.T) {
	out, err := exec.Command(build(t), "--version").Output()
	if err != nil || len(out) < len("shortener x go1.26\n") {
		t.Errorf("got %q, %v; want a version", out, err)
	}
}
