package site_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/site"
)

// tallies are what was counted for a site, as "day cid provider measure count".
func (w *world) tallies(siteID string) string {
	w.Helper()
	store := w.store.(interface {
		Tallies(ctx context.Context, siteID string, q site.ReportQuery) ([]site.Tally, error)
	})
	day := start.UTC().Truncate(24 * time.Hour)
	tallies, err := store.Tallies(w.Context(), siteID, site.ReportQuery{From: day, To: day.AddDate(0, 0, 7)})
	w.want("read tallies", err, nil)
	var lines []string
	for _, t := range tallies {
		lines = append(lines, fmt.Sprintf("%s %q %q %s %d", t.Day.Format("01-02"), t.CID, t.Provider, t.Measure, t.Count))
	}
	return strings.Join(lines, "\n")
}

// visitTests are about logins by sites themselves.
var visitTests = []directoryTest{
	{"visits", func(w *world) {
		s, _ := w.add("shop")
		other, _ := w.add("other")
		now := start.UTC().Truncate(time.Millisecond)
		p, created, err := w.Visit(w.Context(), s.ID, "alice", "home page")
		w.want("visit", err, nil)
		if !created || p.UID != "alice" || p.Created != now || p.LastLogin != now || p.Logins != 1 {
			w.Errorf("got %+v, created %t; want a new user with one login", p, created)
		}
		w.clock.move(36 * time.Hour)
		again, created, err := w.Visit(w.Context(), s.ID, "alice", "")
		w.want("visit again", err, nil)
		p.LastLogin, p.Logins = now.Add(36*time.Hour), 2
		if w.same("the same user", again, p); created {
			w.Error("got a user who was created again; want the one who is there")
		}
		got, err := w.UserByUID(w.Context(), s.ID, "alice")
		w.want("read", err, nil)
		w.same("user", got, p)

		connected, _, _ := w.arrive(s.ID, alice())
		again, created, err = w.Visit(w.Context(), s.ID, connected.Token, "")
		w.want("visit by token", err, nil)
		connected.Logins = 2
		if w.same("the user of the token", again, connected); created {
			w.Error("got a user who was created; want the one of the token")
		}
		_, created, err = w.Visit(w.Context(), other.ID, "alice", "")
		w.want("visit another site", err, nil)
		if !created {
			w.Error("got another site's user; want one who was created")
		}
		w.same("tallies", w.tallies(s.ID), `03-01 "home page" "" newSiteUsers 1
03-01 "home page" "" siteLogins 1
03-02 "" "" siteLogins 2
03-02 "" "mastodon" newUsers 1
03-02 "" "mastodon" newConnections 1
03-02 "" "mastodon" logins 1`)
		w.same("tallies of the other", w.tallies(other.ID), `03-02 "" "" newSiteUsers 1
03-02 "" "" siteLogins 1`)
	}},
	{"visits that are refused", func(w *world) {
		s, _ := w.add("shop")
		for _, uid := range []string{"", strings.Repeat("u", 253), "a\nb", "\xff"} {
			_, _, err := w.Visit(w.Context(), s.ID, uid, "")
			w.want(fmt.Sprintf("UID %.10q", uid), err, site.ErrUID)
		}
		for _, id := range []string{uuid.NewString(), "", "shop"} {
			_, _, err := w.Visit(w.Context(), id, "alice", "")
			w.want("visit no site", err, site.ErrNotFound)
		}
		page, err := w.Users(w.Context(), s.ID, site.ListQuery{Limit: 1}, site.UserFilter{})
		if err != nil || page.Total != 0 || w.tallies(s.ID) != "" {
			w.Errorf("got %d users, %v, tallies %q; want nothing", page.Total, err, w.tallies(s.ID))
		}
	}},
	{"one UID, many visits at once", func(w *world) {
		s, _ := w.add("shop")
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, _, err := w.Visit(w.Context(), s.ID, "alice", ""); err != nil {
					w.Error(err)
				}
			})
		}
		wg.Wait()
		p, err := w.UserByUID(w.Context(), s.ID, "alice")
		if err != nil || p.Logins != 16 {
			w.Errorf("got %+v, %v; want 16 logins", p, err)
		}
		w.same("tallies", w.tallies(s.ID), `03-01 "" "" newSiteUsers 1
03-01 "" "" siteLogins 16`)
	}},
	{"moves", func(w *world) {
		s, _ := w.add("shop")
		p, i, _ := w.arrive(s.ID, alice())
		bob, err := w.AddUser(w.Context(), s.ID)
		w.want("add user", err, nil)
		w.clock.move(24 * time.Hour)
		for _, user := range []string{bob.Token, bob.Token, p.Token, uuid.NewString()} { // the second and the last move nothing
			if _, err := w.MoveIdentity(w.Context(), s.ID, i.Token, user); err != nil {
				w.want("move", err, site.ErrNotFound)
			}
		}
		w.same("tallies", w.tallies(s.ID), `03-01 "" "mastodon" newUsers 1
03-01 "" "mastodon" newConnections 1
03-01 "" "mastodon" logins 1
03-02 "" "mastodon" newConnections 2`)
	}},
	{"logins under a context ID", func(w *world) {
		s, _ := w.add("shop")
		login := alice()
		login.CID = "home page"
		_, i, c := w.arrive(s.ID, login)
		if c.CID != "" {
			w.Errorf("got connection %+v; want no context ID, which is not kept", c)
		}
		login.CID = "cart"
		if _, j, _ := w.arrive(s.ID, login); j.Token != i.Token {
			w.Errorf("got identity %s; want %s again", j.Token, i.Token)
		}
		w.same("tallies", w.tallies(s.ID), `03-01 "cart" "mastodon" logins 1
03-01 "home page" "mastodon" newUsers 1
03-01 "home page" "mastodon" newConnections 1
03-01 "home page" "mastodon" logins 1`)
	}},
}

// TestVisitRaces: somebody else gets in between the look for a UID and the login.
func TestVisitRaces(t *testing.T) {
	store := newMemory(t)
	w := newWorld(t, store)
	s, _ := w.add("shop")
	store.looked = func() {
		store.users[s.ID] = append(store.users[s.ID], site.User{Token: uuid.NewString(), UID: "alice", Logins: 6})
	}
	p, created, err := w.Visit(t.Context(), s.ID, "alice", "")
	if err != nil || created || p.Logins != 7 || len(store.users[s.ID]) != 1 {
		t.Errorf("one who appeared: got %+v, created %t, %v; want their seventh login", p, created, err)
	}
	before := p.Token
	store.looked = func() { store.users[s.ID] = nil }
	p, created, err = w.Visit(t.Context(), s.ID, "alice", "")
	if err != nil || !created || p.Token == before || p.Logins != 1 || len(store.users[s.ID]) != 1 {
		t.Errorf("one who vanished: got %+v, created %t, %v; want a new user", p, created, err)
	}
}
