package gigya

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// gardens is a user action with everything.
const gardens = `{"userMessage":"Worth <b>reading</b>","title":"Ten quiet gardens","subtitle":"example.com magazine",` +
	`"linkBack":"https:\/\/www.example.com\/gardens?ref=home","description":"A short tour of ten small city gardens.",` +
	`"actionLinks":[{"title":"Read on","href":"https://www.example.com/gardens"}],` +
	`"mediaItems":[{"type":"image","src":"https://img.example.com/g1.png","href":"https://www.example.com/gardens#1"}],"template":"x","actionName":"read"}`

// hello is a small one.
const hello = `{"title":"Hello world","linkBack":"https://www.example.com/a?b=1&c=2"}`

// action is a call of publishUserAction.
func (h *house) action(userAction string, pairs ...string) *request {
	return h.call("socialize.publishUserAction", append([]string{"userAction", userAction}, pairs...)...)
}

// inHouse runs a test in a bubble of synctest, in a house of its own.
func inHouse(t *testing.T, test func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newHouse(t)) })
}

// TestUserActionXML holds calls, their replies and what is on the networks then against
// golden files. Those in JSON are in TestConformance.
func TestUserActionXML(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-1", "facebook#simulate:duplicate")
		h.golden("action_xml_failure", h.action(hello, "UID", "user-1", "format", "xml"))
		h.wantPosts(0)
		h.connect("user-42", "facebook", "twitter#simulate:duplicate")
		h.golden("action_xml", h.action(hello, "format", "xml"))
		h.wantPosts(1)
	})
}

// trusting is a change of settings: what may be shared.
func trusting(patterns ...string) func(*site.Gigya) {
	return func(g *site.Gigya) { g.Trusted = patterns }
}

// TestKept reads a message that came as a user action from the store.
func TestKept(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook", "twitter", "linkedin")
		h.do(h.action(gardens, "twitterUserAction", hello, "linkedinUserAction", `{"title":"Another","actionLinks":[{"title":"x"}]}`, "sinaUserAction", hello,
			"cid", "home page", "tags", `["a", "b", "a", 7]`, "actionAttributes", `{"colour":"green","size":["s","","m"]}`,
			"userLocation", `{"latitude":"48.2","longitude":16.37}`, "shortURLs", "whenrequired", "disabledProviders", "LinkedIn")).want(codeOK, "")
		m, publications := h.message()
		want := publish.Parts{
			Text:      &publish.Text{Body: "Worth reading"},
			Link:      &publish.Link{URL: "https://www.example.com/gardens?ref=home", Name: "Ten quiet gardens", Caption: "example.com magazine", Description: "A short tour of ten small city gardens."},
			Picture:   &publish.Media{URL: "https://img.example.com/g1.png", Link: "https://www.example.com/gardens#1"},
			Action:    &publish.Action{Links: []publish.ActionLink{{Title: "Read on", URL: "https://www.example.com/gardens"}}},
			Overrides: map[string]publish.Parts{"twitter": {Link: &publish.Link{URL: "https://www.example.com/a?b=1&c=2", Name: "Hello world"}, Action: &publish.Action{}}},
			Tracking:  true, Longer: 139,
			Share: &publish.Share{
				Kind: publish.ActionShare, CID: "home page", Tags: []string{"a", "b", "7"}, Attributes: map[string][]string{"colour": {"green"}, "size": {"s", "m"}},
				Location: &publish.Location{Latitude: 48.2, Longitude: 16.37}, Call: "5d0c2f7be1a94c3f8a6b1e0d9c7f4a21",
			},
		}
		if diff := cmp.Diff(want, m.Parts); diff != "" {
			t.Errorf("parts (-want +got):\n%s", diff)
		}
		if len(publications) != 2 || publications[0].Provider != "facebook" || publications[1].Provider != "twitter" {
			t.Errorf("got publications %+v; want facebook and twitter", publications)
		}
	})
}

// message is the only message that there is.
func (h *house) message() (publish.Message, []publish.Publication) {
	h.Helper()
	page, err := h.store.List(h.Context(), h.site().ID, site.ListQuery{Limit: 10})
	if err != nil || len(page.Entries) != 1 {
		h.Fatalf("got %d messages, %v; want one", len(page.Entries), err)
	}
	m, publications, err := h.store.Message(h.Context(), h.site().ID, page.Entries[0].Token)
	if err != nil {
		h.Fatal(err)
	}
	return m, publications
}

