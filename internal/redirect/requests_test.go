package redirect

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"herald.example/internal/link"
)

// TestAnswers asks for everything there is. Each case is asked with GET and
// with HEAD, which must differ in the body alone.
func TestAnswers(t *testing.T) {
	w := newWorld(t, nil)
	for _, test := range []struct {
		name, target string
		status       int
		location     string
		body         string // a part of it
		kind         string // Content-Type; empty: there is none
	}{
		{"slug", "/8WEtk2a", 302, testTarget, "", ""},
		{"query", "/8WEtk2a?fbclid=IwAR0&u=http://elsewhere.example/x", 302, testTarget, "", ""},
		{"fragment", "/8WEtk2a#top", 302, testTarget, "", ""},
		{"absolute form", "http://go.example.com/8WEtk2a?x", 302, testTarget, "", ""},
		{"absolute form of another domain", "http://X.example.org:8080/8WEtk2a", 302, "https://example.org/other", "", ""},
		{"trailing punctuation", "/8WEtk2a).", 302, testTarget, "", ""},
		{"trailing slash", "/8WEtk2a/", 302, testTarget, "", ""},
		{"trailing quote, encoded", "/8WEtk2a%E2%80%9D", 302, testTarget, "", ""},
		{"trailing full stop of Japanese, raw", "/8WEtk2a。", 302, testTarget, "", ""},
		{"trailing bracket and comma, query", "/8WEtk2a%5D,?utm_source=x", 302, testTarget, "", ""},
		{"trailing underscore", "/8WEtk2a_", 302, testTarget, "", ""},
		{"trailing underscore and bracket", "/8WEtk2a_)", 302, testTarget, "", ""},
		{"alias that ends in an underscore", "/name_", 302, "https://example.com/underscore", "", ""},
		{"alias that ends in an underscore, and a dot", "/name_.", 302, "https://example.com/underscore", "", ""},
		{"preview", "/8WEtk2a+", 200, "", "https://go.example.com/8WEtk2a", kindHTML},
		{"preview, encoded", "/8WEtk2a%2B", 200, "", `href="` + strings.ReplaceAll(testTarget, "&", "&amp;") + `"`, kindHTML},
		{"preview of nothing", "/nothing+", 404, "", "No such link", kindHTML},
		{"preview of a deleted link", "/gone+", 410, "", "gone", kindHTML},
		{"preview of a disabled link", "/off+", 404, "", "No such link", kindHTML},
		{"unknown", "/unknown", 404, "", "No such link", kindHTML},
		{"other case", "/8wetk2a", 404, "", "No such link", kindHTML},
		{"disabled", "/off", 404, "", "No such link", kindHTML},
		{"deleted", "/gone", 410, "", "gone", kindHTML},
		{"deleted, punctuation", "/gone).", 410, "", "gone", kindHTML},
		{"percent-encoded slug", "/%38WEtk2a", 404, "", "No such link", kindHTML},
		{"percent-encoded letter behind", "/8WEtk2a%41", 404, "", "No such link", kindHTML},
		{"NUL behind", "/8WEtk2a%00", 404, "", "No such link", kindHTML},
		{"path below", "/8WEtk2a/x", 404, "", "No such link", kindHTML},
		{"two slashes", "//8WEtk2a", 404, "", "No such link", kindHTML},
		{"dots", "/./8WEtk2a", 404, "", "No such link", kindHTML},
		{"too long", "/" + strings.Repeat("a", 65), 404, "", "No such link", kindHTML},
		{"long tail", "/8WEtk2a" + strings.Repeat(")", 1000), 404, "", "No such link", kindHTML},
		{"home", "/", 200, "", "Short links", kindHTML},
		{"home with a query", "/?x", 200, "", "Short links", kindHTML},
		{"robots.txt", "/robots.txt", 200, "", "User-agent: *", kindText},
		{"favicon.ico", "/favicon.ico", 200, "", "PNG", "image/x-icon"},
		{"healthz", "/healthz", 200, "", "ok\n", kindText},
		{"readyz", "/readyz?verbose", 200, "", "ok\n", kindText},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, body := w.ask(t, "GET", test.target)
			if got.StatusCode != test.status || got.Header.Get("Location") != test.location {
				t.Errorf("got %d to %q; want %d to %q", got.StatusCode, got.Header.Get("Location"), test.status, test.location)
			}
			if !strings.Contains(body, test.body) || got.Header.Get("Content-Type") != test.kind {
				t.Errorf("got %q, %q; want %q in it, %q", got.Header.Get("Content-Type"), body, test.body, test.kind)
			}
			if got.Header.Get("Server") != "" || got.Header.Get("Date") == "" {
				t.Errorf("got headers %v; want a Date and no Server", got.Header)
			}
			if got.Header.Get("Cache-Control") == "" {
				t.Error("got no Cache-Control")
			}
			head, none := w.ask(t, "HEAD", test.target)
			if head.StatusCode != got.StatusCode || none != "" {
				t.Errorf("HEAD: got %d, body %q; want %d and no body", head.StatusCode, none, got.StatusCode)
			}
			for name := range got.Header {
				if name != "Content-Length" && name != "Date" && head.Header.Get(name) != got.Header.Get(name) {
					t.Errorf("HEAD: %s: got %q; want %q", name, head.Header.Get(name), got.Header.Get(name))
				}
			}
			if body != "" && head.ContentLength != got.ContentLength {
				t.Errorf("HEAD: Content-Length: got %d; want %d", head.ContentLength, got.ContentLength)
			}
			want := 0
			if test.status == 302 {
				want = 2
			}
			if hits := w.ledger.take(); len(hits) != want {
				t.Errorf("got %d hits; want %d", len(hits), want)
			} else if want == 2 && (hits[0].Flags&link.FlagHead != 0 || hits[1].Flags&link.FlagHead == 0) {
				t.Errorf("got flags %b and %b; want the second to be HEAD", hits[0].Flags, hits[1].Flags)
			}
		})
	}
}

