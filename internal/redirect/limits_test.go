package redirect

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"herald.example/internal/link"
)

// short are timeouts that a test can wait for; the deadline of the test's own
// connections is far above.
func short(o *Options) { o.RequestTimeout, o.IdleTimeout = 200*time.Millisecond, 200*time.Millisecond }

// ends waits for the server to end a connection and returns what it said before.
func ends(t *testing.T, c net.Conn) string {
	t.Helper()
	answer, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is open still; got %q", answer)
	}
	return string(answer)
}

func TestSlowClients(t *testing.T) {
	const request = "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\n"
	for _, test := range []struct {
		name, first string
		drip        string // sent again and again
		want        string // how the last answer begins
	}{
		{"says nothing", "", "", ""},
		{"slow request line", "GET /8WE", "t", "HTTP/1.1 408"},
		{"slow headers", request, "X: y\r\n", "HTTP/1.1 408"},
		{"stops in the headers", request, "", "HTTP/1.1 408"},
		{"slow body", request + "Content-Length: 4000\r\n\r\n", "x", "HTTP/1.1 408"},
		{"idle", request + "\r\n", "", "HTTP/1.1 302"},
		{"idle, then slow headers", request + "\r\n" + request, "X: y\r\n", "HTTP/1.1 302"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, short)
			c := w.dial(t)
			if _, err := io.WriteString(c, test.first); err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			dripped := make(chan struct{})
			go func() {
				defer close(dripped)
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for test.drip != "" {
					select {
					case <-tick.C:
						if _, err := io.WriteString(c, test.drip); err != nil {
							return
						}
					case <-stop:
						return
					}
				}
			}()
			answer := ends(t, c)
			close(stop)
			<-dripped
			if !strings.HasPrefix(answer, test.want) || test.want == "" && answer != "" {
				t.Errorf("got %q; want it to begin with %q", answer, test.want)
			}
		})
	}
}

// TestSlowReader: a client that asks and asks and takes no answer is cut off.
func TestSlowReader(t *testing.T) {
	w := newWorld(t, short)
	c := w.dial(t)
	batch := []byte(strings.Repeat("GET /8WEtk2a+ HTTP/1.1\r\nHost: go.example.com\r\n\r\n", 100))
	for { // until both sides' buffers are full and the server gives up
		if _, err := c.Write(batch); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the connection is open still")
			}
			break
		}
	}
	waitFor(t, "the connection to be gone", func() bool { return w.Stats().Connections == 0 })
}

// TestBusyStays: a connection that works is not cut off, however long it lives.
func TestBusyStays(t *testing.T) {
	w := newWorld(t, short)
	c := w.dial(t)
	r := bufio.NewReader(c)
	for until := time.Now().Add(600 * time.Millisecond); time.Now().Before(until); {
		if _, err := io.WriteString(c, "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := http.ReadResponse(r, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMaxConnsPerIP(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxConnsPerIP = 2 })
	first, second := w.dial(t), w.dial(t)
	waitFor(t, "two connections", func() bool { return w.Stats().Connections == 2 })
	if answer := ends(t, w.dial(t)); !strings.HasPrefix(answer, "HTTP/1.1 429") {
		t.Errorf("got %q; want 429", answer)
	}
	_ = first.Close()
	waitFor(t, "one connection", func() bool { return w.Stats().Connections == 1 })
	if got, _ := w.ask(t, "GET", "/8WEtk2a"); got.StatusCode != http.StatusFound {
		t.Errorf("got %d; want 302", got.StatusCode)
	}
	_ = second.Close()
}

func TestMaxConns(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxConns = 2 })
	w.dial(t)
	w.dial(t)
	waitFor(t, "two connections", func() bool { return w.Stats().Connections == 2 })
	if answer := ends(t, w.dial(t)); !strings.HasPrefix(answer, "HTTP/1.1 503") {
		t.Errorf("got %q; want 503", answer)
	}
}

