package bluesky_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"herald.example/internal/network/bluesky"
	"herald.example/internal/network/bluesky/double"
	"herald.example/internal/network/bluesky/pds"
	"herald.example/internal/network/bluesky/stranger"
	"herald.example/internal/network/contract"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// world is a server with an account, real or not.
func world(n *bluesky.Network, who site.Opened) contract.World {
	return contract.World{
		Network: n,
		Who:     who,
		Read: func(t *testing.T, r publish.Receipt) contract.Seen {
			post := stranger.Read(t, who.Account.Server, r.ID)
			pictures := len(post.Pictures)
			if post.Card != nil && post.Card.Thumb != nil {
				pictures++
			}
			return contract.Seen{Text: post.Text, URLs: post.URLs(), Pictures: pictures}
		},
		Count: func(t *testing.T) int { return stranger.Count(t, who.Account.Server, who.Account.ID) },
		Revoked: func(*testing.T) site.Opened {
			bad := who
			bad.Credentials = site.Credentials{Access: who.Credentials.Access[:len(who.Credentials.Access)-6] + "AAAAAA"}
			return bad
		},
		At: func(base string) site.Opened {
			there := who
			there.Account.Server = base
			return there
		},
		KeepsKeys: true,
		Missing:   publish.Absent,
		Public:    true,
		Create:    "POST /xrpc/com.atproto.repo.createRecord",
	}
}

func TestContractWithDouble(t *testing.T) {
	s := double.New(t)
	s.AddAccount("alice.test", "abcd-efgh-ijkl-mnop")
	now := time.Now().Truncate(time.Second) // the unit of RateLimit-Reset
	n := adapter(t, func() time.Time { return now })
	w := world(n, introduce(t, n, s.URL(), "alice.test", "abcd-efgh-ijkl-mnop"))
	w.Faults = s.Faults
	reset := fmt.Sprint(now.Add(90 * time.Second).Unix())
	w.RateLimits = []contract.RateLimit{
		{Name: "as a PDS says it", Header: http.Header{"RateLimit-Limit": {"30"}, "RateLimit-Remaining": {"0"}, "RateLimit-Reset": {reset}, "RateLimit-Policy": {"30;w=300"}}, Want: 90 * time.Second},
		{Name: "as a front door says it", Header: http.Header{"Retry-After": {"17"}}, Want: 17 * time.Second},
		{Name: "unsaid"},
	}
	contract.Run(t, w)
}

func TestContractWithPDS(t *testing.T) {
	s := pds.Shared(t)
	n := adapter(t, nil)
	contract.Run(t, world(n, introduce(t, n, s.URL, s.Handle, s.AppPassword)))
}
