package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"herald.example/internal/certificate/certtest"
	"herald.example/internal/command"
	"herald.example/internal/command/commandtest"
)

// TestFirstLink is the first promise: a link made with one request redirects at
// once, its referral is in the next reading, and still is, once, after restarts.
func TestFirstLink(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	status, body := s.api("POST", "/v1/links", `{"links":[{"shorturl_token":"hello","original_url":"https://example.com/?a=b&c=%2F#d"}]}`)
	if status != 200 || !strings.Contains(body, `"short_url":"http://`+s.redirect+`/hello"`) {
		t.Fatalf("put: got %d %s", status, body)
	}
	before := time.Now().Truncate(time.Second)
	for n := uint64(1); n <= 3; n++ {
		if status, location := s.visit("hello"); status != 302 || location != "https://example.com/?a=b&c=%2F#d" {
			t.Errorf("visit: got %d %q; want 302 and the target as given", status, location)
		}
		if r := s.read("hello"); r.Link.NumReferrals != n || r.Position != n || r.Link.LastReferral.Before(before) {
			t.Errorf("after %d visits: got %+v", n, r)
		}
	}
	want := s.read("hello")
	for range 2 {
		s.Stop()
		s = start(t, data)
		if got := s.read("hello"); got != want {
			t.Errorf("after a restart: got %+v; want %+v", got, want)
		}
	}
	if _, stderr, code := s.command("verify"); code != command.Done {
		t.Errorf("verify: got exit code %d: %s", code, stderr)
	}
}

// realTargets are 4,841 URLs that people have shared.
func realTargets(t testing.TB) []string {
	raw, err := os.ReadFile("../../internal/link/testdata/urls.txt")
	if err != nil {
		t.Fatal(err)
	}
	targets := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	if len(targets) != 4841 {
		t.Fatalf("got %d URLs; want 4841", len(targets))
	}
	return targets
}

// putTargets puts targets under the slugs u0, u1 … in one batch.
func putTargets(t testing.TB, put func(method, path, body string) (int, string), targets []string) {
	t.Helper()
	type draft struct {
		Slug   string `json:"shorturl_token"`
		Target string `json:"original_url"`
	}
	var request struct {
		Links []draft `json:"links"`
	}
	for i, target := range targets {
		request.Links = append(request.Links, draft{fmt.Sprintf("u%d", i), target})
	}
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := put("POST", "/v1/links", string(body)); status != 200 {
		t.Fatalf("put %d links: got %d %s", len(targets), status, answer)
	}
}

func TestRealTargetsRedirectByteForByte(t *testing.T) {
	s := start(t, t.TempDir())
	targets := realTargets(t)
	putTargets(t, s.api, targets)
	for i, target := range targets {
		if status, location := s.visit(fmt.Sprintf("u%d", i)); status != http.StatusFound || location != target {
			t.Errorf("u%d: got %d %q; want 302 %q", i, status, location, target)
		}
	}
	if r := s.read("u0"); r.Position != uint64(len(targets)) || r.Link.NumReferrals != 1 {
		t.Errorf("got %+v; want one referral each", r)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	data := t.TempDir()
	start(t, data)
	before := time.Now()
	_, stderr, code := execute(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
	if code != command.Failed || !strings.Contains(stderr, "in use by another process") {
		t.Errorf("got exit code %d, %s; want %d and that the folder is in use", code, stderr, command.Failed)
	}
	if took := time.Since(before); took > 5*time.Second {
		t.Errorf("got it after %s; want it at once", took)
	}
}

func TestServeFailsWithWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"address taken", []string{"--listen", taken.Addr().String()}, "--listen"},
		{"control address taken", []string{"--control", taken.Addr().String()}, "--control"},
		{"public control address", []string{"--control", "0.0.0.0:0"}, "--control-public"},
		{"data folder is a file", []string{"--data", file}, "data folder"},
		{"no country database", []string{"--country-db", file + ".mmdb"}, "country"},
		{"header of ours", []string{"--header", "Location: x"}, "Location"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}, c.args...)
			_, stderr, code := execute(t, args...)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			last := lines[len(lines)-1]
			if code != command.Failed || !strings.HasPrefix(last, "shortener: ") || !strings.Contains(last, c.want) {
				t.Errorf("got exit code %d, %s; want %d and a line with %s", code, last, command.Failed, c.want)
			}
		})
	}
}

