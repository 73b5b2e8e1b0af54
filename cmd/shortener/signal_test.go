package main

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/command/commandtest"
)

// TestSignals sends signals to the real program.
func TestSignals(t *testing.T) {
	binary := commandtest.Build(t, ".")
	ended := func(p *process) syscall.WaitStatus {
		t.Helper()
		select {
		case <-p.Exited:
		case <-time.After(time.Minute):
			t.Fatalf("got no end\n%s", p.Log)
		}
		return p.Cmd.ProcessState.Sys().(syscall.WaitStatus)
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := launch(t, binary, t.TempDir())
		if err := p.Cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if status := ended(p); status.ExitStatus() != command.Done {
			t.Errorf("%s: got status %v; want exit code 0\n%s", signal, status, p.Log)
		}
		if _, ok := p.Log.Wait("stopped"); !ok {
			t.Errorf("%s: got no last line\n%s", signal, p.Log)
		}
	}

	// A visitor who never ends a request holds the program for the time to drain,
	// unless somebody insists. Only the program knows when it has read the first
	// bytes; the drain ends a connection of which it has not, so this may take
	// more than one visitor.
	for range 20 {
		p := launch(t, binary, t.TempDir(), "--drain-timeout", "10m")
		conn, err := net.Dial("tcp", p.redirect)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /a HTTP/1.1\r\n")
		if resp, err := http.Get("http://" + p.redirect + "/healthz"); err != nil {
			t.Fatal(err)
		} else {
			resp.Body.Close()
		}
		for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(10 * time.Millisecond) {
			if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
				break // it is gone
			}
		}
		status := ended(p)
		if status.Signaled() && status.Signal() == syscall.SIGTERM {
			return
		}
		if status.ExitStatus() != command.Done {
			t.Fatalf("got status %v; want death by the signal, or an orderly end\n%s", status, p.Log)
		}
	}
	t.Error("second signal: got an orderly end each time; want death by it")
}

// TestVersionOfTheBinary: what is built says what it is.
func TestVersionOfTheBinary(t *testing.T) {
	out, err := exec.Command(commandtest.Build(t, "."), "--version").Output()
	if err != nil || len(out) < len("shortener x go1.26\n") {
		t.Errorf("got %q, %v; want a version", out, err)
	}
}
