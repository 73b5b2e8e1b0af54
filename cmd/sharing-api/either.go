package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"herald.example/internal/gigya"
)

// handshake is the first byte of a connection with TLS: RFC 8446, section 5.1. No
// method of HTTP begins with it.
const handshake = 22

// eitherListener accepts connections with and without TLS at one address: of Gigya's
// clients some sign and call http://, as the contract's section 2 has it, and others
// send secrets or tokens and call https://. Which one a connection is, its first byte
// says.
type eitherListener struct {
	net.Listener
	secure *tls.Config
	wait   time.Duration // for the first byte

	ready  chan net.Conn
	failed chan error // of the listener below
	closed chan struct{}
	once   sync.Once

	mu     sync.Mutex
	silent map[net.Conn]bool // connections without a first byte yet; nil: it is closed

	looking sync.WaitGroup
}

func newEitherListener(ln net.Listener, secure *tls.Config, wait time.Duration) *eitherListener {
	return &eitherListener{
		Listener: ln, secure: secure, wait: wait,
		ready: make(chan net.Conn), failed: make(chan error), closed: make(chan struct{}), silent: make(map[net.Conn]bool),
	}
}

// run accepts connections until the listener is closed, and waits for all that it
// began.
func (l *eitherListener) run() {
	defer l.looking.Wait()
	for {
		c, err := l.Listener.Accept()
		if err == nil {
			l.looking.Go(func() { l.look(c) })
			continue
		}
		select {
		case l.failed <- err: // who accepts says what becomes of it, and waits before the next one
		case <-l.closed:
			return
		}
	}
}

// look waits for the first byte of a connection and hands it over.
func (l *eitherListener) look(c net.Conn) {
	b := &begunConn{Conn: c}
	if !l.begin(b) {
		_ = c.Close() // nobody speaks, or nobody listens any more
		return
	}
	var given net.Conn = b
	if b.first[0] == handshake {
		given = tls.Server(b, l.secure)
	}
	select {
	case l.ready <- given:
	case <-l.closed:
		_ = c.Close()
	}
}

// begin reads the first byte.
func (l *eitherListener) begin(b *begunConn) bool {
	l.mu.Lock()
	open := l.silent != nil
	if open {
		l.silent[b.Conn] = true
	}
	l.mu.Unlock()
	if !open {
		return false
	}
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.silent, b.Conn)
	}()
	err := b.SetReadDeadline(time.Now().Add(l.wait))
	if err == nil {
		_, err = b.Conn.Read(b.first[:])
	}
	return err == nil && b.SetReadDeadline(time.Time{}) == nil
}

// Accept waits for a connection whose first byte has come.
func (l *eitherListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case err := <-l.failed:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener and the connections that it waits for.
func (l *eitherListener) Close() (err error) {
	l.once.Do(func() {
		close(l.closed)
		err = l.Listener.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		for c := range l.silent {
			_ = c.Close() // that ends its wait
		}
		l.silent = nil
	})
	return err
}

// begunConn is a connection whose first byte was read, and is read again.
type begunConn struct {
	net.Conn
	first [1]byte
	taken bool // one goroutine reads at a time, as with every connection of a server
}

// Read reads the first byte, then from the connection.
func (c *begunConn) Read(p []byte) (int, error) {
	if c.taken || len(p) == 0 {
		return c.Conn.Read(p)
	}
	c.taken = true
	p[0] = c.first[0]
	return 1, nil
}

// besideTLS refuses requests that came without TLS to a server that has it, but those
// of Gigya's dialect, which keeps secrets from such requests itself. Credentials of the
// others are in the clear.
func besideTLS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil && !gigya.Speaks(r.URL.Path) {
			w.Header().Set("Connection", "close")
			http.Error(w, "This address speaks HTTPS: ask with https://... Only Gigya's signed calls may come without.", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
