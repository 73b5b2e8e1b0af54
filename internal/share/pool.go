// Package share divides room in memory among sites, so that one which asks for much,
// or gives it back late, leaves room to the others.
package share

import (
	"context"
	"sync"
)

// Pool is a number of bytes that are held at a time. One site holds half of them at
// most. It is safe for concurrent use.
type Pool struct {
	size int64

	mu    sync.Mutex // protects what follows
	held  int64
	sites map[string]int64
	freed chan struct{} // closed when bytes are given back; nil: nobody waits
}

// NewPool returns a pool of size bytes.
func NewPool(size int64) *Pool { return &Pool{size: size, sites: make(map[string]int64)} }

// Share is what one site holds at most.
func (p *Pool) Share() int64 { return p.size / 2 }

// Held is what all sites hold now.
func (p *Pool) Held() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// Take holds n bytes for a site, or its whole share when n is more. It waits for them
// until ctx is done; then the error is the context's. The caller releases what it got.
func (p *Pool) Take(ctx context.Context, site string, n int64) (*Hold, error) {
	n = max(min(n, p.Share()), 0)
	for {
		freed := p.take(site, n)
		if freed == nil {
			return &Hold{pool: p, site: site, bytes: n}, nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take holds the bytes, or returns what is closed when there may be more room.
func (p *Pool) take(site string, n int64) (freed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n == 0 || p.held+n <= p.size && p.sites[site]+n <= p.Share() {
		p.held += n
		p.sites[site] += n
		p.forget(site)
		return nil
	}
	if p.freed == nil {
		p.freed = make(chan struct{})
	}
	return p.freed
}

// give takes n bytes back.
func (p *Pool) give(site string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held -= n
	p.sites[site] -= n
	p.forget(site)
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

// forget drops a site that holds nothing. The caller holds mu.
func (p *Pool) forget(site string) {
	if p.sites[site] == 0 {
		delete(p.sites, site)
	}
}

// Hold is a number of bytes that a site holds. Its methods are for one goroutine at a
// time.
type Hold struct {
	pool  *Pool
	site  string
	bytes int64
}

// Bytes is how many are held.
func (h *Hold) Bytes() int64 { return h.bytes }

// Give gives n bytes back, and at most what is held: when it is known how many are
// needed.
func (h *Hold) Give(n int64) {
	if n = min(n, h.bytes); n > 0 {
		h.bytes -= n
		h.pool.give(h.site, n)
	}
}

// Release gives everything back. Further calls do nothing.
func (h *Hold) Release() { h.Give(h.bytes) }
