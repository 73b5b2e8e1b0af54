package redirect

import (
	"bytes"
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
	net.Conn
	conns *conns
	peer  netip.Addr
	proxy bool // the peer is a trusted proxy: its word for the address is taken

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
	n, err := c.Conn.Read(b)
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
	return n, err
}

// Write writes an answer.
func (c *conn) Write(b []byte) (int, error) {
	c.answered = true
	return c.Conn.Write(b)
}

// Close ends the connection. It may be called more than once.
func (c *conn) Close() error {
	c.conns.remove(c)
	return c.Conn.Close()
}

// peerOf is the address at the other end; the zero Addr when it has no IP address.
func peerOf(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
