package bluesky

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Servers allow 30 logins in 5 minutes and 300 a day for an account. These stay
// below that: 10 at once, then one every 5 minutes, which is 298 in the worst day.
const (
	loginsAtOnce = 10
	loginEvery   = 5 * time.Minute
	maxLogins    = 10_000 // accounts that are remembered
)

// logins bounds how often an account is logged in. It is safe for concurrent use;
// the zero value knows of no login.
type logins struct {
	mu       sync.Mutex
	accounts map[account]*rate.Limiter // guarded by mu; at most maxLogins
}

// account is whom a site logs in. Sites are apart: one of them that tries
// passwords does not use up what the others may do.
type account struct{ site, server, identifier string }

// wait counts a login that is about to be made, and is 0; or it is the time to
// wait before there may be one.
func (l *logins) wait(who account, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, ok := l.accounts[who]
	if !ok {
		if l.accounts == nil {
			l.accounts = make(map[account]*rate.Limiter)
		}
		if len(l.accounts) >= maxLogins {
			l.forget(now)
		}
		limiter = rate.NewLimiter(rate.Every(loginEvery), loginsAtOnce)
		l.accounts[who] = limiter
	}
	reservation := limiter.ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	if delay > 0 {
		reservation.CancelAt(now)
	}
	return delay
}

// forget makes room for a quarter of maxLogins: of the accounts that may log in
// freely again, and then of any.
func (l *logins) forget(now time.Time) {
	for who, limiter := range l.accounts {
		if limiter.TokensAt(now) >= loginsAtOnce {
			delete(l.accounts, who)
		}
	}
	for who := range l.accounts {
		if len(l.accounts) <= maxLogins*3/4 {
			return
		}
		delete(l.accounts, who)
	}
}
