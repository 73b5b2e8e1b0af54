package site_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

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

// uidTests are about users by the site's own names.
var uidTests = []directoryTest{
	{"UIDs", func(w *world) {
		s, _ := w.add("shop")
		other, _ := w.add("other")
		p, created, err := w.EnsureUser(w.Context(), s.ID, "user-42@example.com")
		now := start.UTC().Truncate(time.Millisecond)
		if w.want("ensure", err, nil); !created || p.UID != "user-42@example.com" || p.Created != now || p.LastLogin != now || p.Logins != 0 || len(p.Identities) != 0 {
			w.Errorf("got %+v, created %t; want a new user", p, created)
		}
		w.clock.move(time.Hour)
		for range 2 {
			again, created, err := w.EnsureUser(w.Context(), s.ID, "user-42@example.com")
			w.want("ensure again", err, nil)
			if w.same("the same user", again, p); created {
				w.Error("got a user who was created again; want the one who is there")
			}
			got, err := w.UserByUID(w.Context(), s.ID, "user-42@example.com")
			w.want("read", err, nil)
			w.same("user", got, p)
			got, err = w.User(w.Context(), s.ID, p.Token)
			w.want("read by token", err, nil)
			w.same("user by token", got, p)
			w.open()
		}
		long := strings.Repeat("ü", 126)
		for _, uid := range []string{"User-42@example.com", "user-42@example.com ", "a/b?c", "..", uuid.NewString(), strings.ToUpper(p.Token), "{" + p.Token[1:], long} {
			_, err := w.UserByUID(w.Context(), s.ID, uid)
			w.want("read nobody", err, site.ErrNotFound)
			if _, created, err := w.EnsureUser(w.Context(), s.ID, uid); err != nil || !created {
				w.Errorf("ensure %q: got created %t, %v; want a new user", uid, created, err)
			}
		}
		if got, created, err := w.EnsureUser(w.Context(), other.ID, p.UID); err != nil || !created || got.Token == p.Token {
			w.Errorf("another site: got %+v, created %t, %v; want a user of its own", got, created, err)
		}
		for _, uid := range []string{"", long + "a", "a\nb", "\x00", "\xff"} {
			_, _, err := w.EnsureUser(w.Context(), s.ID, uid)
			w.want("ensure a bad one", err, site.ErrUID)
			_, err = w.UserByUID(w.Context(), s.ID, uid)
			w.want("read a bad one", err, site.ErrNotFound)
		}
		_, _, err = w.EnsureUser(w.Context(), uuid.NewString(), "a")
		w.want("ensure at no site", err, site.ErrNotFound)
		_, err = w.UserByUID(w.Context(), uuid.NewString(), "a")
		w.want("read at no site", err, site.ErrNotFound)
	}},
	{"change UIDs", func(w *world) {
		s, _ := w.add("shop")
		other, _ := w.add("other")
		p, _, _ := w.arrive(s.ID, alice())
		bob, _, err := w.EnsureUser(w.Context(), s.ID, "bob")
		w.want("ensure", err, nil)
		u, err := w.SetUID(w.Context(), s.ID, p.Token, "alice")
		w.want("set", err, nil)
		p.UID = "alice"
		w.same("user", u, p.User)
		got, err := w.UserByUID(w.Context(), s.ID, "alice")
		w.want("read", err, nil)
		w.same("person", got, p)
		_, err = w.SetUID(w.Context(), s.ID, p.Token, "bob")
		w.want("take another's", err, site.ErrTaken)
		_, err = w.SetUID(w.Context(), s.ID, p.Token, "alice")
		w.want("set the same", err, nil)
		_, err = w.SetUID(w.Context(), s.ID, bob.Token, "robert")
		w.want("change", err, nil)
		_, err = w.UserByUID(w.Context(), s.ID, "bob")
		w.want("read by the UID before", err, site.ErrNotFound)
		_, err = w.SetUID(w.Context(), s.ID, p.Token, "bob")
		w.want("set one that is free again", err, nil)
		_, err = w.SetUID(w.Context(), s.ID, p.Token, "")
		w.want("take it away", err, nil)
		_, err = w.UserByUID(w.Context(), s.ID, "bob")
		w.want("read by the one taken away", err, site.ErrNotFound)
		_, err = w.DeleteUser(w.Context(), s.ID, bob.Token)
		w.want("delete", err, nil)
		_, err = w.UserByUID(w.Context(), s.ID, "robert")
		w.want("read who was deleted", err, site.ErrNotFound)
		if fresh, created, err := w.EnsureUser(w.Context(), s.ID, "robert"); err != nil || !created || fresh.Token == bob.Token {
			w.Errorf("the UID of one who was deleted: got %+v, created %t, %v; want a new user", fresh, created, err)
		}
		_, err = w.SetUID(w.Context(), s.ID, p.Token, "a\nb")
		w.want("set a bad one", err, site.ErrUID)
		for _, c := range []struct{ site, token string }{{other.ID, p.Token}, {s.ID, uuid.NewString()}, {s.ID, "x"}, {uuid.NewString(), p.Token}} {
			_, err = w.SetUID(w.Context(), c.site, c.token, "free")
			w.want("set nobody's", err, site.ErrNotFound)
		}
	}},
	{"login with a UID", func(w *world) {
		s, _ := w.add("shop")
		login := alice()
		login.UID = "alice"
		p, i, _ := w.arrive(s.ID, login)
		if p.UID != "alice" || p.Logins != 1 || len(p.Identities) != 1 || p.Identities[0].Token != i.Token {
			w.Errorf("got %+v; want a new user with UID and identity", p)
		}
		again, j, _ := w.arrive(s.ID, login)
		if again.Token != p.Token || j.Token != i.Token || again.Logins != 2 {
			w.Errorf("again: got %+v, identity %s; want the same", again, j.Token)
		}
		second := second2()
		second.UID = "alice"
		if got, _, _ := w.arrive(s.ID, second); got.Token != p.Token || len(got.Identities) != 2 {
			w.Errorf("a second account: got %+v; want the same user with both", got)
		}
		plain, _, _ := w.arrive(s.ID, alice())
		if plain.Token != p.Token || plain.UID != "alice" {
			w.Errorf("without the UID: got %+v; want the account's user", plain)
		}
		_, _, err := w.EnsureUser(w.Context(), s.ID, "bob")
		w.want("ensure", err, nil)
		for _, uid := range []string{"bob", "nobody yet"} {
			stolen := alice()
			stolen.UID = uid
			_, _, _, err := w.Login(w.Context(), s.ID, stolen)
			w.want("account of another user, for "+uid, err, site.ErrOwned)
		}
		_, err = w.UserByUID(w.Context(), s.ID, "nobody yet")
		w.want("who was refused", err, site.ErrNotFound)
		nameless := alice()
		nameless.Account.ID = "nameless"
		w.arrive(s.ID, nameless)
		nameless.UID = "somebody"
		_, _, _, err = w.Login(w.Context(), s.ID, nameless)
		w.want("account of a user without UID", err, site.ErrOwned)
		named := alice()
		named.Account.ID, named.User, named.UID = "third", p.Token, "ignored"
		if got, _, _ := w.arrive(s.ID, named); got.Token != p.Token || got.UID != "alice" {
			w.Errorf("with a token and a UID: got %+v; want the user of the token", got)
		}
		bad := alice()
		bad.UID = "a\nb"
		_, _, _, err = w.Login(w.Context(), s.ID, bad)
		w.want("bad UID", err, site.ErrUID)
	}},
	{"one UID, many at once", func(w *world) {
		s, _ := w.add("shop")
		var wg sync.WaitGroup
		for n := range 16 {
			login := alice()
			login.UID, login.Account.ID = "alice", fmt.Sprint(n)
			wg.Go(func() {
				if n%2 == 0 {
					if _, _, err := w.EnsureUser(w.Context(), s.ID, "alice"); err != nil {
						w.Error(err)
					}
				}
				if _, _, _, err := w.Login(w.Context(), s.ID, login); err != nil {
					w.Error(err)
				}
			})
		}
		wg.Wait()
		page, err := w.Users(w.Context(), s.ID, site.ListQuery{Limit: 500}, site.UserFilter{})
		if err != nil || page.Total != 1 || page.Entries[0].Logins != 16 || len(page.Entries[0].Identities) != 16 {
			w.Errorf("got %+v, %v; want one user with 16 logins and identities", page, err)
		}
	}},
}