// TestIdleUnderPressure: when connections run short, idle ones end sooner.
func TestIdleUnderPressure(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.MaxConns = 4
		o.IdleTimeout = 10 * time.Minute
		o.RequestTimeout = 10 * time.Minute
	})
	var conns []net.Conn
	for range 4 {
		c := w.dial(t)
		if _, err := io.WriteString(c, "HEAD /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "HEAD"}); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	waitFor(t, "four idle connections", func() bool {
		n := 0
		w.Server.conns.mu.Lock()
		defer w.Server.conns.mu.Unlock()
		for c := range w.Server.conns.open {
			if c.word.Load()&doing == idle {
				n++
			}
		}
		return n == 4
	})
	for range 10*60/8 + 2 { // seconds, by the sweeper's clock
		w.Server.conns.sweep()
	}
	for _, c := range conns {
		if rest := ends(t, c); rest != "" {
			t.Errorf("got %q; want a quiet end", rest)
		}
	}
}

// waitFor waits for something that happens elsewhere.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); !happened(); {
		if time.Now().After(until) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond) // between two looks
	}
}

// blockingStore answers when it is let go.
type blockingStore struct {
	asked, letGo chan struct{}
}

func (s blockingStore) Resolve(_ string, _, dst []byte) (link.Route, []byte, error) {
	s.asked <- struct{}{}
	<-s.letGo
	return link.Route{Number: 1, State: link.Active}, append(dst, testTarget...), nil
}

// TestShutdown: waiting connections end, the request in flight is answered and
// its connection closed, new connections are refused, and Serve returns.
func TestShutdown(t *testing.T) {
	store := blockingStore{make(chan struct{}), make(chan struct{})}
	w := newWorld(t, func(o *Options) { o.Store = store })
	fresh := w.dial(t)
	waiting := w.dial(t)
	if _, err := io.WriteString(waiting, "GET /healthz HTTP/1.1\r\nHost: go.example.com\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := http.ReadResponse(bufio.NewReader(waiting), nil); err != nil {
		t.Fatal(err)
	}
	inFlight := w.dial(t)
	if _, err := io.WriteString(inFlight, "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-store.asked
	shut := make(chan error, 1)
	go func() { shut <- w.Shutdown(context.Background()) }()
	if got := ends(t, fresh); got != "" {
		t.Errorf("fresh connection: got %q; want a quiet end", got)
	}
	ends(t, waiting)
	waitFor(t, "new connections to be refused", func() bool {
		c, err := net.Dial("tcp", w.addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	select {
	case err := <-shut:
		t.Fatalf("Shutdown returned %v with a request in flight", err)
	default:
	}
	close(store.letGo)
	got, _ := parse(t, "GET", ends(t, inFlight))
	if got.StatusCode != http.StatusFound || !got.Close {
		t.Errorf("request in flight: got %d, close %t; want 302 and close", got.StatusCode, got.Close)
	}
	if err := <-shut; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if hits := w.ledger.take(); len(hits) != 1 {
		t.Errorf("got %d hits; want 1", len(hits))
	}
}

// TestShutdownDeadline: who does not finish in time is cut off.
func TestShutdownDeadline(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial(t)
	if _, err := io.WriteString(c, "GET /8WEtk2a HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the request to begin", func() bool {
		w.Server.conns.mu.Lock()
		defer w.Server.conns.mu.Unlock()
		for c := range w.Server.conns.open {
			return c.word.Load()&doing == busy
		}
		return false
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := w.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v; want the deadline's error", err)
	}
	ends(t, c)
}

// brokenListener fails in the way of its first errors, then for good.
type brokenListener struct {
	net.Listener
	errs []error
}

func (l *brokenListener) Accept() (net.Conn, error) {
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

// TestAcceptFails: want of file descriptors is waited out, anything else ends Serve.
func TestAcceptFails(t *testing.T) {
	s, err := New(Options{Store: &fakeStore{}, Bases: []link.Base{{Domain: testDomain, URL: "https://" + testDomain}}, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	full := &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	if err := s.Serve(&brokenListener{ln, []error{full, full, broken}}); !errors.Is(err, broken) {
		t.Errorf("got %v; want the last error of the listener", err)
	}
	if err := s.Serve(ln); err == nil {
		t.Error("a second Serve: got no error")
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown after the end: %v", err)
	}
}
