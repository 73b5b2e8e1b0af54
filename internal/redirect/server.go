package redirect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"herald.example/internal/link"
)

// Store is asked when the cache misses.
type Store interface {
	// Resolve appends the target of the link to dst and returns what else the
	// redirect needs. When there is no such slug, the error is
	// link.ErrNotFound; a disabled link and a tombstone come back in
	// Route.State, without a target. It sees every change that was committed
	// before the call, keeps neither slug nor dst, and may be called by many
	// goroutines at once.
	Resolve(domain string, slug, dst []byte) (link.Route, []byte, error)
}

// Ledger keeps the hits.
type Ledger interface {
	// Append returns when the hit is recorded. The hit and its slices are
	// borrowed for the call. It may be called by many goroutines at once.
	Append(h *link.Hit)
}

// Options are the settings of a Server. Zero fields take the defaults.
type Options struct {
	Store  Store       // must be set
	Ledger Ledger      // nil: nothing is counted
	Bases  []link.Base // the domains served, at least one; the first answers for every other Host

	// CacheBytes is the memory for links, 64 KiB to 32 GiB; 0: 128 MiB. A link
	// with a target of 50 bytes takes about 100: 128 MiB hold some 1.4 million.
	// It is taken from the system as it is needed.
	CacheBytes int

	// TLS is spoken with visitors; nil: plain HTTP. The protocols it offers are
	// set here. A connection takes some 40 KiB more with it.
	TLS *tls.Config

	// TrustedProxies are the networks whose word for the visitor's address is
	// taken: X-Forwarded-For, or Forwarded.
	TrustedProxies []netip.Prefix
	// Headers are names and values that stand in every redirect, also in one that
	// is a page with a script.
	Headers [][2]string
	// Ready says why the program is not ready to serve; nil: it always is.
	Ready func() error

	MaxConns      int // connections at once; more are answered 503; 0: 16,384, of up to 28 KiB each
	MaxConnsPerIP int // connections at once of one IPv4 address or IPv6 /64, trusted proxies apart; 0: no bound

	// RequestTimeout bounds a request from its first byte (on a new connection:
	// from the beginning) to the last byte of its answer: slow headers, slow
	// bodies and slow readers alike. A TLS handshake is given as much; 0: 10 s.
	RequestTimeout time.Duration
	// IdleTimeout bounds the wait for another request on a connection; 0: 75 s.
	IdleTimeout time.Duration

	Log *slog.Logger // nil: no log
}

// Limits that are no settings: a redirect needs no more.
const (
	maxHeader = 16 << 10 // request line and headers, bytes; 431 above
	maxURI    = 8 << 10  // request target, bytes; 414 above
	maxBody   = 4 << 10  // tolerated and ignored, bytes; 413 above
)