// TestUIDRaces: somebody else gets in between a look for a UID and what stands on it.
func TestUIDRaces(t *testing.T) {
	store := newMemory(t)
	w := newWorld(t, store)
	s, _ := w.add("shop")
	appear := func() {
		store.users[s.ID] = append(store.users[s.ID], site.User{Token: uuid.NewString(), UID: "alice"})
	}
	vanish := func() { store.users[s.ID] = nil }
	login := alice()
	login.UID = "alice"

	store.looked = appear
	p, created, err := w.EnsureUser(t.Context(), s.ID, "alice")
	if err != nil || created || len(store.users[s.ID]) != 1 || p.Token != store.users[s.ID][0].Token {
		t.Errorf("ensure: got %+v, created %t, %v; want the one who appeared", p, created, err)
	}
	vanish()
	store.looked = appear
	p, i, _, err := w.Login(t.Context(), s.ID, login)
	if err != nil || len(store.users[s.ID]) != 1 || p.Token != store.users[s.ID][0].Token || i.User != p.Token {
		t.Errorf("login: got %+v, %v; want the one who appeared", p, err)
	}
	store.identities[s.ID] = nil
	before := p.Token
	store.looked = vanish
	p, _, _, err = w.Login(t.Context(), s.ID, login)
	if err != nil || len(store.users[s.ID]) != 1 || p.Token == before || p.UID != "alice" {
		t.Errorf("login of one who vanished: got %+v, %v; want a new user", p, err)
	}
}