// TestNotAsked: spellings that are not ours do not reach the store.
func TestNotAsked(t *testing.T) {
	w := newWorld(t, nil)
	for _, target := range []string{
		"/", "/%38WEtk2a", "/8WEtk2a/x", "//8WEtk2a", "/" + strings.Repeat("a", 65), "/robots.txt", "/favicon.ico", "/healthz", "/readyz", "/8WEtk2a%zz", "/8WEtk2a%C0%AF",
	} {
		w.ask(t, "GET", target)
	}
	if got := w.store.resolved(); len(got) != 0 {
		t.Errorf("the store was asked for %q; want nothing", got)
	}
}

func TestHosts(t *testing.T) {
	w := newWorld(t, nil)
	for _, test := range []struct {
		host     string
		status   int
		location string
	}{
		{"go.example.com", 302, testTarget},
		{"GO.Example.COM:8080", 302, testTarget},
		{"x.example.org", 302, "https://example.org/other"},
		{"X.example.ORG.", 302, "https://example.org/other"},
		{"x.example.org:443", 302, "https://example.org/other"},
		{"127.0.0.1:8080", 302, testTarget},
		{"[::1]:8080", 302, testTarget},
		{"unknown.example", 302, testTarget},
		{"", 400, ""},
		{"a b", 400, ""},
		{"x.example.org/", 400, ""},
		{"evil@x.example.org", 400, ""},
		{"x.example.org:8o", 400, ""},
		{"[::1", 400, ""},
		{strings.Repeat("a.", 200), 400, ""},
	} {
		got, _ := w.ask(t, "GET", "/8WEtk2a", "Host: "+test.host)
		if got.StatusCode != test.status || got.Header.Get("Location") != test.location {
			t.Errorf("Host %q: got %d to %q; want %d to %q", test.host, got.StatusCode, got.Header.Get("Location"), test.status, test.location)
		}
	}
}

