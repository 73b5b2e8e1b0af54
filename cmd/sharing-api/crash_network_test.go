package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	bluesky "herald.example/internal/network/bluesky/double"
	"herald.example/internal/network/contract"
	mastodon "herald.example/internal/network/mastodon/double"
	"herald.example/internal/operator"
	"herald.example/internal/site"
)

// networks are those that the program publishes to. Doubles live in the test, so
// that they outlive the program; the posts of the simulated network are in its
// data.
type networks struct {
	bluesky   *bluesky.Server
	mastodon  *mastodon.Server
	forgetful *mastodon.Server // takes idempotency keys and ignores them: a second post fails the test
	accounts  []*account
}

// account is an account that the program publishes to.
type account struct {
	name     string
	draft    operator.IdentityDraft
	identity string // token
	// keyed says that the network takes a key of the client's choice, so that what was
	// sent can always be settled.
	keyed bool
	posts func() []networkPost // all that it has now
}

// networkPost is a post as a network has it.
type networkPost struct {
	id    string
	key   string // of the publication, where the network shows it
	word  string // of the request that it was made for
	links []string
}

// wordForm is the word that stands for a request, in texts and targets.
var wordForm = regexp.MustCompile(`crash\d{7}`)

// wordOf is the word for a request of a number.
func wordOf(n int64) string { return fmt.Sprintf("crash%07d", n) }

// newNetworks makes the networks with an account on each.
func newNetworks(t *testing.T) *networks {
	n := &networks{
		bluesky:   bluesky.New(t),
		mastodon:  mastodon.New(t),
		forgetful: mastodon.NewWith(t, mastodon.Options{Version: "2.7.2 (compatible; Pleroma 2.6.0)", ForgetsKeys: true}),
	}
	did := n.bluesky.AddAccount("alice.test", "abcd-efgh-ijkl-mnop")
	n.accounts = append(n.accounts, &account{
		name: "bluesky", keyed: true,
		draft: operator.IdentityDraft{Provider: "bluesky", Server: n.bluesky.URL(), Name: "alice.test", Secret: "abcd-efgh-ijkl-mnop"},
		posts: func() []networkPost { return blueskyPosts(t, n.bluesky, did) },
	})
	for i, s := range []*mastodon.Server{n.mastodon, n.forgetful} {
		name := []string{"mastodon", "forgetful"}[i]
		a := s.AddAccount("alice")
		n.accounts = append(n.accounts, &account{
			name: name, keyed: s == n.mastodon,
			draft: operator.IdentityDraft{Provider: "mastodon", Server: s.URL(), Access: site.Secret(a.Token)},
			posts: func() []networkPost { return mastodonPosts(s) },
		})
	}
	// Their names make the simulated network slow, so that kills fall between a post
	// and its receipt. Facebook loses two answers and two posts of each life besides.
	for _, name := range []string{
		"facebook #simulate:server_error=lost*2 #simulate:server_error*2 #simulate:slow=3ms",
		"linkedin #simulate:slow=5ms",
	} {
		provider, _, _ := strings.Cut(name, " ")
		n.accounts = append(n.accounts, &account{name: provider, draft: operator.IdentityDraft{Provider: provider, Name: name, Access: "alice"}})
	}
	return n
}

// misbehave makes the doubles fail as networks do. Nothing of it is repeated before
// the outcome was looked up, and so nothing has to wait.
func (n *networks) misbehave(rng *rand.Rand) {
	// All limits of calls begin anew; now and then a session ends.
	n.bluesky.Advance(15 * time.Minute)
	for _, double := range []struct {
		faults *contract.Faults
		call   string
	}{
		{n.bluesky.Faults, "POST /xrpc/com.atproto.repo.createRecord"},
		{n.mastodon.Faults(), "POST /api/v1/statuses"},
		{n.forgetful.Faults(), "POST /api/v1/statuses"},
	} {
		skip := 0
		for range 8 {
			f := contract.Fault{Call: double.call, Skip: skip, Lands: rng.IntN(2) == 0}
			switch rng.IntN(6) {
			case 0:
				f.Act = contract.Close
			case 1:
				f.Act, f.Status = contract.Half, http.StatusOK
			case 2:
				f.Act, f.Status, f.Body = contract.Answer, http.StatusBadGateway, "<html>Bad gateway</html>"
			default: // until the kill, or the end of a stop
				f.Act = contract.Hang
			}
			double.faults.Add(f)
			skip = rng.IntN(8)
		}
	}
}

// behave ends all failures but those that are being played.
func (n *networks) behave() {
	n.bluesky.Faults.Reset()
	n.mastodon.Faults().Reset()
	n.forgetful.Faults().Reset()
}

// allowed are the arguments that let the program reach the doubles.
func (n *networks) allowed() []string {
	var args []string
	for _, url := range []string{n.bluesky.URL(), n.mastodon.URL(), n.forgetful.URL()} {
		args = append(args, "--allow-host", strings.TrimPrefix(url, "http://"))
	}
	return args
}

func blueskyPosts(t *testing.T, s *bluesky.Server, did string) []networkPost {
	var posts []networkPost
	for _, p := range s.Posts(did) {
		var record struct {
			Text  string `json:"text"`
			Embed struct {
				External struct {
					URI string `json:"uri"`
				} `json:"external"`
			} `json:"embed"`
		}
		if err := json.Unmarshal(p.Record, &record); err != nil {
			t.Fatalf("record %s: %v", p.Record, err)
		}
		posts = append(posts, networkPost{id: p.URI, word: wordForm.FindString(record.Text), links: []string{record.Embed.External.URI}})
	}
	return posts
}

func mastodonPosts(s *mastodon.Server) []networkPost {
	var posts []networkPost
	for _, p := range s.Posts("alice") {
		posts = append(posts, networkPost{id: p.ID, key: p.Key, word: wordForm.FindString(p.Text), links: p.URLs})
	}
	return posts
}

// simulatedPosts returns the posts of a provider on the simulated network, as its
// pages show them: those behind the number that was seen last, and that number now.
func simulatedPosts(t *testing.T, api, provider string, seen uint64) (posts []networkPost, last uint64) {
	t.Helper()
	const limit = 500
	last = seen
	for before := ""; ; {
		response, err := http.Get(fmt.Sprintf("http://%s/simulated/posts.json?provider=%s&limit=%d%s", api, provider, limit, before))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(response.Body)
		response.Body.Close()
		var page struct {
			Posts []struct {
				Number        uint64
				ID, Key, Text string
				Links         []string
			}
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			t.Fatalf("posts of %s: %d %s: %v", provider, response.StatusCode, raw, err)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Posts {
			if p.Number <= seen {
				return posts, last
			}
			last = max(last, p.Number)
			posts = append(posts, networkPost{id: p.ID, key: p.Key, word: wordForm.FindString(p.Text), links: p.Links})
			before = fmt.Sprintf("&before=%d", p.Number)
		}
		if len(page.Posts) < limit {
			return posts, last
		}
	}
}
