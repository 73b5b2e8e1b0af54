package gigya

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter bounds the calls of each site, and apart from them those with nothing but an
// API key. Only calls for sites that there are are counted, so it holds no more than two
// bounds for each.
type limiter struct {
	perMinute int // 0: without bound

	mu    sync.Mutex // protects what follows
	sites map[string]*rate.Limiter
}

func newLimiter(perMinute int) *limiter {
	return &limiter{perMinute: perMinute, sites: make(map[string]*rate.Limiter)}
}

// take counts one call of a site. It is refused above the bound.
func (l *limiter) take(siteID string, now time.Time) error {
	if l.perMinute == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.sites[siteID]
	if bucket == nil {
		bucket = rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)
		l.sites[siteID] = bucket
	}
	if !bucket.AllowN(now, 1) {
		return faultf(codeRate, "This site makes more than %d calls a minute; please come again later.", l.perMinute)
	}
	return nil
}
