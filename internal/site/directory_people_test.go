package site_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/site"
)

// alice is an account as it arrives.
func alice() site.Login {
	return site.Login{
		Provider:    "mastodon",
		Account:     site.Account{ID: "https://social.example/users/alice", Name: "alice@social.example", Server: "https://social.example", URL: "https://social.example/@alice"},
		Profile:     site.Profile{DisplayName: "Alice", Username: "alice", Languages: []string{"en"}},
		Credentials: site.Credentials{Access: "access-of-alice", Scopes: []string{"read", "write"}},
		Source:      "import",
	}
}

// arrive logs an account in.
func (w *world) arrive(siteID string, login site.Login) (site.Person, site.Identity, site.Connection) {
	w.Helper()
	p, i, c, err := w.Login(w.Context(), siteID, login)
	if err != nil {
		w.Fatalf("login: got %v; want nil", err)
	}
	return p, i, c
}

// opened wants the credentials of an identity to be those.
func (w *world) opened(siteID string, i site.Identity, want site.Credentials) {
	w.Helper()
	got, err := w.Unseal(w.Context(), siteID, i.Token)
	if err != nil || got.Identity != i.Token || got.Site != siteID || got.Provider != i.Provider || got.Account != i.Account {
		w.Errorf("unseal: got %+v, %v; want identity %s", got, err, i.Token)
	}
	w.same("credentials", fmt.Sprintf("%q %q %q %v %v", string(got.Credentials.Access), string(got.Credentials.Refresh), string(got.Credentials.Secret), got.Credentials.Expires, got.Credentials.Scopes),
		fmt.Sprintf("%q %q %q %v %v", string(want.Access), string(want.Refresh), string(want.Secret), want.Expires, want.Scopes))
}

