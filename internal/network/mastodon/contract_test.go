package mastodon_test

import (
	"net/http"
	"testing"
	"time"

	"herald.example/internal/fetch"
	"herald.example/internal/network"
	"herald.example/internal/network/contract"
	"herald.example/internal/network/mastodon"
	"herald.example/internal/network/mastodon/double"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// open is an adapter that may reach this machine.
func open(now func() time.Time) *mastodon.Network {
	f := fetch.New(fetch.Options{AllowHosts: []string{"127.0.0.1", "localhost"}})
	return mastodon.New(network.NewClient(f.Transport()), now)
}

// revokedOf is an account whose token the server never gave, or took back.
func revokedOf(who site.Opened) site.Opened {
	who.Credentials = site.Credentials{Access: "a-token-that-nobody-knows"}
	return who
}

// elsewhere is an account on the server at base.
func elsewhere(who site.Opened) func(base string) site.Opened {
	return func(base string) site.Opened {
		moved := who
		moved.Account.Server = base
		return moved
	}
}

// world is an adapter with a double.
func world(t *testing.T, o double.Options, scopes ...string) contract.World {
	now := time.Now().Truncate(time.Second) // a date in a header has no more
	clock := func() time.Time { return now }
	o.Now = clock
	s := double.NewWith(t, o)
	alice := s.AddAccount("alice", scopes...)
	w := contract.World{
		Network: open(clock),
		Who:     alice.Opened(),
		Count:   func(*testing.T) int { return len(s.Posts("alice")) },
		Read: func(t *testing.T, r publish.Receipt) contract.Seen {
			for _, p := range s.Posts("alice") {
				if p.ID == r.ID && p.URL == r.URL {
					return contract.Seen{Text: p.Text, URLs: p.URLs, Pictures: len(p.Files)}
				}
			}
			t.Fatalf("got receipt %+v; want that of a post", r)
			return contract.Seen{}
		},
		KeepsKeys: !o.ForgetsKeys,
		Missing:   publish.Absent,
		Faults:    s.Faults(),
		Create:    "POST /api/v1/statuses",
	}
	w.Revoked = func(*testing.T) site.Opened { return revokedOf(w.Who) }
	w.At = elsewhere(w.Who)
	if o.ForgetsKeys {
		w.Missing = publish.Uncertain
	}
	reset := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000Z") }
	w.RateLimits = []contract.RateLimit{
		{Name: "time of the reset", Header: http.Header{"X-Ratelimit-Limit": {"300"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {reset(now.Add(200 * time.Second))}}, Want: 200 * time.Second},
		{Name: "time of the reset is over", Header: http.Header{"X-Ratelimit-Reset": {reset(now.Add(-time.Second))}}},
		{Name: "seconds", Header: http.Header{"Retry-After": {"120"}, "X-Ratelimit-Reset": {reset(now.Add(time.Hour))}}, Want: 2 * time.Minute},
		{Name: "date", Header: http.Header{"Retry-After": {now.Add(90 * time.Second).UTC().Format(http.TimeFormat)}}, Want: 90 * time.Second},
		{Name: "for ever", Header: http.Header{"Retry-After": {"99999999999999999"}}, Want: 30 * 24 * time.Hour},
		{Name: "nothing", Header: http.Header{}},
		{Name: "nonsense", Header: http.Header{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"1700000000"}}},
	}
	return w
}

func TestContract(t *testing.T) {
	for _, test := range []struct {
		name   string
		o      double.Options
		scopes []string
	}{
		{"Mastodon", double.Options{}, nil},
		{"as few scopes as will do", double.Options{}, []string{"profile", "write:statuses", "write:media"}},
		{"a server that knows only the first version and forgets keys",
			double.Options{Version: "2.7.2 (compatible; Pleroma 2.6.0)", FirstOnly: true, ForgetsKeys: true, Characters: 5000, URLCost: 25}, nil},
	} {
		t.Run(test.name, func(t *testing.T) { contract.Run(t, world(t, test.o, test.scopes...)) })
	}
}