// setDefaults fills in the zero fields.
func (o *Options) setDefaults() {
	set(&o.CacheBytes, 128<<20)
	set(&o.MaxConns, 16<<10)
	set(&o.RequestTimeout, 10*time.Second)
	set(&o.IdleTimeout, 75*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
}

func set[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Server answers visitors. Make one with New, run it with Serve, end it with
// Shutdown.
type Server struct {
	store   Store
	ledger  Ledger // nil: nothing is counted
	ready   func() error
	log     *slog.Logger
	trusted []netip.Prefix
	domains *domains
	cache   *cache
	conns   *conns
	http    *fasthttp.Server
	// block is the constant part of a redirect's headers: see answerRedirect.
	block []byte
	// onward is the same of a page with a script: see onwardBlock.
	onward []byte

	counts counts
	warned atomic.Int64 // when the last warning was logged, Unix seconds

	// mu protects what follows.
	mu       sync.Mutex
	listener net.Listener
	done     chan struct{} // closed when Serve returns
}

// counts are the counters outside of the cache. None of them is touched by a
// 302 from the cache.
type counts struct {
	redirects, pages, notFound, gone, refused, errors atomic.Uint64
}

// Stats are what a Server has done since it was made, and what it holds now.
type Stats struct {
	Redirects    uint64 // answered with a link's target, HEAD included
	Pages        uint64 // of Redirects: with a page whose script goes on to the target
	Misses       uint64 // lookups that the cache could not answer
	NotFound     uint64 // answered 404
	Gone         uint64 // answered 410
	Refused      uint64 // requests that were malformed, too large or too slow
	Errors       uint64 // answered 503, because the store failed
	CacheEntries int
	CacheBytes   int // taken by entries
	Connections  int // open now
}

// New returns a server that is ready to Serve. It starts nothing.
func New(o Options) (*Server, error) {
	o.setDefaults()
	if o.Store == nil {
		return nil, errors.New("redirect: no store")
	}
	if o.MaxConns < 0 || o.MaxConnsPerIP < 0 || o.RequestTimeout < 0 || o.IdleTimeout < 0 {
		return nil, errors.New("redirect: limits must not be negative")
	}
	domains, err := newDomains(o.Bases)
	if err != nil {
		return nil, fmt.Errorf("redirect: %w", err)
	}
	cache, err := newCache(o.CacheBytes)
	if err != nil {
		return nil, fmt.Errorf("redirect: %w", err)
	}
	block, err := headerBlock(o.Headers)
	if err != nil {
		return nil, fmt.Errorf("redirect: %w", err)
	}
	s := &Server{
		store:   o.Store,
		ledger:  o.Ledger,
		ready:   o.Ready,
		log:     o.Log,
		trusted: o.TrustedProxies,
		domains: domains,
		cache:   cache,
		conns:   newConns(&o),
		block:   block,
		onward:  onwardBlock(o.Headers),
		done:    make(chan struct{}),
	}
	s.http = &fasthttp.Server{
		Handler:            s.handle,
		ErrorHandler:       s.refuse,
		Logger:             quiet{s},
		Concurrency:        o.MaxConns,
		ReadBufferSize:     maxHeader,
		MaxRequestBodySize: maxBody,
		// A body is tolerated, not waited for: who asks first is told no.
		ExpectHandler: func(*fasthttp.RequestCtx) int { return fasthttp.StatusExpectationFailed },
		// Each of these saves work on every request. Names of headers are
		// compared without regard to case where we look at them.
		DisableHeaderNamesNormalizing: true,
		NoDefaultServerHeader:         true,
		NoDefaultContentType:          true,
		DisablePreParseMultipartForm:  true,
		SecureErrorLogMessage:         true,
	}
	return s, nil
}

// Serve answers the connections of ln until Shutdown, and returns nil when the
// last of them has ended; before that it returns an error only when ln fails.
// It closes ln. It may be called once.
func (s *Server) Serve(ln net.Listener) error {
	s.mu.Lock()
	if s.listener != nil {
		s.mu.Unlock()
		return errors.New("redirect: Serve was called before")
	}
	s.listener = &listener{Listener: ln, server: s}
	s.mu.Unlock()
	defer close(s.done)

	stop := make(chan struct{})
	var sweeper sync.WaitGroup
	sweeper.Go(func() { s.conns.run(stop) })
	defer sweeper.Wait()
	defer close(stop)

	if s.conns.draining.Load() { // Shutdown came first
		return ln.Close()
	}
	err := s.http.Serve(s.listener)
	s.conns.drain() // after Shutdown this does nothing
	_ = ln.Close()
	<-s.conns.empty
	if err != nil {
		return fmt.Errorf("redirect: accept on %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown refuses new connections, closes those that wait for a request,
// answers the requests that have begun, with Connection: close, and returns
// when Serve is about to. When ctx ends first, it cuts the rest off and returns
// the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	ln := s.listener
	s.conns.drain()
	s.mu.Unlock()
	if ln == nil {
		return nil
	}
	_ = ln.Close() // Serve closes it too
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		s.conns.closeAll()
		return ctx.Err()
	}
}

// Forget drops a link from the cache. Called after a change was committed, it
// makes the change visible to every request that starts after its return.
func (s *Server) Forget(ref link.Ref) {
	if i, ok := s.domains.byHost[ref.Domain]; ok {
		s.cache.forget(i, []byte(ref.Slug))
	}
}

// ForgetAll drops all links from the cache.
func (s *Server) ForgetAll() { s.cache.forgetAll() }

// Stats reads the counters. It takes each lock of the cache in turn, briefly.
func (s *Server) Stats() Stats {
	entries, bytes, redirects, misses := s.cache.usage()
	return Stats{
		Redirects:    redirects + s.counts.redirects.Load(),
		Pages:        s.counts.pages.Load(),
		Misses:       misses,
		NotFound:     s.counts.notFound.Load(),
		Gone:         s.counts.gone.Load(),
		Refused:      s.counts.refused.Load(),
		Errors:       s.counts.errors.Load(),
		CacheEntries: entries,
		CacheBytes:   bytes,
		Connections:  s.conns.count(),
	}
}

// warn logs what went wrong, at most once a second: what one visitor can cause,
// many can cause.
func (s *Server) warn(doing string, err error) {
	now := time.Now().Unix()
	if last := s.warned.Load(); last == now || !s.warned.CompareAndSwap(last, now) {
		return
	}
	s.log.Warn("visitors are not served as they should be", "doing", doing, "error", err)
}

// quiet is fasthttp's logger. What fasthttp has to say is about single
// connections; what concerns the listener is logged or returned elsewhere.
type quiet struct{ s *Server }

// Printf logs for those who look closely.
func (q quiet) Printf(format string, args ...any) {
	if q.s.log.Enabled(context.Background(), slog.LevelDebug) {
		q.s.log.Debug("connection ended", "cause", fmt.Sprintf(format, args...))
	}
}

// ownHeaders are the ones that a setting must not give: they belong to the
// answer or to the connection.
var ownHeaders = map[string]bool{
	"cache-control": true, "connection": true, "content-encoding": true, "content-length": true, "content-type": true, "date": true,
	"keep-alive": true, "location": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
}

// headerBlock renders the constant headers of a redirect, up to and including
// the name of the last one, Location.
func headerBlock(headers [][2]string) ([]byte, error) {
	block := []byte("Cache-Control: private, no-store\r\n")
	for _, h := range headers {
		name, value := h[0], h[1]
		switch {
		case name == "" || strings.ContainsFunc(name, func(r rune) bool { return !tokenRune(r) }):
			return nil, fmt.Errorf("header %q: the name is malformed", name)
		case ownHeaders[strings.ToLower(name)]:
			return nil, fmt.Errorf("header %q: it cannot be set", name)
		case strings.TrimSpace(value) != value || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return nil, fmt.Errorf("header %q: the value is malformed", name)
		}
		block = append(block, name+": "+value+"\r\n"...)
	}
	if len(block) > maxHeader {
		return nil, fmt.Errorf("headers: %d bytes, at most %d are allowed", len(block), maxHeader)
	}
	return append(block, "Location"...), nil
}

// tokenRune says whether r may stand in a header's name (RFC 9110, token).
func tokenRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r < 0x80 && strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
