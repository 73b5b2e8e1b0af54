package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"herald.example/internal/command/commandtest"
)

// apartBase is the base of short URLs where the redirect moves: nobody listens
// there, and a gate leads to where it is.
const apartBase = "http://127.0.0.1:1"

// apart is the real shortener as a process of its own.
type apart struct {
	t       *testing.T
	binary  string
	data    string
	base    string // empty: the address of the redirect
	control string // as --control takes it
	door    gate

	process *commandtest.Process // the newest
}

// newApart starts a shortener that ends with the test. On a socket it can be killed
// and run again.
func newApart(t *testing.T, binary, control string) *apart {
	t.Helper()
	a := &apart{t: t, binary: binary, data: t.TempDir(), control: control}
	if strings.HasPrefix(control, "unix:") {
		a.base = apartBase
	}
	a.run()
	return a
}

// run starts the process and waits until it is ready.
func (a *apart) run() {
	a.t.Helper()
	args := []string{"serve", "--data", a.data, "--listen", "127.0.0.1:0", "--control", a.control, "--log-format", "json"}
	if a.base != "" {
		args = append(args, "--short-base", a.base)
	}
	a.process = commandtest.Exec(a.t, a.binary, args...)
	ready := a.process.Serving()
	a.control = ready["control"].(string)
	a.door.set(ready["redirect"].(string))
}

// kill kills the process, if it runs, and waits for its end.
func (a *apart) kill() { a.process.Kill() }

// gate leads to the redirect of the process that runs now.
func (a *apart) gate() http.RoundTripper { return &a.door }

// flags are what a sharing API needs to find it.
func (a *apart) flags() []string {
	where := a.control
	if !strings.HasPrefix(where, "unix:") {
		where = "http://" + where
	}
	return []string{"--shortener", where, "--shortener-token-file", filepath.Join(a.data, "control.token")}
}

// shortPath is a path that is short enough for a socket.
func shortPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "h")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return fmt.Sprintf("%s/control", dir)
}

// gate sends requests to an address that may change, whatever their host is called.
type gate struct{ address atomic.Pointer[string] }

// set says where requests go from now on.
func (g *gate) set(address string) { g.address.Store(&address) }

// RoundTrip sends a request on a connection of its own.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	to := *g.address.Load()
	return (&http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, to)
		},
	}).RoundTrip(r)
}
