package gigya

import (
	"math"
	"strconv"
	"testing"
	"time"
)

// TestWindow sets windows, and sends timestamps and JWTs from their edges. What was
// used up is remembered until the request is stale.
func TestWindow(t *testing.T) {
	for _, test := range []struct {
		name    string
		window  time.Duration
		signed  time.Duration // how far a timestamp may be off
		seconds string        // as a message has it
		jwt     time.Duration // how far an iat may be off
	}{
		{"default", 0, 120 * time.Second, "120", 300 * time.Second},
		{"narrow", time.Second, time.Second, "1", 300 * time.Second},
		{"wide", 10 * time.Minute, 10 * time.Minute, "600", 10 * time.Minute},
		{"very wide", 1000 * time.Hour, 1000 * time.Hour, "3600000", 1000 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := func(o *Options) { o.Window = test.window }
			signed := func(off time.Duration, want code, details string) *world {
				t.Helper()
				w := newWorld(t, set)
				w.do(signedCall().set("timestamp", strconv.FormatInt(start.Add(off).Unix(), 10))).want(want, details)
				return w
			}
			stale := "more than " + test.seconds + " seconds off"
			signed(-test.signed, codeOK, "")
			signed(-test.signed-time.Second, codeExpired, stale)
			signed(test.signed+time.Second, codeExpired, stale)
			w := signed(test.signed, codeOK, "")
			for key, until := range w.nonces.seen {
				if least := start.Add(max(2*test.signed+slowest, 10*time.Minute)); until.Before(least) {
					t.Errorf("%v: got a nonce until %v; want it until %v", key, until, least)
				}
			}

			bearer := func(off time.Duration, want code) *world {
				t.Helper()
				w := newWorld(t, set)
				details := ""
				if want != codeOK {
					details = "within " + strconv.Itoa(int(test.jwt/time.Second)) + " seconds"
				}
				w.do(plainCall().authorize("Bearer "+jwt(t, privateKey(), rightHeader, claims(off, "1")))).want(want, details)
				return w
			}
			bearer(-test.jwt, codeOK)
			bearer(-test.jwt-time.Second, codeHeader)
			bearer(test.jwt+time.Second, codeHeader)
			w = bearer(test.jwt, codeOK)
			for key, until := range w.nonces.seen {
				if least := start.Add(2*test.jwt + slowest); until.Before(least) {
					t.Errorf("%v: got a jti until %v; want it until %v", key, until, least)
				}
			}
			if len(w.nonces.seen) != 1 {
				t.Errorf("got %d JWTs that are remembered; want 1", len(w.nonces.seen))
			}
		})
	}
}

// TestWidestWindow: every window has an end of what it remembers, in the future.
func TestWidestWindow(t *testing.T) {
	for _, window := range []time.Duration{1_000_000 * time.Hour, math.MaxInt64 / 2, math.MaxInt64/2 + 1, math.MaxInt64} {
		if got := kept(window); got < window {
			t.Errorf("%v: got what is remembered for %v; want it longer", window, got)
		}
		w := newWorld(t, func(o *Options) { o.Window = window })
		for n, timestamp := range []string{"1", "1700000000", "1900000000"} {
			r := signedCall().set("timestamp", timestamp).set("nonce", strconv.Itoa(n))
			w.do(r).want(codeOK, "")
			w.do(r).want(codeNonce, "")
		}
		for key, until := range w.nonces.seen {
			if until.Before(start.AddDate(200, 0, 0)) {
				t.Errorf("%v: got %v until %v; want it for 200 years", window, key, until)
			}
		}
	}
}
