package redirect

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"herald.example/internal/link"
)

// A loopConn is a connection without a kernel: each Read returns the next of
// its requests, n times in all, and answers vanish.
type loopConn struct {
	requests [][]byte
	next, n  int
	answer   []byte // the last one
}

func (c *loopConn) Read(b []byte) (int, error) {
	if c.n == 0 {
		return 0, io.EOF
	}
	c.n--
	r := c.requests[c.next]
	if c.next++; c.next == len(c.requests) {
		c.next = 0
	}
	return copy(b, r), nil
}

func (c *loopConn) Write(b []byte) (int, error) {
	c.answer = append(c.answer[:0], b...)
	return len(b), nil
}
func (c *loopConn) Close() error                     { return nil }
func (c *loopConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (c *loopConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 4711} }
func (c *loopConn) SetDeadline(time.Time) error      { return nil }
func (c *loopConn) SetReadDeadline(time.Time) error  { return nil }
func (c *loopConn) SetWriteDeadline(time.Time) error { return nil }

// browserRequest is what a browser sends, about 400 bytes.
func browserRequest(slug string) []byte {
	return fmt.Appendf(nil, "GET /%s HTTP/1.1\r\n"+
		"Host: go.example.com\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"+
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"+
		"Accept-Language: en-US,en;q=0.5\r\n"+
		"Accept-Encoding: gzip, deflate, br\r\n"+
		"Referer: https://social.example/@someone/114567890123\r\n"+
		"Sec-Fetch-Dest: document\r\n"+
		"Sec-Fetch-Mode: navigate\r\n"+
		"Connection: keep-alive\r\n\r\n", slug)
}

// copyLedger is the least that a ledger does: copy.
type copyLedger struct {
	ring [4096]byte
	hits uint64
}

func (l *copyLedger) Append(h *link.Hit) {
	l.hits++
	n := copy(l.ring[:], h.Referrer)
	copy(l.ring[n:], h.Agent)
}

// manyStore has a link for every number below n.
type manyStore struct {
	n      int
	method link.Method // of all of them
}

func (s manyStore) Resolve(_ string, slug, dst []byte) (link.Route, []byte, error) {
	var i int
	for _, c := range slug[1:] {
		i = i*10 + int(c-'0')
	}
	if i >= s.n {
		return link.Route{}, nil, link.ErrNotFound
	}
	dst = append(dst, "https://www.example.com/an/article/of/some/length/"...)
	return link.Route{Number: uint64(i) + 1, State: link.Active, Method: s.method}, append(dst, slug...), nil
}

// serveLoop lets s answer on c until c has no more requests.
func (s *Server) serveLoop(tb testing.TB, nc net.Conn) {
	c, err := s.conns.add(nc)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.http.ServeConn(c); err != nil {
		tb.Fatal(err)
	}
}

// newBench returns a server with n links in its cache and the requests for
// them in random order.
func newBench(tb testing.TB, n int, ledger Ledger, change func(*Options)) (*Server, [][]byte) {
	tb.Helper()
	o := Options{
		Store: manyStore{n: n}, Ledger: ledger, CacheBytes: 256 << 20,
		Bases: []link.Base{{Domain: testDomain, URL: "https://" + testDomain}},
	}
	if n < 100_000 {
		o.CacheBytes = 8 << 20
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	requests := make([][]byte, n)
	for i := range requests {
		slug := fmt.Appendf(nil, "s%06d", i)
		route, target, err := o.Store.Resolve("", slug, nil)
		if err != nil {
			tb.Fatal(err)
		}
		_, _, generation, _ := s.cache.get(0, slug, nil, false)
		s.cache.put(0, slug, route, target, generation)
	}
	for i, k := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		requests[i] = browserRequest(fmt.Sprintf("s%06d", k))
		if i == 99_999 { // enough to leave the processor's caches behind
			requests = requests[:i+1]
			break
		}
	}
	return s, requests
}

// BenchmarkRequest compares the whole of a request without the kernel: a bare
// fasthttp server that answers one constant 302, and ours. The difference is
// what the product adds; sockets and the network poller, ten times as much, are
// the same for both.
func BenchmarkRequest(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		s := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.SetStatusCode(fasthttp.StatusFound)
			ctx.Response.Header.Set("Location", testTarget)
		}}
		_, requests := newBench(b, 10_000, nil, nil)
		b.ReportAllocs()
		b.ResetTimer()
		if err := s.ServeConn(&loopConn{requests: requests, n: b.N}); err != nil {
			b.Fatal(err)
		}
	})
	ours := func(name string, n int, ledger Ledger, change func(*Options)) {
		b.Run(name, func(b *testing.B) {
			s, requests := newBench(b, n, ledger, change)
			b.ReportAllocs()
			b.ResetTimer()
			s.serveLoop(b, &loopConn{requests: requests, n: b.N})
		})
	}
	ours("uncounted", 10_000, nil, nil)
	ours("counted", 10_000, &copyLedger{}, nil)
	ours("counted, 1M links", 1_000_000, &copyLedger{}, nil)
	ours("counted, pages", 10_000, &copyLedger{}, func(o *Options) { o.Store = manyStore{10_000, link.Script} })
}
