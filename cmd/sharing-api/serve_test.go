package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"herald.example/internal/command"
	"herald.example/internal/command/commandtest"
)

// greet starts a server with a log for people, collects what it prints while f
// runs, and stops it. f gets the lines that were printed by the time that the API
// answered, as soon as there are want of them.
func greet(t *testing.T, data string, want int, f func(lines []string), args ...string) []string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- program.Run(ctx, append(serveArgs(data, args...), "--log-format", "text"), in, io.Discard)
		in.Close()
	}()
	var lines []string
	scanner := bufio.NewScanner(out)
	for len(lines) < want && scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if len(lines) < want {
		t.Fatalf("got %q, %v; want %d lines", lines, <-done, want)
	}
	f(lines)
	stop()
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if err := <-done; err != nil {
		t.Errorf("serve: got %v; want nil", err)
	}
	return lines
}

// TestFirstMessage is the first promise: what a first start prints publishes a
// message whose short URLs redirect, and whose referrals are in the next reading.
func TestFirstMessage(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	lines := greet(t, data, 5, func(lines []string) { tryGreeting(t, lines, nil) })
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "site demo: public key ") || !strings.Contains(lines[0], "(shown once)") {
		t.Errorf("got greeting %q; want the keys first, once", lines)
	}
	again := greet(t, data, 0, func([]string) {})
	if len(again) != 0 {
		t.Errorf("second start: got %q; want nothing", again)
	}
	_, private, _ := strings.Cut(lines[0], "private key ")
	private, _, _ = strings.Cut(private, " ")
	_, secret, _ := strings.Cut(lines[4], "secret ")
	secret, _, _ = strings.Cut(secret, " ")
	files, err := filepath.Glob(filepath.Join(data, "*"))
	if err != nil || len(private) != 36 || len(secret) != 44 || len(files) < 6 {
		t.Fatalf("got %q, %q, %v in the folder, %v; want the private key, the secret and the files", private, secret, files, err)
	}
	for _, file := range files {
		raw, _ := os.ReadFile(file)
		for _, hidden := range []string{private, secret} {
			if strings.Contains(string(raw), hidden) {
				t.Errorf("%s stands in %s; want it sealed", hidden, file)
			}
		}
	}
}

// TestGreetingOnLoopback: where secrets may come without TLS, the line of Gigya's
// dialect works as it is printed.
func TestGreetingOnLoopback(t *testing.T) {
	greet(t, filepath.Join(t.TempDir(), "data"), 6, func(lines []string) {
		tryGreeting(t, lines, nil)
		if want := "or from this machine without"; !strings.HasSuffix(lines[4], want) {
			t.Errorf("got %q; want %q at its end", lines[4], want)
		}
	}, "--loopback-secrets")
}

// tryGreeting does what a greeting says. transport is how short URLs are followed;
// nil: as usual.
func tryGreeting(t *testing.T, lines []string, transport http.RoundTripper) {
	t.Helper()
	if transport == nil {
		transport = http.DefaultTransport
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl, so what the greeting says cannot be tried")
	}
	said := func(i int, name string) string {
		t.Helper()
		line, ok := strings.CutPrefix(lines[i], name)
		if !ok {
			t.Fatalf("got line %q; want it to begin with %q", lines[i], name)
		}
		return strings.TrimSpace(line)
	}
	shell := func(line string) string {
		t.Helper()
		var stderr strings.Builder
		c := exec.Command("sh", "-c", line)
		c.Stderr = &stderr
		raw, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s%s", line, err, raw, &stderr)
		}
		return string(raw)
	}
	answer := shell(said(1, "publish:"))
	m := parsePublished(t, answer)
	if len(m.ShortURLs) != 3 || m.Token == "" {
		t.Fatalf("got %s; want three publications", answer)
	}
	read, _, _ := strings.Cut(said(2, "read counts:"), "   (")
	read = strings.Replace(read, "TOKEN", m.Token, 1)
	for n := 1; n <= 2; n++ {
		status, header := visit(t, transport, m.ShortURLs[1])
		if got := header.Get("Location"); status != http.StatusFound || got != "https://example.com/" {
			t.Errorf("%s: got %d %q; want 302 to the link", m.ShortURLs[1], status, got)
		}
		details := parsePublished(t, shell(read))
		at := slices.Index(details.ShortURLs, m.ShortURLs[1])
		if at < 0 || details.NumReferrals[at] != fmt.Sprint(n) {
			t.Errorf("after %d visits: got %+v; want that many referrals", n, details)
		}
	}
	if len(lines) > 5 {
		if answer := shell(said(5, "publish so:")); !strings.Contains(answer, `"errorCode":0,`) || !strings.Contains(answer, `"providerPostIDs":{"facebook":`) {
			t.Errorf("got %s; want posts", answer)
		}
	}
	page := said(3, "see posts:")
	if strings.HasPrefix(page, "http://") {
		response, err := http.Get(page)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if raw, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(raw), "Hello from Herald") {
			t.Errorf("%s: got %s, %v; want the post", page, raw, err)
		}
	}
}

