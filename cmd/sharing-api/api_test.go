package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"herald.example/internal/certificate"
	"herald.example/internal/certificate/certtest"
	"herald.example/internal/command/commandtest"
)

// TestTLS: the whole program over HTTPS, by what its greeting says, with HTTP/2 and
// HTTP/1.1, and a certificate for visitors of its own.
func TestTLS(t *testing.T) {
	ours, theirs := certtest.New(t, "127.0.0.1"), certtest.New(t, "127.0.0.1")
	cert, key := ours.Write(t, t.TempDir())
	visitorCert, visitorKey := theirs.Write(t, t.TempDir())
	data := filepath.Join(t.TempDir(), "data")
	greet(t, data, 6, func(lines []string) {
		tryGreeting(t, lines, &http.Transport{TLSClientConfig: certtest.Client(theirs)})
		_, rest, _ := strings.Cut(lines[3], "https://")
		for protocol, transport := range map[string]*http.Transport{
			"HTTP/2.0": {TLSClientConfig: certtest.Client(ours), ForceAttemptHTTP2: true},
			"HTTP/1.1": {TLSClientConfig: certtest.Client(ours)},
		} {
			response, err := (&http.Client{Transport: transport}).Get("https://" + rest)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(response.Body)
			response.Body.Close()
			if response.Proto != protocol || err != nil || !strings.Contains(string(raw), "Hello from Herald") {
				t.Errorf("got %s %s, %v; want %s and the post", response.Proto, raw, err, protocol)
			}
			transport.CloseIdleConnections()
		}
	}, "--tls-cert", cert, "--tls-key", key, "--redirect-tls-cert", visitorCert, "--redirect-tls-key", visitorKey)
}

// TestTLSPreviews: the simulated network's fetchers come also to a redirect whose
// certificate nobody knows.
func TestTLSPreviews(t *testing.T) {
	cert, key := certtest.New(t, "go.example.com").Write(t, t.TempDir())
	data := t.TempDir()
	c := addCustomer(t, data)
	s := start(t, data, "--tls-cert", cert, "--tls-key", key, "--short-base", "https://go.example.com")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	if status, answer := c.send(t, client, "POST", "https://"+s.api+"/sharing/messages.json", c.message("Hello")); status != 200 {
		t.Fatalf("got %d %s; want a publication", status, answer)
	}
	commandtest.Eventually(t, "a preview", func() bool {
		_, text := s.controlGet("/metrics")
		return strings.Contains(text, "herald_simulated_previews_total 1")
	})
}

// TestDrain: a request in flight is answered when the program stops, and what it
// published is kept; new connections are refused.
func TestDrain(t *testing.T) {
	data := t.TempDir()
	c := addCustomer(t, data)
	s := start(t, data)
	answered := make(chan string, 1)
	go func() {
		status, answer := c.send(t, http.DefaultClient, "POST", "http://"+s.api+"/sharing/messages.json", c.message("#simulate:slow=400ms"))
		answered <- fmt.Sprint(status, answer)
	}()
	commandtest.Eventually(t, "the post", func() bool {
		_, text := s.controlGet("/metrics")
		return strings.Contains(text, "herald_simulated_posts_total 1")
	})
	s.Interrupt()
	commandtest.Eventually(t, "new connections to be refused", func() bool {
		conn, err := net.Dial("tcp", s.api)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if status, body := s.controlGet("/healthz"); status != 200 {
		t.Errorf("control while draining: got %d %s; want it to answer", status, body)
	}
	if got := <-answered; !strings.HasPrefix(got, "200") || len(parsePublished(t, strings.TrimPrefix(got, "200")).ShortURLs) != 1 {
		t.Errorf("got %s; want a publication", got)
	}
	s.Stop()
	if strings.Contains(s.Log.String(), "ERROR") || strings.Contains(s.Log.String(), "WARN") {
		t.Errorf("got trouble in the log\n%s", s.Log)
	}
	again := start(t, data)
	if _, text := again.controlGet("/metrics"); !strings.Contains(text, "herald_outbox_waiting 0") {
		t.Errorf("got %s; want nothing left to do", text)
	}
}

// TestDrainDeadline: who does not finish in time is cut off, and the program ends
// in order.
func TestDrainDeadline(t *testing.T) {
	data := t.TempDir()
	c := addCustomer(t, data)
	s := start(t, data, "--drain-timeout", "100ms")
	conn, err := net.Dial("tcp", s.api)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	keys := base64.StdEncoding.EncodeToString([]byte(c.public + ":" + c.private))
	fmt.Fprintf(conn, "POST /sharing/messages.json HTTP/1.1\r\nHost: a\r\nAuthorization: Basic %s\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n", keys)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") { // the handler waits for the body
		t.Fatalf("got %q, %v; want 100", line, err)
	}
	began := time.Now()
	s.Stop()
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("got the end after %s; want it after the time to drain", took)
	}
	if _, ok := s.Log.Wait("requests were cut off"); !ok {
		t.Errorf("got no word of it in the log\n%s", s.Log)
	}
}

