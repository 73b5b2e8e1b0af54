package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is the whole program, run in this process by run.
type server struct {
	t        testing.TB
	data     string
	redirect string // host:port
	control  string // as --control takes it
	stdout   *bytes.Buffer
	log      *logReader
	stop     context.CancelFunc
	done     chan error
}

// start runs "serve" on free ports until the test ends or stopped.
func start(t testing.TB, data string, args ...string) *server {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &server{t: t, data: data, stdout: new(bytes.Buffer), log: newLogReader(), stop: stop, done: make(chan error, 1)}
	args = append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--log-format", "json"}, args...)
	go func() {
		err := program.Run(ctx, args, s.stdout, s.log)
		s.log.end()
		s.done <- err
	}()
	t.Cleanup(func() { s.shutdown() })
	ready, ok := s.log.wait("ready")
	if !ok {
		t.Fatalf("serve: got %v; want a server\n%s", <-s.done, s.log)
	}
	s.redirect, s.control = ready["redirect"].(string), ready["control"].(string)
	return s
}

// shutdown stops the program and wants it to end well. A second call does
// nothing.
func (s *server) shutdown() {
	s.t.Helper()
	if s.done == nil {
		return
	}
	s.stop()
	if err := <-s.done; err != nil {
		s.t.Errorf("serve: got %v; want nil\n%s", err, s.log)
	}
	s.done = nil
}

// logReader is a log in JSON that can be waited on.
type logReader struct {
	mu      sync.Mutex // protects what follows
	changed *sync.Cond
	text    []byte
	ended   bool
}

func newLogReader() *logReader {
	l := new(logReader)
	l.changed = sync.NewCond(&l.mu)
	return l
}

func (l *logReader) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	l.changed.Broadcast()
	return len(p), nil
}

func (l *logReader) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.changed.Broadcast()
}

// wait returns the first line with the message, or false when the log ends
// without it.
func (l *logReader) wait(message string) (map[string]any, bool) {
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

func (l *logReader) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// command runs a command against the server and returns what it printed and its
// exit code.
func (s *server) command(args ...string) (stdout, stderr string, code int) {
	return execute(s.t, append(args, "--control", s.control, "--data", s.data)...)
}

// execute runs one command line as main does.
func execute(t testing.TB, args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = program.Report(program.Run(t.Context(), args, &out, &errs), &errs)
	return out.String(), errs.String(), code
}

// api sends one request to the control interface and returns status and body.
func (s *server) api(method, path, body string) (int, string) {
	s.t.Helper()
	token, err := os.ReadFile(filepath.Join(s.data, "control.token"))
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequest(method, "http://"+s.control+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	client := &http.Client{Timeout: time.Minute}
	response, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// visit follows a link as a person's browser does, without going where it
// leads.
func (s *server) visit(slug string) (status int, location string) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+s.redirect+"/"+slug, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, response.Header.Get("Location")
}

// reading is what the control interface says of a link.
type reading struct {
	Position uint64
	Link     struct {
		NumReferrals uint64    `json:"num_referrals"`
		LastReferral time.Time `json:"date_last_referral"`
	}
}

func (s *server) read(slug string) (r reading) {
	s.t.Helper()
	status, body := s.api("GET", "/v1/links/-/"+slug, "")
	if err := json.Unmarshal([]byte(body), &r); status != 200 || err != nil {
		s.t.Fatalf("read %s: got %d %s, %v", slug, status, body, err)
	}
	return r
}
