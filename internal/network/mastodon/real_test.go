package mastodon_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/fetch"
	"herald.example/internal/network"
	"herald.example/internal/network/contract"
	"herald.example/internal/network/mastodon"
	"herald.example/internal/network/mastodon/snac"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// openReal is an adapter that reaches this machine and nothing else.
func openReal(t *testing.T) *mastodon.Network {
	f := fetch.New(fetch.Options{AllowHosts: []string{"127.0.0.1", "localhost"}})
	return mastodon.New(network.NewClient(onlyHere{t, f.Transport()}), time.Now)
}

// onlyHere lets a test's requests go to this machine only.
type onlyHere struct {
	t    *testing.T
	next http.RoundTripper
}

// RoundTrip sends the request, if it stays here.
func (h onlyHere) RoundTrip(r *http.Request) (*http.Response, error) {
	if host := r.URL.Hostname(); host != "localhost" && host != "127.0.0.1" {
		h.t.Errorf("a request went to %s; want only this machine", host)
	}
	return h.next.RoundTrip(r)
}

// TestReal holds the adapter against a real server, which differs from Mastodon:
// it forgets keys, so that nobody can tell that a post is absent.
func TestReal(t *testing.T) {
	t.Parallel() // most of the time is snac's own
	s := snac.Start(t, "alice")
	w := contract.World{
		Network: openReal(t),
		Who:     s.Opened(),
		Read:    func(t *testing.T, r publish.Receipt) contract.Seen { return s.Read(t, r.URL) },
		Count:   s.Count,
		Missing: publish.Uncertain,
		Markup:  true,
		Public:  true, // whoever comes may list an account's posts
	}
	w.Revoked = func(*testing.T) site.Opened { return revokedOf(w.Who) }
	w.At = elsewhere(w.Who)
	contract.Run(t, w)
}

// TestReaderElsewhere publishes on one server and reads on another, where somebody
// follows the author.
func TestReaderElsewhere(t *testing.T) {
	t.Parallel()
	here, there := snac.Start(t, "alice"), snac.Start(t, "bob")
	there.Follow(t, here)

	n := openReal(t)
	profile, err := n.Profile(t.Context(), here.Opened())
	if err != nil {
		t.Fatal(err)
	}
	link := "https://www.example.com/" + uuid.NewString()
	post, _, err := render.Render(profile, render.Content{Text: "Read elsewhere, für alle", Link: &render.Link{URL: link}})
	if err != nil {
		t.Fatal(err)
	}
	post.Key, post.Created = uuid.NewString(), time.Now().UnixMilli()
	if _, err := n.Post(t.Context(), here.Opened(), post); err != nil {
		t.Fatal(err)
	}
	snac.Await(t, 15*time.Second, "the post on the other server", func() bool {
		return slices.ContainsFunc(there.Home(t), func(p contract.Seen) bool {
			return slices.Contains(p.URLs, link) && strings.Contains(p.Text, "Read elsewhere, für alle")
		})
	})
}