func TestNoGreeting(t *testing.T) {
	for _, args := range [][]string{nil, {"--log-format", "text", "--no-simulated"}} {
		data := t.TempDir()
		if args == nil { // its log is for machines
			s := start(t, data)
			s.Stop()
			if got := s.Stdout.String(); got != "" {
				t.Errorf("got %q on standard output; want nothing", got)
			}
			continue
		}
		if lines := greet(t, data, 0, func([]string) {}, args...); len(lines) > 0 {
			t.Errorf("%v: got %q on standard output; want nothing", args, lines)
		}
	}
}

func TestSettingsReachTheirParts(t *testing.T) {
	t.Setenv("HERALD_TOKEN_LENGTH", "9")
	data := t.TempDir()
	c := addCustomer(t, data)
	s := start(t, data, "--short-base", "https://go.example.com", "--header", "X-Robots-Tag: noindex", "--time-zone", "Asia/Kolkata",
		"--publications-as-entries", "--max-body", "1KiB", "--base-domain", "herald.test", "--wait", "7s")
	url := "http://" + s.api
	status, answer := c.send(t, http.DefaultClient, "POST", url+"/sharing/messages.json", c.message("Hello"))
	m := parsePublished(t, answer)
	if status != 200 || len(m.ShortURLs) != 1 || !strings.Contains(answer, "+0530") {
		t.Fatalf("got %d %s; want a publication, and dates of India", status, answer)
	}
	slug, ok := strings.CutPrefix(m.ShortURLs[0], "https://go.example.com/")
	if !ok || len(slug) != 9 {
		t.Errorf("got %s; want a token of 9 characters on the base", m.ShortURLs[0])
	}
	_, header := visit(t, http.DefaultTransport, "http://"+s.redirect+"/"+slug)
	if got := header.Get("X-Robots-Tag"); got != "noindex" {
		t.Errorf("got header %q; want the one set", got)
	}
	if _, details := c.send(t, http.DefaultClient, "GET", url+"/sharing/messages/"+m.Token+".json", ""); !strings.Contains(details, `"publications":{"count":1,"entries":[`) {
		t.Errorf("got %s; want publications as entries", details)
	}
	if status, answer := c.send(t, http.DefaultClient, "POST", url+"/sharing/messages.json", c.message(strings.Repeat("a", 1024))); status != 413 && status != 400 {
		t.Errorf("large body: got %d %s; want a refusal", status, answer)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/tools/ping.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "nobody.api.herald.test"
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("foreign host: got %d; want 404", response.StatusCode)
	}
	settings, _ := s.Log.Wait("settings")
	for name, want := range map[string]string{"token-length": "9", "time-zone": "Asia/Kolkata", "wait": "7s", "max-body": "1KiB", "shortener": "embedded",
		"short-base": "[https://go.example.com]", "base-domain": "herald.test"} {
		if settings[name] != want {
			t.Errorf("setting %s: got %v; want %s", name, settings[name], want)
		}
	}
	s.Stop()
	for _, secret := range []string{c.private, slug} {
		if strings.Contains(s.Log.String(), secret) {
			t.Errorf("%s is in the log\n%s", secret, s.Log)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	data := t.TempDir()
	start(t, data)
	began := time.Now()
	_, stderr, code := execute(t, serveArgs(data)...)
	if code != command.Failed || !strings.Contains(stderr, "in use by another process") {
		t.Errorf("got exit code %d, %s; want %d and that the folder is in use", code, stderr, command.Failed)
	}
	if took := time.Since(began); took > 5*time.Second {
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
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"API address taken", []string{"--listen", taken.Addr().String()}, "--listen"},
		{"redirect address taken", []string{"--redirect-listen", taken.Addr().String()}, "--redirect-listen"},
		{"control address taken", []string{"--control", taken.Addr().String()}, "--control"},
		{"public control address", []string{"--control", "0.0.0.0:0"}, "--control-public"},
		{"data folder is a file", []string{"--data", file}, "data folder"},
		{"no certificate", []string{"--tls-cert", file + ".pem", "--tls-key", file}, "certificate"},
		{"no certificate for visitors", []string{"--redirect-tls-cert", file + ".pem", "--redirect-tls-key", file}, "certificate"},
		{"token file is missing", []string{"--shortener", "http://127.0.0.1:1", "--shortener-token-file", file + ".token"}, "--shortener-token-file"},
		{"token file can be read by others", []string{"--shortener", "http://127.0.0.1:1", "--shortener-token-file", file}, "chmod 600"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stderr, code := execute(t, append(serveArgs(t.TempDir()), c.args...)...)
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			last := lines[len(lines)-1]
			if code != command.Failed || !strings.HasPrefix(last, "sharing-api: ") || !strings.Contains(last, c.want) {
				t.Errorf("got exit code %d, %s; want %d and a line with %s", code, last, command.Failed, c.want)
			}
		})
	}
}

