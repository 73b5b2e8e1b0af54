package network_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/fetch"
	"herald.example/internal/network"
	"herald.example/internal/publish"
)

// request is a request of a test, to a server under a guarded transport.
func request(t *testing.T, ctx context.Context, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer secret-token")
	r.Header.Set("Idempotency-Key", "key") // which makes net/http repeat by itself
	return r
}

func guarded() *network.Client {
	return network.NewClient(fetch.New(fetch.Options{AllowHosts: []string{"127.0.0.1"}}).Transport())
}

// kind checks the kind of an error, and that it says nothing that must not be
// known.
func kind(t *testing.T, err error, want publish.Kind, status int) {
	t.Helper()
	e, ok := errors.AsType[*publish.Error](err)
	if !ok {
		t.Fatalf("got %v; want a *publish.Error", err)
	}
	if e.Kind != want || e.Network != "net" || e.Status != status || e.Message == "" {
		t.Errorf("got %s of %s, status %d, %q; want %s of net, status %d, and words", e.Kind, e.Network, e.Status, e.Message, want, status)
	}
	if text := fmt.Sprintf("%v %v", e, e.Err); strings.Contains(text, "secret") || strings.Contains(text, "?q=") {
		t.Errorf("got error %q; want it without secrets and URLs", text)
	}
}

func TestDo(t *testing.T) {
	var calls atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		switch r.URL.Path {
		case "/made":
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Sent", string(body))
			w.WriteHeader(201)
			fmt.Fprint(w, "made")
		case "/refused":
			w.WriteHeader(422)
			fmt.Fprint(w, "no")
		case "/elsewhere":
			http.Redirect(w, r, "/made", http.StatusTemporaryRedirect)
		case "/full":
			fmt.Fprint(w, strings.Repeat("x", network.MaxAnswer))
		case "/long":
			fmt.Fprint(w, strings.Repeat("x", network.MaxAnswer+1))
		case "/long-refusal":
			w.WriteHeader(500)
			fmt.Fprint(w, strings.Repeat("x", network.MaxAnswer+1))
		case "/half", "/half-refusal":
			w.Header().Set("Content-Length", "10")
			if r.URL.Path == "/half-refusal" {
				w.WriteHeader(403)
			}
			fmt.Fprint(w, "half")
		case "/closed":
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			panic(http.ErrAbortHandler)
		}
	}))
	defer s.Close()
	c := guarded()

	for _, test := range []struct {
		path   string
		status int
		body   int
	}{
		{"/made", 201, 4},
		{"/refused", 422, 2},
		{"/elsewhere", 307, 0},
		{"/full", 200, network.MaxAnswer},
		{"/long-refusal", 500, network.MaxAnswer},
		{"/half-refusal", 403, 4},
	} {
		calls.Store(0)
		answer, err := c.Do("net", request(t, t.Context(), http.MethodPost, s.URL+test.path+"?q=1", "sent"))
		if err != nil || answer.Status != test.status || len(answer.Body) != test.body {
			t.Errorf("%s: got status %d, %d bytes, %v; want %d, %d", test.path, answer.Status, len(answer.Body), err, test.status, test.body)
		}
		if answer.OK() != (test.status < 300) {
			t.Errorf("%s: got OK %v", test.path, answer.OK())
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%s: got %d calls; want 1", test.path, n)
		}
	}
	for _, test := range []struct {
		path   string
		status int
	}{{"/long", 200}, {"/half", 200}, {"/closed", 0}} {
		calls.Store(0)
		_, err := c.Do("net", request(t, t.Context(), http.MethodPost, s.URL+test.path+"?q=1", "sent"))
		kind(t, err, publish.UnknownOutcome, test.status)
		if n := calls.Load(); n != 1 {
			t.Errorf("%s: got %d calls; want 1", test.path, n)
		}
		_, err = c.Do("net", request(t, t.Context(), http.MethodGet, s.URL+test.path+"?q=1", ""))
		kind(t, err, publish.Transient, test.status) // nothing can have been made
	}
}

// TestIdleConnection breaks a connection that was used before just when the next
// request is on its way. net/http would repeat it: a POST with an Idempotency-Key
// counts as harmless there.
func TestIdleConnection(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var posts atomic.Int32
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for first := true; ; first = false {
					buffer := make([]byte, 4<<10)
					if n, err := conn.Read(buffer); err != nil || n == 0 {
						return
					}
					posts.Add(1)
					if !first {
						return
					}
					fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}()
		}
	}()
	transport := &http.Transport{} // keeps connections, as ours does not
	defer transport.CloseIdleConnections()
	c := network.NewClient(transport)
	url := "http://" + ln.Addr().String() + "/"
	if _, err := c.Do("net", request(t, t.Context(), http.MethodPost, url, "one")); err != nil {
		t.Fatal(err)
	}
	_, err = c.Do("net", request(t, t.Context(), http.MethodPost, url, "two"))
	kind(t, err, publish.UnknownOutcome, 0)
	if n := posts.Load(); n != 2 {
		t.Errorf("got %d requests; want 2", n)
	}
}

func TestNothingSent(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	_, err = guarded().Do("net", request(t, t.Context(), http.MethodPost, "http://"+ln.Addr().String()+"/?q=1", "x"))
	kind(t, err, publish.Transient, 0)

	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = guarded().Do("net", request(t, over, http.MethodPost, "http://127.0.0.1:1/?q=1", "x"))
	kind(t, err, publish.Transient, 0)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want %v in it", err, context.Canceled)
	}

	_, err = guarded().Do("net", request(t, t.Context(), http.MethodPost, "http://10.0.0.1/?q=1", "x"))
	kind(t, err, publish.AppMisconfigured, 0)
}

// silence is a server that takes a request and says nothing.
type silence struct{ wrote bool }

func (s silence) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.wrote {
		httptrace.ContextClientTrace(r.Context()).WroteHeaders()
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestTimeouts(t *testing.T) {
	for _, test := range []struct {
		name     string
		size     int
		deadline time.Duration
		wrote    bool
		want     time.Duration
		kind     publish.Kind
	}{
		{"call", 10, 0, true, 30 * time.Second, publish.UnknownOutcome},
		{"call that never got away", 10, 0, false, 30 * time.Second, publish.Transient},
		{"upload", 1 << 20, 0, true, 5 * time.Minute, publish.UnknownOutcome},
		{"caller in a hurry", 10, time.Second, true, time.Second, publish.UnknownOutcome},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				began := time.Now()
				_, err := network.NewClient(silence{test.wrote}).Do("net", request(t, ctx, http.MethodPost, "http://x.test/?q=1", strings.Repeat("x", test.size)))
				kind(t, err, test.kind, 0)
				if took := time.Since(began); took != test.want {
					t.Errorf("got an end after %v; want %v", took, test.want)
				}
			})
		})
	}
}