// TestBadRequests: each gets one small clean answer and the end of the connection.
func TestBadRequests(t *testing.T) {
	w := newWorld(t, nil)
	const host = "Host: go.example.com\r\n"
	for _, test := range []struct {
		name, request string
		want          int
	}{
		{"garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", 400},
		{"no version", "GET /8WEtk2a\r\n\r\n", 400},
		{"http 2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405},
		{"no host", "GET /8WEtk2a HTTP/1.1\r\n\r\n", 400},
		{"two hosts", "GET /8WEtk2a HTTP/1.1\r\n" + host + host + "\r\n", 400},
		{"relative target", "GET 8WEtk2a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"asterisk", "GET * HTTP/1.1\r\n" + host + "\r\n", 400},
		{"other scheme", "GET ftp://go.example.com/8WEtk2a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"NUL in the path", "GET /8WE\x00tk2a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"header without a name", "GET /8WEtk2a HTTP/1.1\r\n" + host + ": x\r\n\r\n", 400},
		{"space before the colon", "GET /8WEtk2a HTTP/1.1\r\n" + host + "Referer : x\r\n\r\n", 400},
		{"two lengths", "GET /8WEtk2a HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400},
		{"one large header", "GET /8WEtk2a HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431},
		{"many headers", "GET /8WEtk2a HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 10_000) + "\r\n", 431},
		{"path of 64 KiB", "GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\n" + host + "\r\n", 414},
		{"path of 8 KiB", "GET /" + strings.Repeat("a", 8<<10) + " HTTP/1.1\r\n" + host + "\r\n", 414},
		{"large body", "POST /8WEtk2a HTTP/1.1\r\n" + host + "Content-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1000), 413},
		{"large body on get", "GET /8WEtk2a HTTP/1.1\r\n" + host + "Content-Length: 4097\r\n\r\n" + strings.Repeat("x", 4097), 413},
		{"body after a question", "POST /8WEtk2a HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n", 417},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := w.raw(t, test.request)
			got, body := parse(t, "GET", answer)
			if got.StatusCode != test.want || !got.Close {
				t.Errorf("got %d, close %t; want %d and close", got.StatusCode, got.Close, test.want)
			}
			if len(answer) > 500 || strings.Count(answer, "HTTP/1.1") != 1 {
				t.Errorf("got %q; want one small answer", answer)
			}
			if test.want != 417 && !strings.HasPrefix(body, fmt.Sprint(test.want)) {
				t.Errorf("got body %q; want it to name the status", body)
			}
		})
	}
	if hits := w.ledger.take(); len(hits) != 0 {
		t.Errorf("got hits %v; want none", hits)
	}
}

func TestMethods(t *testing.T) {
	w := newWorld(t, nil)
	for method, want := range map[string]int{"POST": 405, "PUT": 405, "DELETE": 405, "TRACE": 405, "BREW": 405, "OPTIONS": 204} {
		got, _ := w.ask(t, method, "/8WEtk2a")
		if got.StatusCode != want || got.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: got %d, Allow %q; want %d", method, got.StatusCode, got.Header.Get("Allow"), want)
		}
	}
	if got, _ := w.ask(t, "OPTIONS", "*"); got.StatusCode != http.StatusNoContent {
		t.Errorf("OPTIONS *: got %d; want 204", got.StatusCode)
	}
	if hits := w.ledger.take(); len(hits) != 0 {
		t.Errorf("got hits %v; want none", hits)
	}
}

// TestPipeline sends many requests at once, bodies among them: each is answered
// and counted, in order.
func TestPipeline(t *testing.T) {
	w := newWorld(t, nil)
	const n = 300
	var request strings.Builder
	for i := range n {
		fmt.Fprintf(&request, "GET /8WEtk2a?%d HTTP/1.1\r\nHost: go.example.com\r\nReferer: https://a.example/%d\r\n", i, i)
		if i%3 == 0 {
			request.WriteString("Content-Length: 5\r\n\r\nhello")
		} else {
			request.WriteString("\r\n")
		}
		request.WriteString("GET /nobody HTTP/1.1\r\nHost: go.example.com\r\n\r\n")
	}
	request.WriteString("HEAD /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\nConnection: close\r\n\r\n")
	r := bufio.NewReader(strings.NewReader(w.raw(t, request.String())))
	for i := range 2*n + 1 {
		method, want := "GET", 302
		if i%2 == 1 {
			want = 404
		}
		if i == 2*n {
			method = "HEAD"
		}
		got, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, got.Body)
		if got.StatusCode != want {
			t.Fatalf("answer %d: got %d; want %d", i, got.StatusCode, want)
		}
	}
	hits := w.ledger.take()
	if len(hits) != n+1 {
		t.Fatalf("got %d hits; want %d", len(hits), n+1)
	}
	for i, h := range hits[:n] {
		if want := fmt.Sprintf("https://a.example/%d", i); h.Referrer != want {
			t.Fatalf("hit %d: got referrer %q; want %q", i, h.Referrer, want)
		}
	}
}

func TestHit(t *testing.T) {
	w := newWorld(t, nil)
	for range 2 { // from the store, then from the cache
		w.ask(t, "GET", "/8WEtk2a", "Host: go.example.com", "user-agent: Agent/1.0", "REFERER: https://page.example/?a=b ", "DNT: 1", "X-Forwarded-For: 192.0.2.1")
		hits := w.ledger.take()
		if len(hits) != 1 {
			t.Fatalf("got %d hits; want 1", len(hits))
		}
		h := hits[0]
		if h.Time.IsZero() {
			t.Error("got a hit without a time")
		}
		h.Time = fakeHit{}.Time
		want := fakeHit{Link: 1, Flags: link.FlagPrivate, Addr: "127.0.0.1", Referrer: "https://page.example/?a=b", Agent: "Agent/1.0"}
		if h != want {
			t.Errorf("got %+v; want %+v", h, want)
		}
	}
}

// TestChange: a change is seen by the first request after Forget, also where
// the cache held the link.
func TestChange(t *testing.T) {
	w := newWorld(t, nil)
	ref := link.Ref{Domain: testDomain, Slug: "8WEtk2a"}
	location := func() string {
		got, _ := w.ask(t, "GET", "/8WEtk2a")
		return fmt.Sprint(got.StatusCode, got.Header.Get("Location"))
	}
	for _, test := range []struct {
		link fakeLink
		want string
	}{
		{fakeLink{link.Route{Number: 1, State: link.Active}, "https://new.example/"}, "302https://new.example/"},
		{fakeLink{route: link.Route{Number: 1, State: link.Disabled}}, "404"},
		{fakeLink{link.Route{Number: 1, State: link.Active}, "https://newer.example/"}, "302https://newer.example/"},
		{fakeLink{route: link.Route{Number: 1, State: link.Deleted}}, "410"},
	} {
		location()
		w.store.set(ref.String(), test.link)
		w.Forget(ref)
		if got := location(); got != test.want {
			t.Errorf("got %s; want %s", got, test.want)
		}
	}
	w.store.set(ref.String(), fakeLink{link.Route{Number: 1, State: link.Active}, "https://last.example/"})
	w.ForgetAll()
	if got, want := location(), "302https://last.example/"; got != want {
		t.Errorf("after ForgetAll: got %s; want %s", got, want)
	}
	w.Forget(link.Ref{Domain: "nobody.example", Slug: "8WEtk2a"}) // does nothing
}

// TestStoreFails: what the store cannot say is no 404, and no hit.
func TestStoreFails(t *testing.T) {
	w := newWorld(t, nil)
	w.ask(t, "GET", "/8WEtk2a")
	w.ledger.take()
	w.store.mu.Lock()
	w.store.err = errors.New("disk on fire")
	w.store.mu.Unlock()
	for _, target := range []string{"/name_", "/name_.", "/name_+"} {
		got, body := w.ask(t, "GET", target)
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || strings.Contains(body, "fire") {
			t.Errorf("%s: got %d, Retry-After %q, %q; want 503, and the cause kept to ourselves", target, got.StatusCode, got.Header.Get("Retry-After"), body)
		}
	}
	if hits := w.ledger.take(); len(hits) != 0 {
		t.Errorf("got hits %v; want none", hits)
	}
	if got, _ := w.ask(t, "GET", "/8WEtk2a"); got.StatusCode != http.StatusFound {
		t.Errorf("from the cache: got %d; want 302", got.StatusCode)
	}
	if got, _ := w.ask(t, "GET", "/healthz"); got.StatusCode != http.StatusOK {
		t.Errorf("healthz: got %d; want 200", got.StatusCode)
	}
	if got := w.Stats(); got.Errors != 3 {
		t.Errorf("got %d errors; want 3", got.Errors)
	}
}

// TestWarnings: a store that fails for everybody is no flood of log lines.
func TestWarnings(t *testing.T) {
	var lines bytes.Buffer // slog's handler writes one line at a time
	w := newWorld(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&lines, nil)) })
	w.store.err = errors.New("disk on fire")
	start := time.Now()
	for range 50 {
		w.ask(t, "GET", "/8WEtk2a")
	}
	most := int(time.Since(start)/time.Second) + 2
	if err := w.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(lines.String(), "disk on fire"); got < 1 || got > most {
		t.Errorf("got %d lines; want 1 to %d", got, most)
	}
}

