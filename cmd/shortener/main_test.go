package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"herald.example/internal/command/commandtest"
)

// server is the whole program, run in this process.
type server struct {
	*commandtest.Running
	t        testing.TB
	data     string
	redirect string // host:port
	control  string // as --control takes it
}

// start runs "serve" on free ports until the test ends or it is stopped.
func start(t testing.TB, data string, args ...string) *server {
	t.Helper()
	args = append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--log-format", "json"}, args...)
	s := &server{Running: commandtest.Start(t, program, args...), t: t, data: data}
	s.redirect, s.control = s.Ready["redirect"].(string), s.Ready["control"].(string)
	return s
}

// command runs a command against the server and returns what it printed and its
// exit code.
func (s *server) command(args ...string) (stdout, stderr string, code int) {
	return execute(s.t, append(args, "--control", s.control, "--data", s.data)...)
}

// execute runs one command line as main does.
func execute(t testing.TB, args ...string) (stdout, stderr string, code int) {
	return commandtest.Execute(t, program, args...)
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
