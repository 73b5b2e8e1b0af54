package gigya

import (
	"math"
	"strconv"
	"time"
)

const (
	// defaultWindow is how far a timestamp may be from the clock: contract, section 4.4.
	defaultWindow = 120 * time.Second
	// minJWTWindow is the same of a JWT, at least. Its clients do not correct their clock
	// as those who sign do, so it is the wider one that the contract allows: section 4.6.
	minJWTWindow = 300 * time.Second
	// minKept is how long a nonce is remembered at least: more than twice the default
	// window, so that a restart with a wider one lets no request through again.
	minKept = 10 * time.Minute
	// slowest is more than a request takes until its nonce is looked at. Its times are
	// held against the moment at which it began, and its body may take a minute.
	slowest = 2 * time.Minute
)

// freshness is how far the times in requests may be from the clock.
type freshness struct {
	window    time.Duration // of the timestamp of a signed request
	jwtWindow time.Duration // of the iat of a JWT
	wrongJWT  error         // the answer to one that is wrong, which names its window
}

// newFreshness is what follows from a window; 0: the default.
func newFreshness(window time.Duration) freshness {
	if window <= 0 {
		window = defaultWindow
	}
	f := freshness{window: window, jwtWindow: max(window, minJWTWindow)}
	f.wrongJWT = faultf(codeHeader, "The JWT is wrong: it must be RS256, with a kid that may act for this site, an iat within %s seconds of now, and a jti that was not used before.", seconds(f.jwtWindow))
	return f
}

// kept is how long what a request uses up is remembered: longer than the request can be
// used, which is from one end of the window to the other, also by one that is slow.
func kept(window time.Duration) time.Duration {
	if window > (math.MaxInt64-slowest)/2 {
		return math.MaxInt64 // 292 years
	}
	return max(minKept, 2*window+slowest)
}

// seconds is a number of seconds for a message.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
