package site_test

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"herald.example/internal/site"
)

// tokenTests are about users whom the site calls by their tokens.
var tokenTests = []directoryTest{
	{"tokens as UIDs", func(w *world) {
		s, _ := w.add("shop")
		other, _ := w.add("other")
		p, i, _ := w.arrive(s.ID, alice())
		for _, uid := range []string{"", "alice"} {
			_, err := w.SetUID(w.Context(), s.ID, p.Token, uid)
			w.want("set UID", err, nil)
			p.UID = uid
			got, err := w.UserByUID(w.Context(), s.ID, p.Token)
			w.want("read by token", err, nil)
			w.same("user by token", got, p)
			got, created, err := w.EnsureUser(w.Context(), s.ID, p.Token)
			w.want("ensure by token", err, nil)
			if w.same("user ensured by token", got, p); created {
				w.Error("got a user who was created; want the one of the token")
			}
		}
		for _, uid := range []string{strings.ToUpper(p.Token), "{" + p.Token + "}", "urn:uuid:" + p.Token, strings.ReplaceAll(p.Token, "-", ""), p.Token + " ", i.Token} {
			_, err := w.UserByUID(w.Context(), s.ID, uid)
			w.want("read by "+uid, err, site.ErrNotFound)
		}
		_, err := w.UserByUID(w.Context(), other.ID, p.Token)
		w.want("read another site's", err, site.ErrNotFound)
	}},
	{"UIDs come before tokens", func(w *world) {
		s, _ := w.add("shop")
		// Such a UID is older than its token's user in no store of ours: it is put there.
		bob, err := w.AddUser(w.Context(), s.ID)
		w.want("add", err, nil)
		alice := site.User{Token: uuid.NewString(), UID: bob.Token, Created: bob.Created, LastLogin: bob.LastLogin}
		w.want("put", w.store.PutUser(w.Context(), s.ID, alice), nil)
		got, err := w.UserByUID(w.Context(), s.ID, bob.Token)
		w.want("read", err, nil)
		w.same("user", got, site.Person{User: alice})
	}},
	{"tokens of others are no UIDs", func(w *world) {
		s, _ := w.add("shop")
		other, _ := w.add("other")
		p, _, _ := w.arrive(s.ID, alice())
		bob, _, err := w.EnsureUser(w.Context(), s.ID, "bob")
		w.want("ensure", err, nil)
		_, err = w.SetUID(w.Context(), s.ID, bob.Token, p.Token)
		w.want("take another's token", err, site.ErrTaken)
		got, err := w.UserByUID(w.Context(), s.ID, "bob")
		w.want("read", err, nil)
		w.same("user who stays", got, bob)
		for _, uid := range []string{bob.Token, uuid.NewString()} {
			u, err := w.SetUID(w.Context(), s.ID, bob.Token, uid)
			if err != nil || u.UID != uid {
				w.Errorf("set %s: got %+v, %v; want the UID", uid, u, err)
			}
		}
		stranger, err := w.AddUser(w.Context(), other.ID)
		w.want("add", err, nil)
		_, err = w.SetUID(w.Context(), s.ID, bob.Token, stranger.Token)
		w.want("take a token of another site", err, nil)
	}},
	{"login with a token as UID", func(w *world) {
		s, _ := w.add("shop")
		p, _, _ := w.arrive(s.ID, alice())
		login := alice()
		login.UID = p.Token
		got, _, _ := w.arrive(s.ID, login)
		if got.Token != p.Token || got.UID != "" || got.Logins != 2 {
			w.Errorf("got %+v; want the same user, without UID", got)
		}
		second := second2()
		second.UID, second.Named = p.Token, true
		if got, _, _ = w.arrive(s.ID, second); got.Token != p.Token || got.UID != "" || len(got.Identities) != 2 {
			w.Errorf("a second account: got %+v; want the same user with both, whom the site calls by the token", got)
		}
		_, err := w.SetUID(w.Context(), s.ID, p.Token, "alice")
		w.want("set", err, nil)
		if got, _, _ = w.arrive(s.ID, login); got.Token != p.Token || got.UID != "alice" {
			w.Errorf("with a UID: got %+v; want the same user", got)
		}
	}},
	{"users who are named", func(w *world) {
		s, _ := w.add("shop")
		guid := regexp.MustCompile(`^_guid_[\w-]{22}$`)
		login := alice()
		login.Named = true
		p, _, _ := w.arrive(s.ID, login)
		if !guid.MatchString(p.UID) {
			w.Errorf("got UID %q; want _guid_ and 22 characters", p.UID)
		}
		got, err := w.UserByUID(w.Context(), s.ID, p.UID)
		w.want("read", err, nil)
		w.same("user", got, p)
		if again, _, _ := w.arrive(s.ID, login); again.Token != p.Token || again.UID != p.UID {
			w.Errorf("again: got %+v; want the same user under the same UID", again)
		}
		seen := map[string]bool{p.UID: true}
		for n := range 8 {
			login.Account.ID = fmt.Sprint(n)
			if p, _, _ := w.arrive(s.ID, login); seen[p.UID] || !guid.MatchString(p.UID) {
				w.Errorf("got UID %q; want one that nobody has", p.UID)
			} else {
				seen[p.UID] = true
			}
		}
		login.Account.ID, login.Named = "nameless", false
		if p, _, _ = w.arrive(s.ID, login); p.UID != "" {
			w.Errorf("got UID %q; want none", p.UID)
		}
		login.Named = true
		if got, _, _ := w.arrive(s.ID, login); got.Token != p.Token || !guid.MatchString(got.UID) {
			w.Errorf("who had none: got %+v; want the same user with a UID", got)
		}
		login.Account.ID, login.UID = "called", "carol"
		if got, _, _ := w.arrive(s.ID, login); got.UID != "carol" {
			w.Errorf("with a UID: got %q; want it", got.UID)
		}
	}},
}
