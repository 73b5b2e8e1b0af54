package bluesky

import (
	"fmt"
	"testing"
	"time"
)

// TestLogins tries to log in every ten seconds for three days, and holds what it may
// against the limits of the servers.
func TestLogins(t *testing.T) {
	var l logins
	who := account{"site", "https://pds.example", "alice.test"}
	start := time.Unix(1_795_600_000, 0)
	var made []time.Time
	for s := range 3 * 24 * 360 {
		now := start.Add(time.Duration(s) * 10 * time.Second)
		wait := l.wait(who, now)
		if wait == 0 {
			made = append(made, now)
		} else if wait < 0 || wait > loginEvery {
			t.Fatalf("got a wait of %v; want at most %v", wait, loginEvery)
		}
	}
	for _, limit := range []struct {
		span time.Duration
		most int
	}{{5 * time.Minute, 30}, {24 * time.Hour, 300}} {
		for first, last := 0, 0; last < len(made); last++ {
			for made[last].Sub(made[first]) >= limit.span {
				first++
			}
			if got := last - first + 1; got > limit.most {
				t.Fatalf("got %d logins within %v; want at most %d", got, limit.span, limit.most)
			}
		}
	}
	if len(made) < 500 {
		t.Errorf("got %d logins in three days; want them to go on", len(made))
	}
}

// TestLoginsAreApart shows that one site cannot use up what another may do, and
// that what is remembered is bounded.
func TestLoginsAreApart(t *testing.T) {
	var l logins
	now := time.Unix(1_795_600_000, 0)
	for range 100 {
		l.wait(account{"bad", "https://pds.example", "alice.test"}, now)
	}
	if wait := l.wait(account{"bad", "https://pds.example", "alice.test"}, now); wait == 0 {
		t.Error("got no wait after 100 logins; want one")
	}
	if wait := l.wait(account{"good", "https://pds.example", "alice.test"}, now); wait != 0 {
		t.Errorf("got a wait of %v for another site; want none", wait)
	}
	for i := range maxLogins + 100 {
		l.wait(account{"bad", "https://pds.example", fmt.Sprint(i)}, now)
	}
	if got := len(l.accounts); got > maxLogins {
		t.Errorf("got %d accounts remembered; want at most %d", got, maxLogins)
	}
}
