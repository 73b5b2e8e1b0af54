package redirect

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

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

// conns are the open connections of a server and the clock that they are held
// against.
type conns struct {
	tick     atomic.Uint64 // rises once per period
	draining atomic.Bool

	period   time.Duration
	request  uint64 // ticks that a request may take
	idle     uint64 // ticks between requests
	max      int
	maxPerIP int
	trusted  []netip.Prefix

	// mu protects what follows.
	mu    sync.Mutex
	open  map[*conn]struct{}
	perIP map[netip.Addr]int // nil when maxPerIP is 0
	empty chan struct{}      // closed when draining and the last one is gone
}

func newConns(o *Options) *conns {
	period := min(time.Second, o.RequestTimeout/4, o.IdleTimeout/4)
	period = max(period, 5*time.Millisecond)
	s := &conns{
		period:   period,
		request:  uint64(o.RequestTimeout / period),
		idle:     uint64(o.IdleTimeout / period),
		max:      o.MaxConns,
		maxPerIP: o.MaxConnsPerIP,
		trusted:  o.TrustedProxies,
		open:     make(map[*conn]struct{}),
		empty:    make(chan struct{}),
	}
	if s.maxPerIP > 0 {
		s.perIP = make(map[netip.Addr]int)
	}
	return s
}

// errTooMany is returned when one address has too many connections.
var errTooMany = errors.New("too many connections from one address")

// add takes c in. It returns net.ErrClosed when the server drains.
func (s *conns) add(nc net.Conn) (*conn, error) {
	c := &conn{Conn: nc, conns: s, peer: peerOf(nc), waiting: true}
	for _, p := range s.trusted {
		c.proxy = c.proxy || p.Contains(c.peer)
	}
	c.word.Store(s.tick.Load()<<2 | fresh)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return nil, net.ErrClosed
	}
	if s.perIP != nil && !c.proxy {
		if s.perIP[network(c.peer)] >= s.maxPerIP {
			return nil, errTooMany
		}
		s.perIP[network(c.peer)]++
	}
	s.open[c] = struct{}{}
	return c, nil
}

// remove takes c out; a second time does nothing.
func (s *conns) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[c]; !ok {
		return
	}
	delete(s.open, c)
	if s.perIP != nil && !c.proxy {
		if n := network(c.peer); s.perIP[n] > 1 {
			s.perIP[n]--
		} else {
			delete(s.perIP, n)
		}
	}
	if s.draining.Load() && len(s.open) == 0 {
		close(s.empty)
	}
}

func (s *conns) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// longAgo as a deadline wakes whoever waits.
var longAgo = time.Unix(1, 0)

// sweep advances the clock by one tick and ends what is overdue: first by
// failing its reads, so that a request that trickles in is answered 408, and
// two ticks later for good, which ends answers that nobody takes. When three
// quarters of the allowed connections are open, an eighth of the idle time has
// to do.
func (s *conns) sweep() {
	now := s.tick.Add(1)
	var late, stuck []*conn
	s.mu.Lock()
	idleLimit := s.idle
	if len(s.open) > s.max/4*3 {
		idleLimit = max(s.idle/8, 1)
	}
	for c := range s.open {
		word := c.word.Load()
		limit := s.request
		if word&doing == idle {
			limit = idleLimit
		}
		switch age := now - word>>2; {
		case age > limit+2:
			stuck = append(stuck, c)
		case age > limit:
			late = append(late, c)
		}
	}
	s.mu.Unlock()
	for _, c := range late {
		_ = c.Conn.SetReadDeadline(longAgo) // fails only when c is closed already
	}
	for _, c := range stuck {
		_ = c.Conn.Close()
	}
}

// run sweeps until stop is closed.
func (s *conns) run(stop <-chan struct{}) {
	ticker := time.NewTicker(s.period)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.sweep()
		case <-stop:
			return
		}
	}
}

// drain refuses new connections, ends the ones between requests, and lets the
// others answer what they have begun. It may be called more than once.
func (s *conns) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Swap(true) {
		return
	}
	if len(s.open) == 0 {
		close(s.empty)
	}
	for c := range s.open {
		if c.word.Load()&doing != busy {
			_ = c.Conn.SetReadDeadline(longAgo)
		}
	}
}

// closeAll ends all connections, whatever they are doing.
func (s *conns) closeAll() {
	s.mu.Lock()
	all := make([]*conn, 0, len(s.open))
	for c := range s.open {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		_ = c.Conn.Close()
	}
}

// peerOf is the address at the other end; the zero Addr when it has no IP address.
func peerOf(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// network is what MaxConnsPerIP counts by: an IPv4 address, or the /64 that one
// subscriber has in IPv6.
func network(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// A listener hands out conns.
type listener struct {
	net.Listener
	server *Server
}

// tooMany is the whole answer to a connection above MaxConnsPerIP.
const tooMany = "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// Accept waits for a connection. Want of memory or file descriptors passes, so
// it waits that out instead of failing.
func (l *listener) Accept() (net.Conn, error) {
	conns := l.server.conns
	wait := 5 * time.Millisecond
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			if !passes(err) || conns.draining.Load() {
				return nil, err
			}
			l.server.warn("cannot accept a connection", err)
			time.Sleep(wait)
			wait = min(2*wait, time.Second)
			continue
		}
		c, err := conns.add(nc)
		if err == nil {
			return c, nil
		}
		if errors.Is(err, errTooMany) {
			_, _ = nc.Write([]byte(tooMany)) // the buffer of a new connection takes it
		}
		_ = nc.Close()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
	}
}

// passes says whether an error of Accept is one that waiting cures.
func passes(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