// TestDefaults of a site count when the call is silent: contract, section 16.
func TestDefaults(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook", "twitter", "linkedin")
		h.settings(func(g *site.Gigya) {
			g.ShortURLs, g.CID, g.Providers = "never", "default", []string{"linkedin", "twitter"}
		})
		h.do(h.action(hello)).want(codeOK, "")
		posts := h.wantPosts(2)
		if posts[0].Provider != "linkedin" || strings.Contains(postTexts(posts), shortDomain) {
			t.Errorf("got\n%s; want linkedin and twitter, and no short URLs", postTexts(posts))
		}
		h.do(h.action(`{"title":"Two","linkBack":"https://www.example.com/2"}`, "enabledProviders", "*", "shortURLs", "always", "cid", "x")).want(codeOK, "")
		posts = h.wantPosts(5)
		if n := strings.Count(postTexts(posts), "http://"+shortDomain); n != 3 {
			t.Errorf("got %d short URLs in\n%s; want 3", n, postTexts(posts))
		}
		cids := make(map[string]int)
		page, err := h.store.List(h.Context(), h.site().ID, site.ListQuery{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, head := range page.Entries {
			m, _, err := h.store.Message(h.Context(), h.site().ID, head.Token)
			if err != nil {
				t.Fatal(err)
			}
			cids[m.Parts.Share.CID]++
		}
		if diff := cmp.Diff(map[string]int{"default": 1, "x": 1}, cids); diff != "" {
			t.Errorf("context IDs (-want +got):\n%s", diff)
		}
	})
}

// TestUserTokens act for their user without a UID.
func TestUserTokens(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook")
		token := h.token(clientCall().set("x_siteUID", "user-42"))
		r := tokenCall(token).drop("UID").set("userAction", hello)
		h.do(r).want(codeOK, "")
		h.wantPosts(1)
	})
}

// TestOtherDialectsUsers are found by their token.
func TestOtherDialectsUsers(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		p := h.login("", "facebook", "alice", "")
		h.do(h.action(hello, "UID", p.Token)).want(codeOK, "")
		h.wantPosts(1)
	})
}

// TestReferralsOfShares follows the short URLs of a share and reads the visitors in a
// report, by provider and context ID.
func TestReferralsOfShares(t *testing.T) {
	h := newHouse(t)
	h.connect("user-42", "facebook", "twitter", "linkedin")
	h.do(h.action(hello, "cid", "home page", "disabledProviders", "linkedin")).want(codeOK, "")
	h.do(h.action(`{"title":"Hidden","linkBack":"https://www.example.com/b"}`, "shortURLs", "never", "cid", "home page")).want(codeOK, "")
	var visits []string
	for _, p := range h.wantPosts(5) {
		found := shortURL.FindString(postText(p))
		switch {
		case found == "":
			continue
		case p.Provider == "facebook":
			visits = append(visits, found, found)
		}
		visits = append(visits, found)
	}
	outer := h.TB
	t.Run("visits", func(t *testing.T) {
		h.TB = t // the shortener has counted all when it ends
		defer func() { h.TB = outer }()
		follow := h.visitors()
		for _, shortURL := range visits {
			follow(shortURL)
		}
	})
	today := time.Now().UTC()
	a := h.do(h.call("reports.getSocializeStats", "startDate", today.AddDate(0, 0, -1).Format(dayLayout), "endDate", today.AddDate(0, 0, 1).Format(dayLayout),
		"dimensions", "cid,provider", "measures", "streamPosts,referrals", "dataFormat", "json").drop("UID")).want(codeOK, "")
	want := []any{[]any{"home page", "facebook", "2", "3"}, []any{"home page", "linkedin", "1", "0"}, []any{"home page", "twitter", "2", "1"}}
	if diff := cmp.Diff(want, a.doc["data"]); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// BenchmarkUserAction is a whole call but for the publishing itself.
func BenchmarkUserAction(b *testing.B) {
	h := newHouse(b)
	h.connect("user-42", "facebook", "twitter")
	h.handler.o.Publisher = instant{h.publisher}
	h.handler.o.Nonces = h.nonces
	b.ReportAllocs()
	calls := make([]*http.Request, 0, b.N)
	for range b.N {
		r := h.action(gardens, "tags", "a,b", "cid", "home page", "shortURLs", "always")
		q := httptest.NewRequest(r.verb, r.path, strings.NewReader(r.form()))
		q.Host = r.host
		calls = append(calls, q)
	}
	b.ResetTimer()
	for _, q := range calls {
		a := httptest.NewRecorder()
		h.handler.ServeHTTP(a, q)
		if !strings.Contains(a.Body.String(), `"errorCode":0,`) {
			b.Fatalf("got %s; want success", a.Body)
		}
	}
}

// instant is a publisher that has published already.
type instant struct{ Publisher }

func (instant) Publish(_ context.Context, r publish.Request) (publish.Round, error) {
	var round publish.Round
	for _, provider := range r.Target.Providers {
		round.Publications = append(round.Publications, publish.Publication{Provider: provider, State: publish.Published, Receipt: publish.Receipt{ID: "1"}})
	}
	return round, nil
}