func TestWrongUsage(t *testing.T) {
	for _, c := range []struct {
		name, args, want string
	}{
		{"no command", "", "serve"},
		{"unknown flag", "serve --colour red", "--colour"},
		{"half a certificate", "serve --tls-cert a.pem", "--tls-key"},
		{"half a certificate for visitors", "serve --redirect-tls-key a.pem", "--redirect-tls-cert"},
		{"no wait", "serve --wait 0s", "--wait"},
		{"no domain of a data centre", "serve --data-centre us1", "us1=go.example.com"},
		{"no data centre of a domain", "serve --api-domain =example.com", "us1=go.example.com"},
		{"a data centre twice", "serve --data-centre us1=a.example.com --data-centre US1=b.example.com", "us1 twice"},
		{"a data centre without short URLs", "serve --short-base https://a.example.com --data-centre us1=a.example.com --data-centre eu1=b.example.com", "eu1=b.example.com: no short URLs"},
		{"a data centre without bases", "serve --data-centre us1=a.example.com", "--short-base"},
		{"negative bound of calls", "serve --calls-per-minute=-1", "--calls-per-minute"},
		{"no window of timestamps", "serve --timestamp-window 999ms", "--timestamp-window"},
		{"negative window of timestamps", "serve --timestamp-window=-2m", "--timestamp-window"},
		{"no body", "serve --max-body 1B", "1KiB"},
		{"no connections", "serve --api-connections 0", "--api-connections"},
		{"unknown time zone", "serve --time-zone Mars/Olympus", "Europe/Vienna"},
		{"unknown shortener", "serve --shortener elsewhere", "embedded"},
		{"shortener without a token", "serve --shortener http://127.0.0.1:8081", "--shortener-token-file"},
		{"token without a shortener", "serve --shortener-token-file a", "--shortener"},
		{"base of a shortener apart", "serve --shortener unix:/a --shortener-token-file a --short-base https://go.example.com", "--short-base"},
		{"bad host", "serve --allow-host http://127.0.0.1/", "--allow-host"},
		{"bad base", "serve --short-base go.example.com", "--short-base"},
		{"no drain", "serve --drain-timeout 0s", "--drain-timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stdout, stderr, code := execute(t, strings.Fields(c.args)...)
			if code != command.Usage || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("got exit code %d, %q, %q; want %d and one line with %s", code, stdout, stderr, command.Usage, c.want)
			}
		})
	}
}

