package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/certificate/certtest"
)

// TestEitherWay calls one address with and without TLS, as Gigya's clients do.
func TestEitherWay(t *testing.T) {
	pair := certtest.New(t, "127.0.0.1")
	cert, key := pair.Write(t, t.TempDir())
	s := openShop(start(t, t.TempDir(), "--tls-cert", cert, "--tls-key", key), "facebook")
	secure := &http.Client{Transport: &http.Transport{TLSClientConfig: certtest.Client(pair), ForceAttemptHTTP2: true}}
	defer secure.CloseIdleConnections()
	for _, way := range []struct {
		scheme, proto string
		client        *http.Client
		secret        int // what a secret in the clear is answered with
		other         int // HTTP status of the other dialect
	}{
		{"http", "HTTP/1.1", http.DefaultClient, 403006, http.StatusBadRequest},
		{"https", "HTTP/2.0", secure, 0, http.StatusOK},
	} {
		t.Run(way.scheme, func(t *testing.T) {
			s := s.in(t)
			signed := s.signed("socialize.getPlaces", near...)
			signed.scheme = way.scheme
			if a := s.want(s.call(way.client, signed.sign(s.secret)), 0); a.proto != way.proto {
				t.Errorf("got %s; want %s", a.proto, way.proto)
			}
			shown := s.unsigned("socialize.getPlaces", near...).set("secret", s.secret)
			shown.scheme = way.scheme
			s.want(s.call(way.client, shown), way.secret)
			for _, path := range []string{"/providers.json", "/simulated/", "/healthz"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, way.scheme+"://"+s.api+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.SetBasicAuth(s.public, s.private)
				response, err := way.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(response.Body)
				response.Body.Close()
				if response.StatusCode != way.other || way.other != http.StatusOK && !strings.Contains(string(body), "HTTPS") {
					t.Errorf("%s: got HTTP %d %.100s; want %d", path, response.StatusCode, body, way.other)
				}
			}
		})
	}
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	conns  chan net.Conn
	errs   chan error
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case err := <-p.errs:
		return nil, err
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return nil }

// dial connects to the listener.
func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.conns <- there
	return here
}

// TestEitherListener waits for first bytes: not for ever, and without keeping others
// waiting.
func TestEitherListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := &pipes{make(chan net.Conn), make(chan error), make(chan struct{})}
		l := newEitherListener(below, &tls.Config{}, time.Minute)
		ended := make(chan struct{})
		go func() { l.run(); close(ended) }()

		began := time.Now()
		silent := below.dial()
		gone := below.dial()
		gone.Close()
		for _, test := range []struct {
			name, sent string
			secure     bool
		}{{"plain", "GET / HTTP/1.1", false}, {"TLS", "\x16\x03\x01", true}} {
			here := below.dial()
			go func() { _, _ = io.WriteString(here, test.sent) }()
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if _, secure := c.(*tls.Conn); secure != test.secure {
				t.Errorf("%s: got TLS %v; want %v", test.name, secure, test.secure)
			} else if !secure {
				got := make([]byte, len(test.sent))
				if _, err := io.ReadFull(c, got); err != nil || string(got) != test.sent {
					t.Errorf("%s: got %q, %v; want %q", test.name, got, err, test.sent)
				}
			}
			here.Close()
			c.Close()
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("others waited %s for the silent one; want no time", waited)
		}
		if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || time.Since(began) != time.Minute {
			t.Errorf("silent: got %v after %s; want its end after a minute", err, time.Since(began))
		}

		full := errors.New("too many open files")
		below.errs <- full
		if _, err := l.Accept(); !errors.Is(err, full) {
			t.Errorf("got %v; want the error of the listener below", err)
		}
		waiting, unclaimed := below.dial(), below.dial()
		go func() { _, _ = io.WriteString(unclaimed, "GET /") }()
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		<-ended
		for name, c := range map[string]net.Conn{"waiting": waiting, "unclaimed": unclaimed} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("%s: got %v; want its end with the listener", name, err)
			}
			c.Close()
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v; want that it is closed", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("closed again: got %v; want nothing", err)
		}
	})
}
