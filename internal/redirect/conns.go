package redirect

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// conns are the open connections of a server and the clock that they are held
// against.
type conns struct {
	tick     atomic.Uint64 // rises once per period
	draining atomic.Bool

	period   time.Duration
	request  int64 // ticks that a request may take
	idle     int64 // ticks between requests
	max      int
	maxPerIP int
	trusted  []netip.Prefix
	tls      *tls.Config // nil: connections are plain

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
		request:  int64(o.RequestTimeout / period),
		idle:     int64(o.IdleTimeout / period),
		max:      o.MaxConns,
		maxPerIP: o.MaxConnsPerIP,
		trusted:  o.TrustedProxies,
		tls:      secureConfig(o.TLS),
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

// secureConfig is the configuration of TLS here, nil for none: HTTP/1.1 is all
// that is spoken.
func secureConfig(config *tls.Config) *tls.Config {
	if config == nil {
		return nil
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	return config
}

// add takes nc in. It returns net.ErrClosed when the server drains.
func (s *conns) add(nc net.Conn) (*conn, error) {
	c := &conn{Conn: nc, raw: nc, conns: s, peer: peerOf(nc), waiting: true}
	if s.tls != nil {
		c.Conn, c.secure = tls.Server(nc, s.tls), true
	}
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
		switch age := int64(now - word>>2); {
		case age > limit+2:
			stuck = append(stuck, c)
		case age > limit:
			late = append(late, c)
		}
	}
	s.mu.Unlock()
	for _, c := range late {
		_ = c.raw.SetReadDeadline(longAgo) // fails only when c is closed already
	}
	for _, c := range stuck {
		_ = c.raw.Close() // TLS would say goodbye first, and wait until it is taken
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
			_ = c.raw.SetReadDeadline(longAgo)
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
		_ = c.raw.Close()
	}
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
