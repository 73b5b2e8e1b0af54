package gigya

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"herald.example/internal/site"
)

// profiled connects user-42 to facebook, twitter and linkedin, in this order. Facebook
// tells of the user, twitter wants them back, and linkedin is how they came last.
func (h *house) profiled() {
	h.Helper()
	ctx := context.Background()
	must := func(err error) {
		h.Helper()
		if err != nil {
			h.Fatal(err)
		}
	}
	_, _, _, err := h.directory.Login(ctx, h.site().ID, site.Login{
		UID: "user-42", Provider: "facebook", Source: "operator",
		Account: site.Account{ID: "1004", Name: "alice", URL: "https://social.example.com/alice"},
		Profile: site.Profile{
			DisplayName: "Alice Example", Username: "alice", GivenName: "Alice", FamilyName: "Example", About: "Gardens & <more>", Location: "Springfield",
			Picture: "https://img.example.com/alice.jpg", Email: "alice@example.com", Languages: []string{"en", "fr"},
		},
		Credentials: site.Credentials{Access: "token of alice"},
	})
	must(err)
	time.Sleep(time.Second)
	p := h.connect("user-42", "twitter")
	must(h.directory.MarkBroken(ctx, h.site().ID, p.Identities[1].Token, "the network wants a new login"))
	time.Sleep(time.Second)
	h.connect("user-42", "linkedin")
}

// TestUserInfoReplies holds what is told of users against golden files.
func TestUserInfoReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.profiled()
		if _, _, err := h.directory.EnsureUser(t.Context(), h.site().ID, "silent"); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			name string
			r    *request
		}{
			{"userinfo", h.call("socialize.getUserInfo")},
			{"userinfo_xml", h.call("socialize.getUserInfo", "format", "xml", "enabledProviders", "twitter")},
			{"userinfo_jsonp", h.call("socialize.getUserInfo", "format", "jsonp", "callback", "cb_1", "enabledProviders", "Facebook,twitter", "disabledProviders", "twitter")},
			{"userinfo_filtered_out", h.call("socialize.getUserInfo", "disabledProviders", "*")},
			{"userinfo_silent", h.call("socialize.getUserInfo", "UID", "silent")},
			{"userinfo_unknown", h.call("socialize.getUserInfo", "UID", "nobody")},
			{"userinfo_no_user", h.call("socialize.getUserInfo").drop("UID")},
		} {
			h.golden(test.name, test.r)
		}
	})
}

// TestUserInfoOfTheOtherDialect shows the token of a user who has no UID.
func TestUserInfoOfTheOtherDialect(t *testing.T) {
	h := newHouse(t)
	p := h.connect("", "mastodon")
	a := h.do(h.call("socialize.getUserInfo", "UID", p.Token)).want(codeOK, "")
	if a.doc["UID"] != p.Token || a.doc["isSiteUID"] != false || a.doc["loginProvider"] != "mastodon" {
		t.Errorf("got %s; want the token %s as UID", a.Body, p.Token)
	}
}

// TestUserInfoIgnoresDefaults lists connections that the site's shares leave out.
func TestUserInfoIgnoresDefaults(t *testing.T) {
	h := newHouse(t)
	h.connect("user-42", "facebook", "twitter")
	h.settings(func(g *site.Gigya) { g.Providers = []string{"facebook"} })
	a := h.do(h.call("socialize.getUserInfo")).want(codeOK, "")
	if identities, _ := a.doc["identities"].([]any); len(identities) != 2 {
		t.Errorf("got %s; want both identities", a.Body)
	}
}

func TestLoginIdentity(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	tests := []struct {
		name    string
		login   int64
		updated []int64
		want    int // of the identities; -1: none
	}{
		{"no identity", 5, nil, -1},
		{"by the first", 5, []int64{5, 3}, 0},
		{"by the second", 5, []int64{3, 5}, 1},
		{"renewed since", 5, []int64{3, 9}, 1},
		{"by the site since", 10, []int64{3, 9}, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := site.Person{User: site.User{LastLogin: at(test.login)}}
			for i, second := range test.updated {
				p.Identities = append(p.Identities, site.Identity{Token: string(rune('a' + i)), Updated: at(second)})
			}
			got := -1
			if i := loginIdentity(p); i != nil {
				got = slices.IndexFunc(p.Identities, func(other site.Identity) bool { return other.Token == i.Token })
			}
			if got != test.want {
				t.Errorf("got identity %d; want %d", got, test.want)
			}
		})
	}
}

// TestUserInfoIsSilentOnSecrets looks for credentials in what is told.
func TestUserInfoIsSilentOnSecrets(t *testing.T) {
	h := newHouse(t)
	h.connect("user-42", "facebook")
	if body := h.do(h.call("socialize.getUserInfo")).Body.String(); strings.Contains(body, "token of") || strings.Contains(body, "Signature") {
		t.Errorf("got %s; want neither credentials nor a signature", body)
	}
}