// newTestAPI serves handler on loopback until the test ends.
func newTestAPI(t *testing.T, a *apiServer, handler http.HandlerFunc) (addr string, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.maxConns == 0 {
		a.maxConns = 100
	}
	a.wait, a.drain, a.handler = time.Second, 10*time.Second, handler
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- a.serve(ctx, ln) }()
	done := false
	stop = func() error {
		if done {
			return nil
		}
		done = true
		cancel()
		return <-served
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return ln.Addr().String(), stop
}

// TestConnectionsAreBounded: above the bound they are closed at once, and there is
// room again when others go.
func TestConnectionsAreBounded(t *testing.T) {
	a := &apiServer{maxConns: 2}
	addr, _ := newTestAPI(t, a, alive)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}
	ask := func(c net.Conn) error {
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	first, second := dial(), dial()
	for _, c := range []net.Conn{first, second} {
		if err := ask(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(dial()); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("third: got %v; want a closed connection", err)
	}
	first.Close()
	commandtest.Eventually(t, "room", func() bool { return a.conns.Load() == 1 })
	if err := ask(dial()); err != nil {
		t.Errorf("after one has gone: got %v; want an answer", err)
	}
	if got := a.over.Load(); got != 1 {
		t.Errorf("got %d refused; want 1", got)
	}
}

// TestServerLog: what clients can cause is not in the log, a panic is, as an error.
func TestServerLog(t *testing.T) {
	cert, key := certtest.New(t, "127.0.0.1").Write(t, t.TempDir())
	files, err := certificate.Open(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	a := &apiServer{secure: files.Config(), log: slog.New(slog.NewTextHandler(&text, nil))}
	addr, stop := newTestAPI(t, a, func(_ http.ResponseWriter, r *http.Request) { panic("at " + r.URL.Path) })
	for sent, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n":        "HTTP/1.1 400", // no TLS
		"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00": "\x15\x03",     // a handshake that is none: an alert
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, sent)
		if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), want) {
			t.Errorf("%q: got %q, %v; want %q", sent, answer, err, want)
		}
		conn.Close()
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	if response, err := client.Get("https://" + addr + "/x"); err == nil {
		response.Body.Close()
		t.Errorf("got %d; want no answer", response.StatusCode)
	}
	client.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "at /x") {
		t.Errorf("got log\n%s; want the panic alone", got)
	}
}

func TestRouteOf(t *testing.T) {
	for path, want := range map[string]string{
		"/sharing/messages.json":             "/sharing/messages",
		"/sharing/messages.xml":              "/sharing/messages",
		"/sharing/messages/abc.json":         "/sharing/messages/T",
		"/sharing/messages/a/b.json":         "other",
		"/shorturls/8WEtk2a.json":            "/shorturls/T",
		"/users/abc/publish.json":            "/users/T/publish",
		"/users/abc.json":                    "/users/T",
		"/connection/abc.json":               "/connection/T",
		"/identities/a/link.json":            "/identities/T/link",
		"/identities/a/rm.json":              "other",
		"/tools/ping.json":                   "/tools/ping",
		"/tools/pong.json":                   "other",
		"/openapi.json":                      "/openapi",
		"/simulated/posts/1":                 "/simulated/",
		"/readyz":                            "/readyz",
		"/socialize.getToken":                "/socialize.getToken",
		"/SOCIALIZE.gettoken":                "/socialize.getToken",
		"/socialize.invented":                "other",
		"/":                                  "other",
		"":                                   "other",
		"//":                                 "other",
		"/users/" + strings.Repeat("a", 200): "other",
		"/a/b/c/d/e/f/g":                     "other",
	} {
		if got := routeOf(path); got != want {
			t.Errorf("%s: got %s; want %s", path, got, want)
		}
	}
}

func TestClientIP(t *testing.T) {
	c := &serveCommand{}
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, test := range []struct {
		name, peer string
		header     http.Header
		want       string
	}{
		{"no proxy", "192.0.2.1:1234", nil, "192.0.2.1"},
		{"a stranger's word", "192.0.2.1:1234", http.Header{"X-Forwarded-For": {"203.0.113.7"}}, "192.0.2.1"},
		{"a proxy's word", "10.0.0.1:1234", http.Header{"X-Forwarded-For": {"203.0.113.7"}}, "203.0.113.7"},
		{"lines and proxies", "10.0.0.1:1234", http.Header{"X-Forwarded-For": {"1.2.3.4, 203.0.113.7", "10.9.9.9"}}, "203.0.113.7"},
		{"Forwarded", "10.0.0.1:1234", http.Header{"Forwarded": {`for="[2001:db8::7]:99";proto=https`}}, "2001:db8::7"},
		{"mapped peer", "[::ffff:10.0.0.1]:1234", http.Header{"X-Forwarded-For": {"203.0.113.7"}}, "203.0.113.7"},
		{"silent proxy", "10.0.0.1:1234", nil, "10.0.0.1"},
	} {
		if got := c.clientIP(&http.Request{RemoteAddr: test.peer, Header: test.header}); got.String() != test.want {
			t.Errorf("%s: got %s; want %s", test.name, got, test.want)
		}
	}
}
