package oneall

import (
	"context"
	"sync"
	"time"
)

// smallBody bounds bodies that take no room from the large ones, in bytes. Only
// messages, which may bring files, are larger.
const smallBody = 64 << 10

// Bounds of the bodies of all requests that are answered at a time. The body of a
// message is held three times over: as it came, as text, and as files.
const (
	smallBodies = 64 << 20        // bytes of small ones
	largeBodies = 8               // large ones, each as large as it may be
	bodyWait    = 2 * time.Second // for room
	bodyRetry   = 5 * time.Second // after that, a client should come back
)

// bodies bounds the bytes of bodies that are held at once. One site gets half of them
// at most, so that one which sends much, or slowly, leaves room to the others.
type bodies struct {
	size, share int64 // of all sites, of one
	wait        time.Duration

	mu    sync.Mutex // protects what follows
	held  int64
	sites map[string]int64
	freed chan struct{} // closed when bytes are released; nil: nobody waits
}

func newBodies(size int64) *bodies {
	return &bodies{size: size, share: size / 2, wait: bodyWait, sites: make(map[string]int64)}
}

// take reserves n bytes for a site, at most its share. It waits for them shortly; then
// the error is errBusy, with a time to come back. The caller calls release; further
// calls do nothing.
func (b *bodies) take(ctx context.Context, site string, n int64) (release func(), err error) {
	ended := time.NewTimer(b.wait)
	defer ended.Stop()
	for {
		freed := b.reserve(site, n)
		if freed == nil {
			return sync.OnceFunc(func() { b.release(site, n) }), nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ended.C:
			return nil, &retryError{&fault{errBusy, "The server holds as many large requests as it can; please try again later."}, bodyRetry}
		}
	}
}

// reserve takes the bytes, or returns what is closed when there may be more room.
func (b *bodies) reserve(site string, n int64) (freed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+n <= b.size && b.sites[site]+n <= b.share {
		b.held += n
		b.sites[site] += n
		return nil
	}
	if b.freed == nil {
		b.freed = make(chan struct{})
	}
	return b.freed
}

// release gives bytes back.
func (b *bodies) release(site string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
	if b.sites[site] -= n; b.sites[site] == 0 {
		delete(b.sites, site)
	}
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}