// TestDamagedTarget: a target that would split the answer is not sent.
func TestDamagedTarget(t *testing.T) {
	w := newWorld(t, nil)
	for _, target := range []string{"https://x.example/\r\nSet-Cookie: a=b", "https://x.example/\n", "https://x.example/\x00", ""} {
		w.store.set(testDomain+"/bad", fakeLink{link.Route{Number: 9, State: link.Active}, target})
		got, _ := w.ask(t, "GET", "/bad")
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Set-Cookie") != "" || got.Header.Get("Location") != "" {
			t.Errorf("%q: got %d, %v; want 503", target, got.StatusCode, got.Header)
		}
	}
}

func TestReady(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Ready = func() error { return errors.New("17 hits at risk: disk full") }
	})
	got, body := w.ask(t, "GET", "/readyz")
	if got.StatusCode != http.StatusServiceUnavailable || body != "17 hits at risk: disk full\n" {
		t.Errorf("got %d, %q; want 503 and the reason", got.StatusCode, body)
	}
}

// TestPreviewEscapes: a target is text on the page, never markup.
func TestPreviewEscapes(t *testing.T) {
	w := newWorld(t, nil)
	w.store.set(testDomain+"/xss", fakeLink{link.Route{Number: 9, State: link.Active}, `https://x.example/"><script>alert(1)</script>`})
	got, body := w.ask(t, "GET", "/xss+")
	if strings.Contains(body, "<script>") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("got %q; want the target escaped", body)
	}
	_, style, _ := strings.Cut(body, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if csp := got.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, want) {
		t.Errorf("got policy %q; want it to begin with %q, the page's own style", csp, want)
	}
	if got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("got headers %v", got.Header)
	}
}

