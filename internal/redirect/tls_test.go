package redirect

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"herald.example/internal/certificate"
	"herald.example/internal/certificate/certtest"
)

// newSecureWorld is newWorld over TLS, with a client that trusts it.
func newSecureWorld(t testing.TB, change func(*Options)) (*world, *tls.Config) {
	t.Helper()
	pair := certtest.New(t, testDomain)
	cert, key := pair.Write(t, t.TempDir())
	files, err := certificate.Open(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *Options) {
		o.TLS = files.Config()
		if change != nil {
			change(o)
		}
	})
	client := certtest.Client(pair)
	client.ServerName = testDomain
	return w, client
}

// dialTLS opens a connection whose handshake is done.
func (w *world) dialTLS(t testing.TB, client *tls.Config) *tls.Conn {
	t.Helper()
	c := tls.Client(w.dial(t), client)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTLS(t *testing.T) {
	w, client := newSecureWorld(t, nil)
	client.NextProtos = []string{"h2", "http/1.1"}
	c := w.dialTLS(t, client)
	if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("got protocol %q; want http/1.1", got)
	}
	r := bufio.NewReader(c)
	for range 3 {
		if _, err := io.WriteString(c, "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\nUser-Agent: Firefox\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusFound || got != testTarget {
			t.Errorf("got %d %q; want 302 and the target", answer.StatusCode, got)
		}
	}
	if _, err := io.WriteString(c, "GET /gone HTTP/1.1\r\nHost: go.example.com\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	// A clean end of TLS, after the answer: io.EOF and not io.ErrUnexpectedEOF.
	if rest, err := io.ReadAll(r); err != nil || !strings.HasPrefix(string(rest), "HTTP/1.1 410") {
		t.Errorf("got %q, %v; want 410 and a goodbye", rest, err)
	}
	hits := w.ledger.take()
	if len(hits) != 3 || netip.MustParseAddr(hits[0].Addr) != netip.MustParseAddr("127.0.0.1") || hits[0].Agent != "Firefox" {
		t.Errorf("got hits %+v; want three from this machine", hits)
	}
}

// TestTLSNewCertificate: the certificate is replaced while connections are open.
func TestTLSNewCertificate(t *testing.T) {
	pairs := []certtest.Pair{certtest.New(t, testDomain), certtest.New(t, testDomain)}
	var current tls.Certificate
	w := newWorld(t, func(o *Options) {
		o.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &current, nil }}
	})
	var conns []*tls.Conn
	for _, pair := range pairs {
		var err error
		if current, err = tls.X509KeyPair(pair.Cert, pair.Key); err != nil {
			t.Fatal(err)
		}
		client := certtest.Client(pair) // and not the other one
		client.ServerName = testDomain
		conns = append(conns, w.dialTLS(t, client))
	}
	for _, c := range conns {
		fmt.Fprint(c, "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\nConnection: close\r\n\r\n")
		if answer := ends(t, c); !strings.HasPrefix(answer, "HTTP/1.1 302") {
			t.Errorf("got %q; want 302", answer)
		}
	}
}

// TestTLSBadClients: what does not speak TLS, or not ours, ends at once and
// disturbs nobody.
func TestTLSBadClients(t *testing.T) {
	w, client := newSecureWorld(t, nil)
	hello := func() string { // a ClientHello that offers HTTP/2 only
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			_ = tls.Client(theirs, &tls.Config{ServerName: testDomain, NextProtos: []string{"h2"}}).Handshake()
		}()
		b := make([]byte, 4096)
		n, err := ours.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}()
	for _, c := range []struct{ name, first, want string }{
		{"plain HTTP", "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
		{"plain HTTP, POST", "POST / HTTP/1.1\r\nHost: go.example.com\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
		{"something else", "SSH-2.0-OpenSSH_9.6\r\n", ""},
		{"handshake of rubbish", "\x16\x03\x01\x00\x05hello", "\x15\x03"}, // an alert
		{"HTTP/2 only", hello, "\x15\x03"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := w.raw(t, c.first)
			if !strings.HasPrefix(answer, c.want) || c.want == "" && answer != "" {
				t.Fatalf("got %q; want it to begin with %q", answer, c.want)
			}
			if strings.HasPrefix(c.want, "HTTP") {
				if got, body := parse(t, "GET", answer); !got.Close || !strings.Contains(body, "https://") {
					t.Errorf("got %v %q; want what to do, and the end", got.Header, body)
				}
			}
		})
	}
	if got := w.Stats().Refused; got != 5 {
		t.Errorf("got %d refused; want 5", got)
	}
	c := w.dialTLS(t, client)
	fmt.Fprint(c, "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\nConnection: close\r\n\r\n")
	if answer := ends(t, c); !strings.HasPrefix(answer, "HTTP/1.1 302") {
		t.Errorf("got %q; want 302", answer)
	}
}

