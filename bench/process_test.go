//go:build linux

package bench

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReadyLine(t *testing.T) {
	tests := []struct {
		name, line        string
		redirect, control string
		ok                bool
	}{
		{"text", `time=2026-11-21T23:00:00Z level=INFO msg=ready redirect=127.0.0.1:8080 control=127.0.0.1:8081`, "127.0.0.1:8080", "127.0.0.1:8081", true},
		{"json", `{"time":"2026-11-21","level":"INFO","msg":"ready","redirect":"127.0.0.1:8080","control":"127.0.0.1:8081"}`, "127.0.0.1:8080", "127.0.0.1:8081", true},
		{"with scheme", `level=INFO msg=ready control=http://127.0.0.1:8081 redirect=http://127.0.0.1:8080`, "127.0.0.1:8080", "127.0.0.1:8081", true},
		{"another message", `level=INFO msg=settings redirect=127.0.0.1:8080 control=127.0.0.1:8081`, "", "", false},
		{"no address", `level=INFO msg=ready`, "", "", false},
		{"bad address", `level=INFO msg=ready redirect=127.0.0.1:80800`, "", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			at, ok := readyLine(test.line)
			if ok != test.ok {
				t.Fatalf("got %v; want %v", ok, test.ok)
			}
			if ok && (at.Redirect != netip.MustParseAddrPort(test.redirect) || at.Control != netip.MustParseAddrPort(test.control)) {
				t.Errorf("got %v, %v; want %s, %s", at.Redirect, at.Control, test.redirect, test.control)
			}
		})
	}
}

// burn uses the processor for a while.
func burn(t *testing.T, duration time.Duration) {
	t.Helper()
	start, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for {
		if now, err := cpuOf(os.Getpid()); err != nil || now-start >= duration {
			return
		}
	}
}

// TestCPUOf compares the clock of the process with what the kernel says of us in
// another way.
func TestCPUOf(t *testing.T) {
	burn(t, 100*time.Millisecond)
	got, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	want := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	if diff := (got - want).Abs(); diff > 50*time.Millisecond {
		t.Errorf("processor time: got %v; want about %v", got, want)
	}
}

func TestMachineBusy(t *testing.T) {
	before, err := machineBusy()
	if err != nil {
		t.Fatal(err)
	}
	burn(t, 200*time.Millisecond)
	after, err := machineBusy()
	if err != nil {
		t.Fatal(err)
	}
	if got := after - before; got < 150*time.Millisecond {
		t.Errorf("the machine was busy for %v; want at least about the 200 ms that we used", got)
	}
}

func TestNeighbours(t *testing.T) {
	for _, kind := range []Neighbour{Sequential, Pages} {
		t.Run(string(kind), func(t *testing.T) {
			dir := t.TempDir()
			p, err := StartNeighbour(kind, dir)
			if err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(20 * time.Second); ; {
				written, err := p.Written()
				if err != nil {
					t.Fatalf("%v; log: %s", err, p.log())
				}
				if written > 4<<20 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("written after 20 s: got %d bytes; want some MiB", written)
				}
			}
			if err := p.Kill(); err != nil {
				t.Error(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil && !errors.Is(err, fs.ErrNotExist) || len(entries) > 0 {
				t.Errorf("left behind: got %v, %v; want nothing", entries, err)
			}
		})
	}
}

func TestStartServerSaysWhy(t *testing.T) {
	_, err := StartServer(childCommand("nonsense"))
	if err == nil || !strings.Contains(err.Error(), "no such child") {
		t.Errorf("got error %v; want the end of the log in it", err)
	}
}