// TestEverySettingIsDocumented: each flag of serve has its environment variable
// and its default in the help.
func TestEverySettingIsDocumented(t *testing.T) {
	flags, err := program.Parse([]string{"serve"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range flags.Selected().Flags {
		env := "HERALD_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		if len(flag.Envs) != 1 || flag.Envs[0] != env || !strings.HasSuffix(flag.Help, "$"+env) || !strings.Contains(flag.Help, "(") {
			t.Errorf("--%s: got variables %v, help %q; want %s in both, and the default", flag.Name, flag.Envs, flag.Help, env)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"--help", "serve"},
		{"serve --help", "Short URLs, visitors and counts"},
		{"--version", "sharing-api "},
	} {
		stdout, stderr, code := execute(t, strings.Fields(c.args)...)
		if code != command.Done || !strings.Contains(stdout, c.want) || stderr != "" {
			t.Errorf("%s: got exit code %d, %q, %q; want %s on standard output", c.args, code, stdout, stderr, c.want)
		}
	}
}

func TestProbesAndMetrics(t *testing.T) {
	data := t.TempDir()
	c := addCustomer(t, data)
	s := start(t, data)
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := c.send(t, http.DefaultClient, "GET", "http://"+s.api+path, ""); status != 200 || body != "ok\n" {
			t.Errorf("%s: got %d %q; want ok", path, status, body)
		}
		if status, body := s.controlGet(path); status != 200 || strings.TrimSpace(body) != "ok" {
			t.Errorf("control %s: got %d %q; want ok", path, status, body)
		}
	}
	if status, _ := c.send(t, http.DefaultClient, "POST", "http://"+s.api+"/readyz", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("POST /readyz: got %d; want 405", status)
	}
	status, answer := c.send(t, http.DefaultClient, "POST", "http://"+s.api+"/sharing/messages.json", c.message("#simulate:content_rejected"))
	if status != 403 {
		t.Fatalf("got %d %s; want a refusal by the network", status, answer)
	}
	m := parsePublished(t, answer)
	c.send(t, http.DefaultClient, "GET", "http://"+s.api+"/sharing/messages/"+m.Token+".json", "")
	c.send(t, http.DefaultClient, "GET", "http://"+s.api+"/wp-login.php", "")
	_, text := s.controlGet("/metrics")
	for _, want := range []string{
		`herald_messages_accepted_total 1`,
		`herald_publications_total{provider="simulated",state="failed"} 1`,
		`herald_publication_refusals_total{provider="simulated",kind="content_rejected"} 1`,
		`herald_outbox_waiting 0`,
		`herald_api_requests_total{route="/sharing/messages",status="403"} 1`,
		`herald_api_requests_total{route="/sharing/messages/T",status="200"} 1`,
		`herald_api_requests_total{route="other",status="404"} 1`,
		`herald_api_request_seconds_count{route="other"} 1`,
		`herald_redirects_total `,
		`process_resident_memory_bytes `,
	} {
		if !strings.Contains(text, "\n"+want) && !strings.HasPrefix(text, want) {
			t.Errorf("got metrics without %s\n%s", want, text)
		}
	}
	if strings.Contains(text, m.Token) || strings.Contains(text, "wp-login") {
		t.Errorf("got metrics that name what was asked for\n%s", text)
	}
	if stdout, stderr, code := execute(t, "verify", "--control", s.control, "--data", data); code != command.Done || !strings.Contains(stdout, "no difference") {
		t.Errorf("verify: got exit code %d, %s%s; want no difference", code, stdout, stderr)
	}
	if status, _ := c.send(t, http.DefaultClient, "GET", "http://"+s.control+"/metrics", ""); status != http.StatusUnauthorized {
		t.Errorf("metrics without the token: got %d; want 401", status)
	}
}

// TestApart: the shortener is another process.
func TestApart(t *testing.T) {
	shortener := start(t, t.TempDir())
	data := t.TempDir()
	c := addCustomer(t, data)
	s := start(t, data, "--shortener", "http://"+shortener.control, "--shortener-token-file", filepath.Join(shortener.data, "control.token"), "--wait", "2s")
	if s.redirect != "" {
		t.Errorf("got a redirect at %s; want none", s.redirect)
	}
	status, answer := c.send(t, http.DefaultClient, "POST", "http://"+s.api+"/sharing/messages.json", c.message("Hello"))
	m := parsePublished(t, answer)
	if status != 200 || len(m.ShortURLs) != 1 || !strings.HasPrefix(m.ShortURLs[0], "http://"+shortener.redirect+"/") {
		t.Fatalf("got %d %s; want a short URL of the shortener", status, answer)
	}
	visit(t, http.DefaultTransport, m.ShortURLs[0])
	_, details := c.send(t, http.DefaultClient, "GET", "http://"+s.api+"/sharing/messages/"+m.Token+".json", "")
	if got := parsePublished(t, details).NumReferrals; len(got) != 1 || got[0] != "1" {
		t.Errorf("got %s; want one referral", details)
	}
	if status, text := s.controlGet("/metrics"); status != 200 || !strings.Contains(text, "herald_messages_accepted_total 1") || strings.Contains(text, "herald_redirects_total") {
		t.Errorf("got %d %s; want metrics of the sharing side only", status, text)
	}
	if status, body := s.controlGet("/v1/sites"); status != 200 || !strings.Contains(body, `"customer"`) {
		t.Errorf("sites: got %d %s; want the customer", status, body)
	}
	if status, body := s.controlGet("/v1/links"); status != http.StatusNotFound {
		t.Errorf("links: got %d %s; want 404", status, body)
	}
	if status, _ := s.controlGet("/readyz"); status != 200 {
		t.Errorf("ready: got %d; want 200", status)
	}
	shortener.Stop()
	status, answer = c.send(t, http.DefaultClient, "POST", "http://"+s.api+"/sharing/messages.json", c.message("Hello again"))
	if m := parsePublished(t, answer); status != http.StatusMultiStatus || m.Token == "" {
		t.Errorf("without the shortener: got %d %s; want the message accepted, to go out later", status, answer)
	}
	commandtest.Eventually(t, "the end of readiness", func() bool {
		status, body := c.send(t, http.DefaultClient, "GET", "http://"+s.api+"/readyz", "")
		return status == http.StatusServiceUnavailable && body == errShortener.Error()+"\n"
	})
}

// TestAllowHost: pictures on this machine are fetched only when the operator allows
// it.
func TestAllowHost(t *testing.T) {
	pixel, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	pictures := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(pixel)
	}))
	defer pictures.Close()
	for _, test := range []struct {
		name   string
		args   []string
		status int
		asked  int64
	}{
		{"not allowed", nil, http.StatusForbidden, 0},
		{"allowed", []string{"--allow-host", strings.TrimPrefix(pictures.URL, "http://")}, http.StatusOK, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := t.TempDir()
			c := addCustomer(t, data)
			s := start(t, data, test.args...)
			body := strings.Replace(c.message("Hello"), `"text":`, `"picture":{"url":"`+pictures.URL+`/pixel.png"},"text":`, 1)
			status, answer := c.send(t, http.DefaultClient, "POST", "http://"+s.api+"/sharing/messages.json", body)
			if status != test.status || asked.Load() != test.asked {
				t.Errorf("got %d %s, %d requests; want %d and %d", status, answer, asked.Load(), test.status, test.asked)
			}
		})
	}
}