// TestTLSSlowClients: the bounds of plain connections hold over TLS.
func TestTLSSlowClients(t *testing.T) {
	const request = "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\n"
	for _, c := range []struct{ name, first, want string }{
		{"stops in the request line", "GET /8WE", "HTTP/1.1 408"},
		{"stops in the headers", request, "HTTP/1.1 408"},
		{"says nothing after the handshake", "", ""},
		{"idle", request + "\r\n", "HTTP/1.1 302"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, client := newSecureWorld(t, short)
			conn := w.dialTLS(t, client)
			if _, err := io.WriteString(conn, c.first); err != nil {
				t.Fatal(err)
			}
			if answer := ends(t, conn); !strings.HasPrefix(answer, c.want) || c.want == "" && answer != "" {
				t.Errorf("got %q; want it to begin with %q", answer, c.want)
			}
		})
	}
	t.Run("slow handshake", func(t *testing.T) {
		t.Parallel()
		w, _ := newSecureWorld(t, short)
		c := w.dial(t)
		began := time.Now()
		for _, b := range []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 1000)) {
			if _, err := c.Write([]byte{b}); err != nil {
				break // it was ended
			}
			if _, err := readNow(c); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("got the end after %s; want it after the time of a request, %s", took, 200*time.Millisecond)
		}
		waitFor(t, "the connection to be gone", func() bool { return w.Stats().Connections == 0 })
	})
}

// readNow reads what comes within ten milliseconds.
func readNow(c net.Conn) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	return c.Read(make([]byte, 100))
}

// TestTLSSlowReader: a client that takes no answer is cut off.
func TestTLSSlowReader(t *testing.T) {
	w, client := newSecureWorld(t, short)
	conn := w.dialTLS(t, client)
	batch := []byte(strings.Repeat("GET /8WEtk2a+ HTTP/1.1\r\nHost: go.example.com\r\n\r\n", 100))
	for { // until both sides' buffers are full and the server gives up
		if _, err := conn.Write(batch); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the connection is open still")
			}
			break
		}
	}
	waitFor(t, "the connection to be gone", func() bool { return w.Stats().Connections == 0 })
}

// TestTLSSweep: the sweeper does not wait for a client to take the goodbye of TLS,
// which that may do for five seconds.
func TestTLSSweep(t *testing.T) {
	w, client := newSecureWorld(t, nil)
	ours, theirs := net.Pipe() // without any buffer
	c, err := w.Server.conns.add(ours)
	if err != nil {
		t.Fatal(err)
	}
	shaken := make(chan error, 1)
	go func() { shaken <- tls.Client(theirs, client).Handshake() }()
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 100)) // shakes hands and waits for a request
		read <- err
	}()
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 15 { // seconds, by the sweeper's clock
		w.Server.conns.sweep()
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("got the end of 15 sweeps after %s; want it at once", took)
	}
	if err := <-read; err == nil {
		t.Error("got a request; want the end")
	}
	if _, err := ours.Write(nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v; want a closed connection", err)
	}
	_ = c.Close()
}

// TestTLSMaxConns: above the bound, nobody waits for a handshake: connections go
// on being accepted, and ended.
func TestTLSMaxConns(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
	}{
		{"in all", func(o *Options) { o.MaxConns = 1 }},
		{"of one address", func(o *Options) { o.MaxConnsPerIP = 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, client := newSecureWorld(t, c.change)
			first := w.dialTLS(t, client)
			for range 3 {
				if answer := ends(t, w.dial(t)); answer != "" { // it never says hello
					t.Errorf("got %q; want the end", answer)
				}
			}
			fmt.Fprint(first, "GET /8WEtk2a HTTP/1.1\r\nHost: go.example.com\r\nConnection: close\r\n\r\n")
			if answer := ends(t, first); !strings.HasPrefix(answer, "HTTP/1.1 302") {
				t.Errorf("got %q; want 302", answer)
			}
		})
	}
}

// TestTLSShutdown: who waits is let go with a goodbye, and who is shaking hands
// without one.
func TestTLSShutdown(t *testing.T) {
	w, client := newSecureWorld(t, nil)
	shaking := w.dial(t)
	if _, err := io.WriteString(shaking, "\x16\x03\x01"); err != nil {
		t.Fatal(err)
	}
	waiting := w.dialTLS(t, client)
	fmt.Fprint(waiting, "GET /healthz HTTP/1.1\r\nHost: go.example.com\r\n\r\n")
	r := bufio.NewReader(waiting)
	if answer, err := http.ReadResponse(r, nil); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v; want 200", answer, err)
	}
	if err := w.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if answer := ends(t, shaking); answer != "" {
		t.Errorf("handshake: got %q; want the end", answer)
	}
	rest, err := io.ReadAll(r)
	if err != nil || strings.TrimSpace(string(rest)) != "ok" && string(rest) != "" {
		t.Errorf("waiting: got %q, %v; want a goodbye", rest, err)
	}
}