// TestGreeting: a first start says how to go on, and the curl line it prints
// makes the link that it says redirects.
func TestGreeting(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	greet := func() string {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		out, in := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- program.Run(ctx, []string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--log-format", "text"}, in, io.Discard)
			in.Close()
		}()
		var text strings.Builder
		lines := bufio.NewScanner(out)
		for line := 1; line <= 3 && lines.Scan(); line++ {
			text.WriteString(lines.Text() + "\n")
		}
		if curl, err := exec.LookPath("curl"); err == nil && text.Len() > 0 {
			first, _, _ := strings.Cut(text.String(), "\n")
			_, command, _ := strings.Cut(first, "curl ")
			answer, err := exec.Command("sh", "-c", curl+" -sS "+command).CombinedOutput()
			if err != nil || !strings.Contains(string(answer), `"original_url":"https://example.com/"`) {
				t.Errorf("%s: got %s, %v; want the link", command, answer, err)
			}
			url := regexp.MustCompile(`http://\S+/hello\b`).FindString(text.String())
			response, err := http.DefaultTransport.RoundTrip(mustRequest(t, url))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := response.Header.Get("Location"); got != "https://example.com/" {
				t.Errorf("%s: got Location %q; want https://example.com/", url, got)
			}
		}
		stop()
		out.Close()
		if err := <-done; err != nil {
			t.Errorf("serve: got %v; want nil", err)
		}
		return text.String()
	}
	first := greet()
	for _, want := range []string{filepath.Join(data, "control.token"), "/v1/links", "/hello redirects to https://example.com/"} {
		if !strings.Contains(first, want) {
			t.Errorf("got greeting %q; want %s in it", first, want)
		}
	}
	if got := strings.Count(first, "\n"); got != 3 {
		t.Errorf("got %d lines; want 3", got)
	}
}

func TestNoGreeting(t *testing.T) {
	data := t.TempDir()
	s := start(t, data) // its log is for machines
	s.Stop()
	if got := s.Stdout.String(); got != "" {
		t.Errorf("got %q on standard output; want nothing", got)
	}
}

func TestSettingsReachTheirParts(t *testing.T) {
	t.Setenv("HERALD_TOKEN_LENGTH", "9")
	s := start(t, t.TempDir(),
		"--short-base", "https://go.example.com", "--short-base", "https://second.example",
		"--header", "X-Robots-Tag: noindex, nofollow", "--header", "X-Second: 2", "--no-ledger")
	stdout, stderr, code := s.command("link", "add", "https://example.com/")
	slug, ok := strings.CutPrefix(strings.TrimSpace(stdout), "https://go.example.com/")
	if code != command.Done || !ok || len(slug) != 9 {
		t.Fatalf("got %q, %s, exit code %d; want a token of 9 characters on the first base", stdout, stderr, code)
	}
	response, err := http.DefaultTransport.RoundTrip(mustRequest(t, "http://"+s.redirect+"/"+slug))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if a, b := response.Header.Get("X-Robots-Tag"), response.Header.Get("X-Second"); a != "noindex, nofollow" || b != "2" {
		t.Errorf("got headers %q and %q; want both as set", a, b)
	}
	if r := s.read(slug); r.Position != 0 || r.Link.NumReferrals != 0 {
		t.Errorf("without ledger: got %+v; want nothing counted", r)
	}
	settings, _ := s.Log.Wait("settings")
	if settings["token-length"] != "9" || settings["no-ledger"] != "true" || settings["ledger-sync"] != "100ms" ||
		settings["short-base"] != "[https://go.example.com https://second.example]" {
		t.Errorf("got settings %v; want the effective ones", settings)
	}
	token, err := os.ReadFile(filepath.Join(s.data, "control.token"))
	if err != nil || strings.Contains(s.Log.String(), strings.TrimSpace(string(token))) {
		t.Errorf("got %v; want the token, and not in the log", err)
	}
}

func mustRequest(t testing.TB, url string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestControlOnASocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "control")
	s := start(t, t.TempDir(), "--control", "unix:"+socket)
	if s.control != "unix:"+socket {
		t.Fatalf("got %s; want the socket", s.control)
	}
	if stdout, stderr, code := s.command("link", "add", "https://example.com/", "--alias", "a"); code != command.Done {
		t.Errorf("got %s %s, exit code %d; want a link", stdout, stderr, code)
	}
}

// TestTLS: visitors come over HTTPS, and a certificate that replaces another one is
// presented without a restart.
func TestTLS(t *testing.T) {
	folder := t.TempDir()
	old, fresh := certtest.New(t, "127.0.0.1"), certtest.New(t, "127.0.0.1")
	cert, key := old.Write(t, folder)
	s := start(t, t.TempDir(), "--tls-cert", cert, "--tls-key", key)
	stdout, stderr, code := s.command("link", "add", "https://example.com/", "--alias", "a")
	if url := strings.TrimSpace(stdout); code != command.Done || url != "https://"+s.redirect+"/a" {
		t.Fatalf("got %q, %s, exit code %d; want an https URL", url, stderr, code)
	}
	visit := func(pair certtest.Pair) error {
		transport := &http.Transport{TLSClientConfig: certtest.Client(pair), DisableKeepAlives: true}
		response, err := transport.RoundTrip(mustRequest(t, "https://"+s.redirect+"/a"))
		if err != nil {
			return err
		}
		response.Body.Close()
		if got := response.Header.Get("Location"); got != "https://example.com/" {
			t.Errorf("got Location %q; want https://example.com/", got)
		}
		return nil
	}
	if err := visit(old); err != nil {
		t.Errorf("old certificate: got %v; want a redirect", err)
	}
	fresh.Write(t, folder)
	commandtest.Eventually(t, "the new certificate", func() bool { return visit(fresh) == nil })
	if err := visit(old); err == nil {
		t.Error("after the replacement: the old certificate is presented still")
	}
}
