package redirect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"herald.example/internal/link"
)

// fakeStore is a Store in memory. It destroys what it borrowed after the call,
// as the real one's memory is reused.
type fakeStore struct {
	mu    sync.Mutex
	links map[string]fakeLink // by "domain/slug"
	err   error               // returned by every Resolve, when set
	asked []string            // "domain/slug" of every Resolve, in order
}

type fakeLink struct {
	route  link.Route
	target string
}

func (s *fakeStore) Resolve(domain string, slug, dst []byte) (link.Route, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := domain + "/" + string(slug)
	s.asked = append(s.asked, key)
	if s.err != nil {
		return link.Route{}, nil, s.err
	}
	l, ok := s.links[key]
	if !ok {
		return link.Route{}, nil, fmt.Errorf("resolve %s: %w", key, link.ErrNotFound)
	}
	if l.route.State != link.Active {
		return l.route, dst, nil
	}
	return l.route, append(dst, l.target...), nil
}

func (s *fakeStore) set(ref string, l fakeLink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[ref] = l
}

func (s *fakeStore) resolved() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// fakeLedger keeps copies of the hits and then overwrites what it was lent: a
// redirect that used the memory afterwards would show it.
type fakeLedger struct {
	mu   sync.Mutex
	hits []fakeHit
}

type fakeHit struct {
	Link     uint64
	Time     time.Time
	Flags    link.Flags
	Addr     string
	Referrer string
	Agent    string
}

func (l *fakeLedger) Append(h *link.Hit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hits = append(l.hits, fakeHit{h.Link, h.Time, h.Flags, h.Addr.String(), string(h.Referrer), string(h.Agent)})
	for _, b := range [][]byte{h.Referrer, h.Agent} {
		for i := range b {
			b[i] = 'X'
		}
	}
	*h = link.Hit{Link: 999_999}
}

// take returns the hits so far and forgets them.
func (l *fakeLedger) take() []fakeHit {
	l.mu.Lock()
	defer l.mu.Unlock()
	hits := l.hits
	l.hits = nil
	return hits
}

const (
	testDomain  = "go.example.com"
	otherDomain = "x.example.org"
	testTarget  = "https://www.example.com/some/path?q=1&r=%2F#top"
)

// a world is a running server with its doubles.
type world struct {
	*Server
	store  *fakeStore
	ledger *fakeLedger
	addr   string
}

// newWorld starts a server on loopback with a few links. change, when not nil,
// changes its options.
func newWorld(t testing.TB, change func(*Options)) *world {
	t.Helper()
	w := &world{store: &fakeStore{links: map[string]fakeLink{}}, ledger: &fakeLedger{}}
	active := func(number uint64, target string) fakeLink {
		return fakeLink{link.Route{Number: number, State: link.Active}, target}
	}
	w.store.links[testDomain+"/8WEtk2a"] = active(1, testTarget)
	w.store.links[testDomain+"/name_"] = active(2, "https://example.com/underscore")
	w.store.links[testDomain+"/off"] = fakeLink{route: link.Route{Number: 3, State: link.Disabled}}
	w.store.links[testDomain+"/gone"] = fakeLink{route: link.Route{Number: 4, State: link.Deleted}}
	w.store.links[otherDomain+"/8WEtk2a"] = active(5, "https://example.org/other")
	o := Options{
		Store: w.store, Ledger: w.ledger, CacheBytes: 1 << 20,
		Bases: []link.Base{{Domain: testDomain, URL: "https://" + testDomain}, {Domain: otherDomain, URL: "https://" + otherDomain + "/"}},
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Server = s
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return w
}

// dial opens a connection that fails the test instead of hanging.
func (w *world) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// raw sends bytes on a new connection and returns all that comes back until the
// server closes. The bytes should ask for that.
func (w *world) raw(t testing.TB, request string) string {
	t.Helper()
	c := w.dial(t)
	go func() { _, _ = io.WriteString(c, request) }()
	answer, err := io.ReadAll(c)
	if err != nil && len(answer) == 0 {
		t.Fatalf("reading the answer to %.60q: %v", request, err)
	}
	return string(answer)
}

// ask sends one request with header lines of "Name: value" and returns the
// answer, its body read.
func (w *world) ask(t testing.TB, method, target string, headers ...string) (*http.Response, string) {
	t.Helper()
	if !slices.ContainsFunc(headers, func(h string) bool { return strings.HasPrefix(h, "Host:") }) {
		headers = append(headers, "Host: "+testDomain)
	}
	request := method + " " + target + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\nConnection: close\r\n\r\n"
	return parse(t, method, w.raw(t, request))
}

func parse(t testing.TB, method, answer string) (*http.Response, string) {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("answer %q: %v", answer, err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("answer %q: %v", answer, err)
	}
	return r, string(body)
}

// withoutDate cuts the Date line out of an answer.
func withoutDate(answer string) string {
	start := strings.Index(answer, "Date: ")
	if start < 0 {
		return answer
	}
	end := strings.Index(answer[start:], "\r\n")
	return answer[:start] + answer[start+end+2:]
}

func TestRedirectBytes(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Headers = [][2]string{{"X-Robots-Tag", "noindex"}, {"X-Powered-By", "Herald"}}
	})
	const head = "HTTP/1.1 302 Found\r\n"
	const block = "Cache-Control: private, no-store\r\nX-Robots-Tag: noindex\r\nX-Powered-By: Herald\r\nLocation: " + testTarget + "\r\n"
	for _, test := range []struct{ name, request, want string }{
		{"get, close", "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\nConnection: close\r\n\r\n",
			head + "Content-Length: 0\r\n" + block + "Connection: close\r\n\r\n"},
		{"head", "HEAD /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\nConnection: close\r\n\r\n",
			head + block + "Connection: close\r\n\r\n"},
		{"http 1.0", "GET /8WEtk2a HTTP/1.0\r\n\r\n",
			head + "Content-Length: 0\r\n" + block + "Connection: close\r\n\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 2 { // from the store, then from the cache
				got := w.raw(t, test.request)
				if !strings.Contains(got, "\r\nDate: ") {
					t.Errorf("got %q; want a Date", got)
				}
				if got = withoutDate(got); got != test.want {
					t.Errorf("got\n%q; want\n%q", got, test.want)
				}
			}
		})
	}
	if got := w.store.resolved(); len(got) != 1 {
		t.Errorf("the store was asked %d times; want once", len(got))
	}
}