// peopleTests are about users, identities and connections.
var peopleTests = []directoryTest{
	{"users", func(w *world) {
		s, _ := w.add("shop")
		other, _ := w.add("other")
		var tokens []string
		for range 3 {
			u, err := w.AddUser(w.Context(), s.ID)
			w.want("add", err, nil)
			now := start.UTC().Truncate(time.Millisecond)
			if uuid.Validate(u.Token) != nil || u.Created.Before(now) || u.LastLogin != u.Created || u.Logins != 0 {
				w.Errorf("got %+v; want a user made now, without logins", u)
			}
			tokens = append(tokens, u.Token)
			got, err := w.User(w.Context(), s.ID, u.Token)
			w.want("read", err, nil)
			w.same("user", got, site.Person{User: u})
			w.clock.move(time.Second)
		}
		for _, c := range []struct {
			name   string
			site   string
			query  site.ListQuery
			filter site.UserFilter
			want   string
		}{
			{"all", s.ID, site.ListQuery{Limit: 500}, site.UserFilter{}, "0 1 2 of 3, more: false"},
			{"a page", s.ID, site.ListQuery{Limit: 2}, site.UserFilter{}, "0 1 of 3, more: true"},
			{"the next page", s.ID, site.ListQuery{Limit: 2, After: tokens[1]}, site.UserFilter{}, "2 of 3, more: false"},
			{"the newest", s.ID, site.ListQuery{Limit: 1, Descending: true}, site.UserFilter{}, "2 of 3, more: true"},
			{"one behind", s.ID, site.ListQuery{Limit: 1, Skip: 1}, site.UserFilter{}, "1 of 3, more: true"},
			{"past the end", s.ID, site.ListQuery{Limit: 1, Skip: 9}, site.UserFilter{}, "of 3, more: false"},
			{"made later", s.ID, site.ListQuery{Limit: 500}, site.UserFilter{CreatedAfter: start.UTC().Add(500 * time.Millisecond)}, "1 2 of 2, more: false"},
			{"another site's", other.ID, site.ListQuery{Limit: 500}, site.UserFilter{}, "of 0, more: false"},
		} {
			page, err := w.Users(w.Context(), c.site, c.query, c.filter)
			w.want(c.name, err, nil)
			var got strings.Builder
			for _, p := range page.Entries {
				for n, token := range tokens {
					if p.Token == token {
						fmt.Fprintf(&got, "%d ", n)
					}
				}
			}
			fmt.Fprintf(&got, "of %d, more: %v", page.Total, page.More)
			w.same(c.name, got.String(), c.want)
		}
	}},
	{"what cannot be found", func(w *world) {
		s, _ := w.add("shop")
		other, _ := w.add("other")
		p, i, c := w.arrive(s.ID, alice())
		ctx := w.Context()
		for name, siteID := range map[string]string{"another site": other.ID, "no site": uuid.NewString(), "an empty site": ""} {
			w.notFound(name, siteID, p.Token, i.Token, c.Token)
		}
		for _, token := range []string{"", "x", uuid.NewString(), strings.Repeat("x", 36), strings.Repeat("x", 1<<20), "\x00", i.Token + " "} {
			w.notFound(fmt.Sprintf("token %.40q", token), s.ID, token, token, token)
		}
		_, err := w.AddUser(ctx, uuid.NewString())
		w.want("add a user to no site", err, site.ErrNotFound)
		_, _, _, err = w.Login(ctx, uuid.NewString(), alice())
		w.want("login to no site", err, site.ErrNotFound)
		for _, user := range []string{"x", uuid.NewString(), i.Token} {
			login := alice()
			login.User, login.Account.ID = user, "new"
			_, _, _, err = w.Login(ctx, s.ID, login)
			w.want("login for no user", err, site.ErrNotFound)
			_, err = w.MoveIdentity(ctx, s.ID, i.Token, user)
			w.want("move to no user", err, site.ErrNotFound)
		}
		stranger, err := w.AddUser(ctx, other.ID)
		w.want("add a user to the other site", err, nil)
		_, err = w.MoveIdentity(ctx, s.ID, i.Token, stranger.Token)
		w.want("move to another site's user", err, site.ErrNotFound)
		got, err := w.User(ctx, s.ID, p.Token)
		w.want("read", err, nil)
		w.same("user in the end", got, p)
	}},
	{"queries that are refused", func(w *world) {
		s, _ := w.add("shop")
		for _, q := range []site.ListQuery{{}, {Limit: -1}, {Limit: 501}, {Limit: 1, Skip: -1}, {Limit: 1, After: "x"}} {
			_, err := w.Users(w.Context(), s.ID, q, site.UserFilter{})
			w.want(fmt.Sprintf("users %+v", q), err, site.ErrQuery)
			_, err = w.Identities(w.Context(), s.ID, q)
			w.want(fmt.Sprintf("identities %+v", q), err, site.ErrQuery)
			_, err = w.Connections(w.Context(), s.ID, q)
			w.want(fmt.Sprintf("connections %+v", q), err, site.ErrQuery)
		}
	}},
	{"login", func(w *world) {
		s, _ := w.add("shop")
		now := start.UTC().Truncate(time.Millisecond)
		p, i, c := w.arrive(s.ID, alice())
		if p.Created != now || p.LastLogin != now || p.Logins != 1 || len(p.Identities) != 1 || p.Identities[0].Token != i.Token {
			w.Errorf("got %+v; want a new user with the identity", p)
		}
		want := site.Identity{Token: i.Token, User: p.Token, Provider: "mastodon", Created: now, Updated: now, Account: alice().Account, Profile: alice().Profile, Sealed: i.Sealed}
		w.same("identity", i, want)
		w.same("connection", c, site.Connection{Token: c.Token, User: p.Token, Identity: i.Token, Created: now, Source: "import"})
		if strings.Contains(string(i.Sealed), "alice") {
			w.Error("got the credentials in the clear")
		}
		w.opened(s.ID, i, alice().Credentials)

		// The account comes back: the same identity with new credentials.
		w.want("mark broken", w.MarkBroken(w.Context(), s.ID, i.Token, "expired"), nil)
		w.clock.move(time.Hour)
		again := alice()
		again.Profile, again.Credentials, again.Source = site.Profile{DisplayName: "Alice B."}, site.Credentials{Access: "new", Expires: start.UTC()}, "operator"
		p2, i2, c2 := w.arrive(s.ID, again)
		later := now.Add(time.Hour)
		if p2.Token != p.Token || p2.Created != now || p2.LastLogin != later || p2.Logins != 2 || len(p2.Identities) != 1 {
			w.Errorf("got %+v; want the user of before, seen again", p2)
		}
		want.Profile, want.Updated, want.Sealed = again.Profile, later, i2.Sealed
		w.same("identity of before", i2, want)
		w.opened(s.ID, i2, again.Credentials)
		if c2.Token == c.Token || c2.Source != "operator" || c2.Identity != i.Token {
			w.Errorf("got connection %+v; want another one of the identity", c2)
		}

		// Another account of the same person, and one of somebody else.
		second := alice()
		second.User, second.Account.ID = p.Token, "second"
		p3, i3, _ := w.arrive(s.ID, second)
		if p3.Token != p.Token || p3.Logins != 3 || len(p3.Identities) != 2 || p3.Identities[0].Token != i.Token || p3.Identities[1].Token != i3.Token {
			w.Errorf("got %+v; want the user with both identities in order", p3)
		}
		elsewhere := alice()
		elsewhere.Provider = "bluesky"
		if p4, _, _ := w.arrive(s.ID, elsewhere); p4.Token == p.Token {
			w.Error("the same ID with another provider: got the same user; want a new one")
		}
		other, _ := w.add("other")
		if p5, i5, _ := w.arrive(other.ID, alice()); p5.Token == p.Token || i5.Token == i.Token {
			w.Error("the same account on another site: got the same user or identity; want new ones")
		}

		page, err := w.Connections(w.Context(), s.ID, site.ListQuery{Limit: 10})
		if err != nil || page.Total != 4 || page.Entries[0] != c || page.Entries[1] != c2 {
			w.Errorf("got connections %+v, %v; want 4 in order", page, err)
		}
		got, err := w.Connection(w.Context(), s.ID, c.Token)
		w.want("read connection", err, nil)
		w.same("connection", got, c)
	}},
	{"an account belongs to one user", func(w *world) {
		s, _ := w.add("shop")
		p, i, _ := w.arrive(s.ID, alice())
		bob, err := w.AddUser(w.Context(), s.ID)
		w.want("add user", err, nil)
		stolen := alice()
		stolen.User, stolen.Credentials.Access = bob.Token, "of bob"
		_, _, _, err = w.Login(w.Context(), s.ID, stolen)
		w.want("login for another user", err, site.ErrOwned)
		if err != nil && (!strings.Contains(err.Error(), p.Token) || !strings.Contains(err.Error(), i.Token) || strings.Contains(err.Error(), "of bob")) {
			w.Errorf("got %v; want user and identity named, and no credentials", err)
		}
		w.opened(s.ID, i, alice().Credentials)

		owner, err := w.MoveIdentity(w.Context(), s.ID, i.Token, bob.Token)
		w.want("move", err, nil)
		if owner.Token != bob.Token || len(owner.Identities) != 1 || owner.Identities[0].Token != i.Token || owner.Identities[0].Updated != i.Updated {
			w.Errorf("move: got %+v; want the new owner with the identity", owner)
		}
		got, err := w.User(w.Context(), s.ID, p.Token)
		if err != nil || len(got.Identities) != 0 {
			w.Errorf("the owner before: got %+v, %v; want nobody's identities", got, err)
		}
		if now, _, _ := w.arrive(s.ID, stolen); now.Token != bob.Token {
			w.Errorf("login after the move: got user %s; want %s", now.Token, bob.Token)
		}
		back := alice()
		if now, _, _ := w.arrive(s.ID, back); now.Token != bob.Token {
			w.Errorf("login without a user: got %s; want the account's user %s", now.Token, bob.Token)
		}
	}},
	{"logins that are refused", func(w *world) {
		s, _ := w.add("shop")
		for _, c := range []struct {
			name string
			edit func(l *site.Login)
			want error
		}{
			{"no provider", func(l *site.Login) { l.Provider = "" }, site.ErrProvider},
			{"bad provider", func(l *site.Login) { l.Provider = "Mastodon/1" }, site.ErrProvider},
			{"no ID", func(l *site.Login) { l.Account.ID = "" }, site.ErrAccount},
			{"long ID", func(l *site.Login) { l.Account.ID = strings.Repeat("a", 1025) }, site.ErrAccount},
			{"damaged name", func(l *site.Login) { l.Account.Name = "a\xff" }, site.ErrAccount},
			{"two lines", func(l *site.Login) { l.Account.Name = "a\nb" }, site.ErrAccount},
			{"server without scheme", func(l *site.Login) { l.Account.Server = "social.example" }, site.ErrAccount},
			{"server with a password", func(l *site.Login) { l.Account.Server = "https://a:b@social.example" }, site.ErrAccount},
			{"profile that runs", func(l *site.Login) { l.Account.URL = "javascript:alert(1)" }, site.ErrAccount},
			{"huge credentials", func(l *site.Login) {
				l.Credentials.Extra = map[string]site.Secret{"k": site.Secret(strings.Repeat("s", 64<<10))}
			}, site.ErrAccount},
		} {
			login := alice()
			c.edit(&login)
			_, _, _, err := w.Login(w.Context(), s.ID, login)
			w.want(c.name, err, c.want)
			if err != nil && len(err.Error()) > 500 {
				w.Errorf("%s: got an error of %d bytes; want a sentence", c.name, len(err.Error()))
			}
		}
		page, err := w.Users(w.Context(), s.ID, site.ListQuery{Limit: 1}, site.UserFilter{})
		if err != nil || page.Total != 0 {
			w.Errorf("got %d users, %v; want none", page.Total, err)
		}
	}},
	{"profiles within bounds", func(w *world) {
		s, _ := w.add("shop")
		login := alice()
		login.Profile = site.Profile{
			DisplayName: strings.Repeat("ä", 3000), About: "one\ntwo\r\x1b[31m\xff", Picture: "javascript:alert(1)",
			Languages: append(make([]string, 40), "de"),
		}
		_, i, _ := w.arrive(s.ID, login)
		w.same("profile", i.Profile, site.Profile{DisplayName: strings.Repeat("ä", 2048), About: "one\ntwo[31m"})
		_, err := w.SetProfile(w.Context(), s.ID, i.Token, site.Account{ID: "of somebody else"}, site.Profile{})
		w.want("profile of another account", err, site.ErrAccount)
		w.clock.move(time.Hour)
		account := login.Account
		account.ID, account.Name = "", "alice@moved.example"
		changed, err := w.SetProfile(w.Context(), s.ID, i.Token, account, site.Profile{DisplayName: "A", Picture: "https://social.example/a.png"})
		w.want("set profile", err, nil)
		want := i
		want.Account.Name, want.Profile, want.Updated = account.Name, site.Profile{DisplayName: "A", Picture: "https://social.example/a.png"}, i.Updated.Add(time.Hour)
		w.same("identity", changed, want)
	}},
	{"broken and whole again", func(w *world) {
		s, _ := w.add("shop")
		_, i, _ := w.arrive(s.ID, alice())
		for reason, want := range map[string]string{"token expired": "token expired", "": "the network refuses it", strings.Repeat("a", 600): strings.Repeat("a", 500), "a\x1bb": "ab"} {
			w.want("mark broken", w.MarkBroken(w.Context(), s.ID, i.Token, reason), nil)
			got, err := w.Identity(w.Context(), s.ID, i.Token)
			if err != nil || got.Broken != want || got.Updated != i.Updated {
				w.Errorf("got %+v, %v; want broken: %s", got, err, want)
			}
		}
		w.opened(s.ID, i, alice().Credentials)
		w.clock.move(time.Hour)
		fresh := site.Credentials{Access: "a2", Refresh: "r2", Secret: "s2", Expires: start.UTC().Truncate(time.Second), Scopes: []string{"write"}}
		w.want("save", w.SaveCredentials(w.Context(), s.ID, i.Token, fresh), nil)
		got, err := w.Identity(w.Context(), s.ID, i.Token)
		if err != nil || got.Broken != "" || got.Updated != i.Updated.Add(time.Hour) {
			w.Errorf("got %+v, %v; want it whole and updated", got, err)
		}
		w.opened(s.ID, i, fresh)
		huge := site.Credentials{Access: site.Secret(strings.Repeat("s", 64<<10+1))}
		w.want("save huge ones", w.SaveCredentials(w.Context(), s.ID, i.Token, huge), site.ErrAccount)
		w.opened(s.ID, i, fresh)
	}},
	{"delete", func(w *world) {
		s, _ := w.add("shop")
		p, i, _ := w.arrive(s.ID, alice())
		second := alice()
		second.User, second.Account.ID = p.Token, "second"
		p, _, _ = w.arrive(s.ID, second)
		gone, err := w.DeleteIdentity(w.Context(), s.ID, i.Token)
		w.want("delete identity", err, nil)
		w.same("what was there", gone, i)
		_, err = w.DeleteIdentity(w.Context(), s.ID, i.Token)
		w.want("delete it again", err, site.ErrNotFound)
		page, err := w.Identities(w.Context(), s.ID, site.ListQuery{Limit: 10})
		if err != nil || page.Total != 1 || page.Entries[0].Account.ID != "second" {
			w.Errorf("got %+v, %v; want the second identity", page, err)
		}
		person, err := w.DeleteUser(w.Context(), s.ID, p.Token)
		w.want("delete user", err, nil)
		if person.Token != p.Token || len(person.Identities) != 1 || person.Identities[0].Account.ID != "second" {
			w.Errorf("got %+v; want the user with the identity that was left", person)
		}
		_, err = w.Identity(w.Context(), s.ID, person.Identities[0].Token)
		w.want("identity of a deleted user", err, site.ErrNotFound)
		if fresh, _, _ := w.arrive(s.ID, second2()); fresh.Token == p.Token {
			w.Error("login by a deleted account: got the deleted user; want a new one")
		}
	}},
	{"one account, many logins at once", func(w *world) {
		s, _ := w.add("shop")
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, _, _, err := w.Login(w.Context(), s.ID, alice()); err != nil {
					w.Error(err)
				}
			})
		}
		wg.Wait()
		page, err := w.Users(w.Context(), s.ID, site.ListQuery{Limit: 500}, site.UserFilter{})
		if err != nil || page.Total != 1 || page.Entries[0].Logins != 16 || len(page.Entries[0].Identities) != 1 {
			w.Errorf("got %+v, %v; want one user with 16 logins", page, err)
		}
	}},
}

