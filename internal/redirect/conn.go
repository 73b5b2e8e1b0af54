package redirect

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"

	"herald.example/internal/link"
)

// A conn is a visitor's connection, with what a request needs in reach of the
// handler: the peer's address, taken once, and the memory that a hit is put
// together in. One goroutine at a time works on it.
//
// It is also how slow clients are bounded. fasthttp's own timeouts set three
// deadlines per request, each with a reading of the clock and a timer to move:
// 0.6 microseconds together, a third of what everything else about a request
// costs outside of the kernel. Here a request costs two stores of a word that
// says what the connection is doing and since when, by a clock that the sweeper
// advances; the sweeper looks at all words once per tick and ends the
// connections that are overdue.
type conn struct {
	net.Conn // what requests and answers go through: raw, or TLS on top of it
	raw      net.Conn
	secure   bool // Conn is TLS
	conns    *conns
	peer     netip.Addr
	proxy    bool // the peer is a trusted proxy: its word for the address is taken

	// word is what the connection is doing, in its two low bits, and the tick
	// since when.
	word atomic.Uint64

	answered bool // something was written since the last Read
	waiting  bool // for the first byte of a request
	line     bool // a line end was seen since then

	hit    link.Hit
	target []byte
}

// What a connection is doing.
const (
	fresh = 0 // accepted, nothing received
	idle  = 1 // waiting for another request
	busy  = 2 // from the first byte of a request to the next Read after its answer
	doing = 3 // the mask
)

// Read reads what the client sends and notes the passage from waiting to busy.
// While the server drains it reports the end to a connection between requests.
//
// A client that pipelines part of a request behind a whole one is counted as
// idle until the next byte comes; then the request's time runs.
func (c *conn) Read(b []byte) (int, error) {
	if c.answered {
		c.answered, c.waiting = false, true
		c.word.Store(c.conns.tick.Load()<<2 | idle)
		// Store before load here, and the other way round in drain: one of the
		// two sees the other.
		if c.conns.draining.Load() {
			return 0, io.EOF
		}
	}
	n, err := c.Conn.Read(b) // over TLS, the first one shakes hands
	if n > 0 {
		if c.waiting {
			c.waiting, c.line = false, false
			c.word.Store(c.conns.tick.Load()<<2 | busy)
		}
		if !c.line {
			c.line = b[n-1] == '\n' || bytes.IndexByte(b[:n], '\n') >= 0
		}
		return n, err
	}
	if c.waiting && errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF // nobody asked anything: close without an answer
	}
	if c.secure && err != nil {
		c.answerPlain(err)
	}
	return n, err
}

// answerPlain tells a client that speaks HTTP where TLS is spoken what is wrong.
func (c *conn) answerPlain(err error) {
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok && plain.Conn != nil && looksLikeHTTP(plain.RecordHeader) {
		_, _ = io.WriteString(c.raw, wantsTLS) // the buffer of a new connection takes it
	}
}

// wantsTLS is the whole answer to a request without TLS.
const wantsTLS = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 48\r\n\r\n" +
	"This address speaks HTTPS: ask with https://...\n"

// looksLikeHTTP says whether the first bytes of a connection begin a request.
func looksLikeHTTP(start [5]byte) bool {
	switch string(start[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		return true
	}
	return false
}

// errNoHandshake is returned when an answer is written to a client that has not
// shaken hands.
var errNoHandshake = errors.New("answer before the TLS handshake")

// Write writes an answer. Before anything was received over TLS it refuses to:
// fasthttp tells a client above MaxConns so from the goroutine that accepts
// connections, which must not wait for that client's handshake.
func (c *conn) Write(b []byte) (int, error) {
	if c.secure && c.word.Load()&doing == fresh {
		return 0, errNoHandshake
	}
	c.answered = true
	return c.Conn.Write(b)
}

// Close ends the connection. It may be called more than once. Over TLS it says
// goodbye; while it does, the sweeper can still end the connection.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.conns.remove(c)
	return err
}

// peerOf is the address at the other end; the zero Addr when it has no IP address.
func peerOf(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
