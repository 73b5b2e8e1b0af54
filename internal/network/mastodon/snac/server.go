// Package snac starts snac2, a small real server that speaks Mastodon's API and
// federates, for tests. It listens on this machine only and ends with the test.
//
// The environment's SNAC_BIN names the program; .ci/get-snac installs one. Where it
// is not set the test is skipped, but not in a run that says CI=true: there a
// real server that is missing is a failure.
package snac

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"herald.example/internal/site"
)

// Limits of a server's life.
const (
	startTime = 20 * time.Second      // a machine that is busy makes keys slowly
	stopTime  = time.Second           // then it is killed: what it has is thrown away
	pause     = 50 * time.Millisecond // between two looks
)

// Server is a running server with one user.
type Server struct {
	URL   string // base URL, http://localhost:port
	Host  string // localhost:port
	Name  string // of the user
	Token string // of the user, for the API

	bin, dir, password string
	id                 string // of the user, as the API has it
	log                buffer
}

// Start starts a server with a user of that name, and gets a token for them.
func Start(t *testing.T, name string) *Server {
	t.Helper()
	s := &Server{Name: name, bin: binary(t), dir: filepath.Join(t.TempDir(), "snac")}
	s.Host = fmt.Sprintf("localhost:%d", freePort(t))
	s.URL = "http://" + s.Host
	s.init(t)
	s.serve(t)
	s.login(t)
	return s
}

// Opened is the user's account with its credentials, as the Mastodon adapter
// introduces it.
func (s *Server) Opened() site.Opened {
	return site.Opened{Site: "site", Identity: "identity", Provider: "mastodon",
		Account:     site.Account{ID: s.id + "@" + s.Host, Name: s.Name + "@" + s.Host, Server: s.URL, URL: s.URL + "/" + s.Name},
		Credentials: site.Credentials{Access: site.Secret(s.Token)}}
}

// binary is the program, or the end of the test.
func binary(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("SNAC_BIN")
	if bin == "" {
		const words = "there is no snac: run `.ci/get-snac DIR` and set SNAC_BIN=DIR/root/usr/bin/snac"
		if os.Getenv("CI") == "true" {
			t.Fatal(words)
		}
		t.Skip(words)
	}
	return bin
}

// freePort is a port that was free a moment ago. The server's host name has it, so
// that it must be known before the server is made.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// run runs the program to its end.
func (s *Server) run(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.bin, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("snac %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

// init makes the server's folder and its user.
func (s *Server) init(t *testing.T) {
	t.Helper()
	_, port, _ := strings.Cut(s.Host, ":")
	s.run(t, fmt.Sprintf("127.0.0.1\n%s\n%s\n\n\n", port, s.Host), "init", s.dir)

	path := filepath.Join(s.dir, "server.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("settings of snac: %v", err)
	}
	settings := map[string]any{}
	if err := json.Unmarshal(data, &settings); err != nil {
		t.Fatalf("settings of snac: %v", err)
	}
	settings["protocol"] = "http"
	settings["disable_sandbox"] = true
	if data, err = json.Marshal(settings); err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatalf("settings of snac: %v", err)
	}

	out := s.run(t, "\n", "adduser", s.dir, s.Name)
	_, rest, found := strings.Cut(out, "password is ")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		t.Fatalf("got %q from snac adduser; want a password in it", out)
	}
	s.password = fields[0]
}

// serve starts the server, and stops it when the test ends.
func (s *Server) serve(t *testing.T) {
	t.Helper()
	cmd := exec.Command(s.bin, "httpd", s.dir) // its life ends in Cleanup: t.Context ends before, and would kill
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start snac: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() //nolint:errcheck // the log says more
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		select {
		case <-ended:
		case <-time.After(stopTime):
			cmd.Process.Kill() //nolint:errcheck // it may have ended
			<-ended
		}
		if t.Failed() {
			t.Logf("log of snac at %s:\n%s", s.URL, s.log.String())
		}
	})
	Await(t, startTime, "snac answers", func() bool {
		select {
		case <-ended:
			t.Fatalf("snac ended:\n%s", s.log.String())
		default:
		}
		response, err := client.Get(s.URL + "/api/v1/instance")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// Await looks until something is so, and fails the test when it is not within a
// time.
func Await(t *testing.T, within time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !is(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not: %s", within, what)
		}
	}
}

// client connects to this machine only.
var client = &http.Client{
	Timeout: time.Minute, // a page with a post of 100 000 characters takes seconds
	Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
			if host, _, err := net.SplitHostPort(address); err != nil || !net.ParseIP(host).IsLoopback() {
				return errors.New("not an address of this machine")
			}
			return nil
		}}).DialContext,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// buffer keeps what a process writes. It is safe for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

// Write appends.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is everything so far.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