func TestStats(t *testing.T) {
	w := newWorld(t, nil)
	for _, target := range []string{"/8WEtk2a", "/8WEtk2a", "/8WEtk2a.", "/8WEtk2a+", "/nobody", "/gone", "/gone"} {
		w.ask(t, "GET", target)
	}
	w.ask(t, "POST", "/8WEtk2a")
	got := w.Stats()
	got.CacheBytes, got.Connections = 0, 0
	want := Stats{Redirects: 3, Misses: 3, NotFound: 1, Gone: 2, Refused: 1, CacheEntries: 2}
	if got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
}

// TestRealTargets sends every URL of the collection through the whole server,
// and wants each back byte for byte.
func TestRealTargets(t *testing.T) {
	text, err := os.ReadFile("../link/testdata/urls.txt")
	if err != nil {
		t.Fatal(err)
	}
	urls := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	w := newWorld(t, nil)
	for i, target := range urls {
		w.store.set(fmt.Sprintf("%s/u%d", testDomain, i), fakeLink{link.Route{Number: uint64(i) + 100, State: link.Active}, target})
	}
	c := w.dial(t)
	r := bufio.NewReader(c)
	for range 2 { // from the store, then from the cache
		for i, target := range urls {
			if _, err := fmt.Fprintf(c, "GET /u%d HTTP/1.1\r\nHost: go.example.com\r\n\r\n", i); err != nil {
				t.Fatal(err)
			}
			got := ""
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if line == "\r\n" {
					break
				}
				if rest, ok := strings.CutPrefix(line, "Location: "); ok {
					got = strings.TrimSuffix(rest, "\r\n")
				}
			}
			if got != target {
				t.Fatalf("URL %d: got %q; want %q", i, got, target)
			}
		}
	}
	hits := w.ledger.take()
	if len(hits) != 2*len(urls) || len(urls) < 4000 {
		t.Fatalf("got %d hits for %d URLs; want two each, of at least 4000", len(hits), len(urls))
	}
	for i, h := range hits {
		if want := uint64(i%len(urls)) + 100; h.Link != want {
			t.Fatalf("hit %d: got link %d; want %d", i, h.Link, want)
		}
	}
}

func TestOptions(t *testing.T) {
	bases := []link.Base{{Domain: testDomain, URL: "https://" + testDomain}}
	store := &fakeStore{}
	for _, test := range []struct {
		name string
		o    Options
	}{
		{"no store", Options{Bases: bases}},
		{"no base", Options{Store: store}},
		{"bad domain", Options{Store: store, Bases: []link.Base{{Domain: "a b", URL: "https://a.example"}}}},
		{"bad URL", Options{Store: store, Bases: []link.Base{{Domain: testDomain, URL: "go.example.com"}}}},
		{"same domain twice", Options{Store: store, Bases: append(bases, bases...)}},
		{"tiny cache", Options{Store: store, Bases: bases, CacheBytes: 1}},
		{"negative limit", Options{Store: store, Bases: bases, MaxConns: -1}},
		{"header name", Options{Store: store, Bases: bases, Headers: [][2]string{{"X Y", "z"}}}},
		{"header value", Options{Store: store, Bases: bases, Headers: [][2]string{{"X", "a\r\nB: c"}}}},
		{"own header", Options{Store: store, Bases: bases, Headers: [][2]string{{"location", "x"}}}},
	} {
		if _, err := New(test.o); err == nil {
			t.Errorf("%s: got no error", test.name)
		}
	}
}
