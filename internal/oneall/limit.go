package oneall

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxPeers is how many peers a limiter remembers in each of its two generations:
// about 2 MB in all.
const maxPeers = 8192

// limiter counts wrong keys by peer. It forgets the peers that were quiet longest
// when there are many, so that its size is bounded; who commands that many
// addresses is not held by counting addresses.
type limiter struct {
	perMinute int

	mu         sync.Mutex // protects what follows
	young, old map[netip.Addr]*rate.Limiter
}

func newLimiter(perMinute int) *limiter {
	return &limiter{perMinute: perMinute, young: make(map[netip.Addr]*rate.Limiter)}
}

// take counts one wrong key of a peer and returns how long the peer should wait
// before the next; zero while it is within the limit.
func (l *limiter) take(peer netip.Addr, now time.Time) time.Duration {
	if peer = peer.Unmap(); peer.Is6() { // a household's network, not one of its many addresses
		if network, err := peer.WithZone("").Prefix(64); err == nil {
			peer = network.Addr()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.young[peer]
	if bucket == nil {
		if bucket = l.old[peer]; bucket == nil {
			bucket = rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)
		}
		if len(l.young) >= maxPeers {
			l.old, l.young = l.young, make(map[netip.Addr]*rate.Limiter)
		}
		l.young[peer] = bucket
	}
	if bucket.AllowN(now, 1) {
		return 0
	}
	return time.Minute / time.Duration(l.perMinute)
}
