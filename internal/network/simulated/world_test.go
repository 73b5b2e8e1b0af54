package simulated_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"herald.example/internal/boltstore"
	"herald.example/internal/network/contract"
	"herald.example/internal/network/simulated"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// base is where the tests' worlds say that they are.
const base = "http://127.0.0.1:8090/simulated"

// newWorld is a world with a store of its own.
func newWorld(t testing.TB, opts simulated.Options) *simulated.World {
	t.Helper()
	store, err := boltstore.OpenSimulated(filepath.Join(t.TempDir(), "simulated.db"))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { store.Close() })
	if opts.Base == "" {
		opts.Base = base
	}
	return simulated.New(store, opts)
}

// known is an account of a token.
func known(token string) site.Opened {
	return site.Opened{Site: "s", Identity: "i", Credentials: site.Credentials{Access: site.Secret(token)}}
}

// text is a post of a text, with a key.
func text(key, body string) render.Post { return render.Post{Key: key, Text: body} }

// get asks the world's handler.
func get(w *simulated.World, method, target string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	w.Handler().ServeHTTP(answer, httptest.NewRequest(method, target, nil))
	return answer
}

// shown is what posts.json says of a post.
type shown struct {
	Number   uint64
	Provider string
	Account  string
	ID       string
	URL      string
	Key      string
	Date     time.Time
	Text     string
	Links    []string
	Card     *render.Link
	Media    []struct {
		Type, Alt, Path string
		Size            int
	}
}

// posts reads posts.json.
func posts(t testing.TB, w *simulated.World, query string) []shown {
	t.Helper()
	answer := get(w, "GET", "/simulated/posts.json?"+query)
	var body struct{ Posts []shown }
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("got status %d, body %.200q, error %v; want posts", answer.Code, answer.Body, err)
	}
	return body.Posts
}

// refusal is the refusal of a kind that err must be.
func refusal(t testing.TB, err error, kind publish.Kind) *publish.Error {
	t.Helper()
	e, ok := errors.AsType[*publish.Error](err)
	if !ok || e.Kind != kind {
		t.Fatalf("got error %v; want a *publish.Error of kind %s", err, kind)
	}
	return e
}

// refused says that err must be of a kind.
func refused(t testing.TB, err error, kind publish.Kind) {
	t.Helper()
	_ = refusal(t, err, kind)
}

// TestContract holds the simulated network against what adapters promise.
func TestContract(t *testing.T) {
	for provider, missing := range map[string]publish.Finding{
		"mastodon": publish.Absent, "bluesky": publish.Absent, "vkontakte": publish.Absent,
		"facebook": publish.Uncertain, "twitter": publish.Uncertain,
	} {
		t.Run(provider, func(t *testing.T) {
			w := newWorld(t, simulated.Options{})
			n := w.As(provider)
			who := known("the-token-of-ada")
			who.Account.Name = "ada"
			account, _, _, err := n.(publish.Introducer).Introduce(t.Context(), who)
			if err != nil {
				t.Fatalf("introduce: %v", err)
			}
			who.Account = account
			query := url.Values{"provider": {provider}, "account": {"ada"}, "limit": {"500"}}.Encode()
			contract.Run(t, contract.World{
				Network: n,
				Who:     who,
				Read: func(t *testing.T, r publish.Receipt) contract.Seen {
					for _, p := range posts(t, w, query) {
						if p.URL == r.URL && p.ID == r.ID {
							return contract.Seen{Text: p.Text, URLs: p.Links, Pictures: len(p.Media)}
						}
					}
					t.Fatalf("got receipt %+v; want that of a post", r)
					return contract.Seen{}
				},
				Count: func(t *testing.T) int { return len(posts(t, w, query)) },
				Revoked: func(*testing.T) site.Opened {
					revoked := who
					revoked.Credentials.Access += "#simulate:revoked"
					return revoked
				},
				// It has no server that could be elsewhere: this one closes.
				At: func(string) site.Opened {
					closing := who
					closing.Credentials.Access += "#simulate:close"
					return closing
				},
				KeepsKeys: missing == publish.Absent,
				Missing:   missing,
			})
		})
	}
}

// TestActionProfiles are those of the time of user actions, where they differ.
func TestActionProfiles(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	for provider, want := range map[string]string{"facebook": "facebook/legacy", "twitter": "twitter", "linkedin": "linkedin", "simulated": "simulated"} {
		profile, _ := render.For(want)
		got, err := w.As(provider).(publish.ActionNetwork).ActionProfile(t.Context(), known("ada"))
		if err != nil || got != profile {
			t.Errorf("%s: got %+v, %v; want that of %s", provider, got, err, want)
		}
	}
}

