package gigya

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/network/simulated"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// TestStatusUpdateReplies holds requests, replies and posts against golden files.
func TestStatusUpdateReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.connect("user-42", "facebook", "twitter", "linkedin#simulate:revoked")
		h.golden("setstatus", h.call("socialize.setStatus", "status", "Hello <b>world</b> & all", "enabledProviders", "facebook,twitter", "shortURLs", "never"))
		h.golden("setstatus_partial", h.call("socialize.setStatus", "status", "Hello again", "userLocation", `{"latitude":"10","longitude":20}`))
		h.golden("setstatus_xml", h.call("socialize.setStatus", "status", "Hello once more", "enabledProviders", "twitter", "format", "xml"))
		h.golden("setstatus_failed", h.call("socialize.setStatus", "status", "Hello nobody", "enabledProviders", "linkedin"))
		h.golden("setstatus_missing", h.call("socialize.setStatus"))
		h.golden("setstatus_not_connected", h.call("socialize.setStatus", "status", "Hello", "disabledProviders", "*"))
	})
}

// TestStatusUpdateLinks replaces the approved URLs of a text.
func TestStatusUpdateLinks(t *testing.T) {
	long := "https://www.example.com/" + strings.Repeat("a", longURL)
	text := "See https://www.example.com/a, " + long + " and https://other.example.net/b"
	tests := []struct {
		name, shortURLs string
		short           int // URLs
	}{
		{"by default", "", 2},
		{"always", "always", 2},
		{"when required", "whenRequired", 1},
		{"never", "never", 0},
	}
	h := newHouse(t)
	h.settings(func(g *site.Gigya) { g.Trusted = []string{"*.example.com/*"} })
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			uid := fmt.Sprint("user-", i) // the same words of one user would be refused
			h.connect(uid, "facebook")
			h.do(h.call("socialize.setStatus", "UID", uid, "status", text, "shortURLs", test.shortURLs)).want(codeOK, "")
			posts := h.wantPosts(i + 1)
			got := posts[slices.IndexFunc(posts, func(p simulated.Post) bool { return p.Account == "account of "+uid })].Text
			if n := strings.Count(got, shortDomain); n != test.short {
				t.Errorf("got %q with %d short URLs; want %d", got, n, test.short)
			}
			if !strings.Contains(got, "https://other.example.net/b") {
				t.Errorf("got %q; want the URL that is not approved as it is", got)
			}
		})
	}
}

func TestStatusUpdateRefusals(t *testing.T) {
	h := newHouse(t)
	h.connect("user-42", "facebook")
	tests := []struct {
		name    string
		pairs   []string
		code    code
		details string
	}{
		{"blank", []string{"status", " \t\n"}, codeMissing, "status"},
		{"unknown shortURLs", []string{"shortURLs", "sometimes"}, codeValue, "shortURLs"},
		{"long cid", []string{"cid", strings.Repeat("c", maxCID+1)}, codeValue, "cid"},
		{"no number", []string{"userLocation", `{"latitude":"NaN","longitude":"1"}`}, codeValue, "userLocation"},
		{"bomb", []string{"userLocation", strings.Repeat("[", 100)}, codeValue, "userLocation"},
		{"unknown user", []string{"UID", "nobody"}, codeUser, ""},
		{"no user", []string{"UID", ""}, codeMissing, "UID"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pairs := append([]string{"status", "Hello"}, test.pairs...)
			h.do(h.call("socialize.setStatus", pairs...)).want(test.code, test.details)
		})
	}
	h.wantPosts(0)
}

// TestStatusUpdateTwice publishes nothing twice when a client repeats a call.
func TestStatusUpdateTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.connect("user-42", "facebook")
		h.do(h.call("socialize.setStatus", "status", "Hello")).want(codeOK, "")
		h.do(h.call("socialize.setStatus", "status", "Hello")).want(codeLimit, "facebook: ")
		h.wantPosts(1)
		h.do(h.call("socialize.setStatus", "status", "Hello again")).want(codeOK, "")
		time.Sleep(publish.BriefTime + time.Second)
		h.do(h.call("socialize.setStatus", "status", "Hello")).want(codeOK, "")
		h.wantPosts(3)
	})
}

// TestStatusUpdateIsKept reads the message as the store has it.
func TestStatusUpdateIsKept(t *testing.T) {
	h := newHouse(t)
	h.places(springfield...)
	h.connect("user-42", "facebook")
	h.do(h.call("socialize.setStatus", "status", "Hello", "cid", "home page", "userLocation", `{"placeID":"lake"}`)).want(codeOK, "")
	page, err := h.store.List(t.Context(), h.site().ID, site.ListQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := h.store.Message(t.Context(), h.site().ID, page.Entries[0].Token)
	if err != nil {
		t.Fatal(err)
	}
	s := m.Parts.Share
	want := publish.Location{Latitude: 10.5, Longitude: 20, PlaceID: "lake", Name: "Lake"}
	if s == nil || s.Kind != publish.StatusShare || s.CID != "home page" || s.Call != h.handler.callID() || s.Location == nil || *s.Location != want {
		t.Errorf("got %+v; want a status update of the home page at the lake", s)
	}
}