// second2 is the second account on its own.
func second2() site.Login {
	login := alice()
	login.Account.ID = "second"
	return login
}

// notFound wants everything about these tokens in a site to be ErrNotFound.
func (w *world) notFound(what, siteID, user, identity, connection string) {
	w.Helper()
	ctx := w.Context()
	for name, call := range map[string]func() error{
		"user":            func() error { _, err := w.User(ctx, siteID, user); return err },
		"delete user":     func() error { _, err := w.DeleteUser(ctx, siteID, user); return err },
		"identity":        func() error { _, err := w.Identity(ctx, siteID, identity); return err },
		"delete identity": func() error { _, err := w.DeleteIdentity(ctx, siteID, identity); return err },
		"move identity":   func() error { _, err := w.MoveIdentity(ctx, siteID, identity, user); return err },
		"set profile": func() error {
			_, err := w.SetProfile(ctx, siteID, identity, alice().Account, site.Profile{})
			return err
		},
		"unseal":           func() error { _, err := w.Unseal(ctx, siteID, identity); return err },
		"save credentials": func() error { return w.SaveCredentials(ctx, siteID, identity, site.Credentials{}) },
		"mark broken":      func() error { return w.MarkBroken(ctx, siteID, identity, "x") },
		"connection":       func() error { _, err := w.Connection(ctx, siteID, connection); return err },
	} {
		if err := call(); !errors.Is(err, site.ErrNotFound) || len(err.Error()) > 500 {
			w.Errorf("%s: %s: got %.200v; want %v", what, name, err, site.ErrNotFound)
		}
	}
	if what == "no site" || what == "an empty site" {
		_, err := w.Users(ctx, siteID, site.ListQuery{Limit: 1}, site.UserFilter{})
		w.want(what+": users", err, site.ErrNotFound)
	}
}

// TestSecretsAreNotSeen: nothing that prints shows credentials.
func TestSecretsAreNotSeen(t *testing.T) {
	w := newWorld(t, newMemory(t))
	s, keys := w.add("shop")
	_, i, _ := w.arrive(s.ID, alice())
	o, err := w.Unseal(t.Context(), s.ID, i.Token)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{o, &o, o.Credentials, keys, keys.Private, alice()} {
			if got := fmt.Sprintf(format, v); strings.Contains(got, "access-of-alice") || strings.Contains(got, string(keys.Private)) || strings.Contains(got, fmt.Sprintf("%x", "access-of-alice")) {
				t.Errorf("%s: got a secret in %.200s", format, got)
			}
		}
	}
}