func TestIntroduce(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	long := "EAAB" + strings.Repeat("secret", 20)
	for _, test := range []struct {
		name string
		who  site.Opened
		want string // the account's name; empty: any that tells nothing of the token
	}{
		{"short token", known("demo"), "demo"},
		{"token with a directive", known("demo#simulate:rate_limited*2"), "demo"},
		{"refreshed token", known("demo~7"), "demo"},
		{"long token", known(long), ""},
		{"token of spaces", known("  "), ""},
		{"token with control characters", known("de\x00mo"), ""},
		{"password of an application", site.Opened{Credentials: site.Credentials{Secret: "abcd-efgh-ijkl-mnop"}}, ""},
		{"name known", site.Opened{Account: site.Account{Name: "ada"}, Credentials: site.Credentials{Access: "demo"}}, "ada"},
		{"ID known", site.Opened{Account: site.Account{ID: "42"}, Credentials: site.Credentials{Access: "demo"}}, "42"},
		{"hostile name", site.Opened{Account: site.Account{Name: "a\u202e\x00\xffb" + strings.Repeat("é", 99)}, Credentials: site.Credentials{Access: "demo"}}, "ab" + strings.Repeat("é", 31)},
	} {
		t.Run(test.name, func(t *testing.T) {
			account, profile, credentials, err := w.As("facebook").(publish.Introducer).Introduce(t.Context(), test.who)
			if err != nil {
				t.Fatalf("introduce: %v", err)
			}
			again, _, _, err := w.As("facebook").(publish.Introducer).Introduce(t.Context(), test.who)
			if err != nil || again != account {
				t.Errorf("got %+v at first and %+v, error %v, then; want the same", account, again, err)
			}
			name := profile.Username
			if test.want != "" && name != test.want {
				t.Errorf("got name %q; want %q", name, test.want)
			}
			if test.want == "" && (!strings.HasPrefix(name, "user-") || len(name) != 15) {
				t.Errorf("got name %q; want one made from a hash", name)
			}
			if account.ID == "" || account.Name == "" || !strings.HasPrefix(account.URL, base+"/?") {
				t.Errorf("got account %+v; want ID, name and URL", account)
			}
			if test.who.Account.Name != "" && account.Name != test.who.Account.Name || test.who.Account.ID != "" && account.ID != test.who.Account.ID {
				t.Errorf("got account %+v; want what was known", account)
			}
			if credentials.Access == "" {
				t.Error("got no access token; want one to post with")
			}
		})
	}
	if _, _, _, err := w.As("facebook").(publish.Introducer).Introduce(t.Context(), site.Opened{}); err == nil {
		t.Error("no credentials: got no error; want a refusal")
	} else {
		refused(t, err, publish.AuthRevoked)
	}
	_, _, _, err := w.As("facebook").(publish.Introducer).Introduce(t.Context(), known("demo#simulate:no_such"))
	refused(t, err, publish.TextInvalid)
}

func TestRefresh(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	w := newWorld(t, simulated.Options{Now: func() time.Time { return now }})
	n := w.As("twitter")
	refresh := n.(publish.Refresher).Refresh
	post := func(who site.Opened) error {
		_, err := n.Post(t.Context(), who, text("k", "Hello"))
		return err
	}

	_, _, c, err := n.(publish.Introducer).Introduce(t.Context(), known("demo#simulate:expires=1h"))
	if err != nil || !c.Expires.Equal(now.Add(time.Hour)) || c.Refresh == "" {
		t.Fatalf("got a token until %v, error %v; want an hour and a token to refresh", c.Expires, err)
	}
	who := known("")
	who.Account.Name, who.Credentials = "demo", c
	if err := post(who); err != nil {
		t.Errorf("fresh token: %v", err)
	}
	now = now.Add(time.Hour)
	refused(t, post(who), publish.AuthExpired)
	old := who
	if who.Credentials, err = refresh(t.Context(), who); err != nil {
		t.Fatalf("refresh: %v", err)
	}
	if err := post(who); err != nil || !who.Credentials.Expires.Equal(now.Add(time.Hour)) {
		t.Errorf("refreshed: got a token until %v, error %v; want another hour", who.Credentials.Expires, err)
	}
	if who.Credentials.Refresh == old.Credentials.Refresh || who.Credentials.Access == old.Credentials.Access {
		t.Error("got an old token again; want a new pair")
	}
	_, err = refresh(t.Context(), old)
	refused(t, err, publish.AuthRevoked) // it works once
	if who.Credentials, err = refresh(t.Context(), who); err != nil {
		t.Errorf("refresh again: %v", err)
	}

	// A token that has expired by its words is mended by a refresh, and keeps its
	// other words.
	who = known("bob#simulate:expired#simulate:quota")
	refused(t, post(who), publish.AuthExpired)
	who.Credentials.Refresh = "another"
	if who.Credentials, err = refresh(t.Context(), who); err != nil {
		t.Fatalf("refresh: %v", err)
	}
	refused(t, post(who), publish.QuotaExhausted)

	for name, c := range map[string]site.Credentials{
		"no refresh token": {Access: "demo"},
		"refused":          {Access: "demo", Refresh: "r#simulate:revoked"},
		"revoked account":  {Access: "demo#simulate:revoked", Refresh: "r"},
	} {
		_, err := refresh(t.Context(), site.Opened{Credentials: c})
		if err == nil {
			t.Errorf("%s: got no error; want a refusal", name)
			continue
		}
		refused(t, err, publish.AuthRevoked)
	}
	// A number that Refresh does not give is part of the token.
	if _, err := refresh(t.Context(), site.Opened{Credentials: site.Credentials{Access: "demo", Refresh: "r~0"}}); err != nil {
		t.Errorf("token with a number of its own: %v", err)
	}
}
