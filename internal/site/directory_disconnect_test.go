package site_test

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"herald.example/internal/site"
)

// disconnectTests are about identities that a user gives up.
var disconnectTests = []directoryTest{
	{"disconnect", func(w *world) {
		s, _ := w.add("shop")
		p, _, _ := w.arrive(s.ID, alice())
		stranger, _, _ := w.arrive(s.ID, second2())
		for _, provider := range []string{"mastodon", "bluesky"} {
			login := alice()
			login.User, login.Provider, login.Account.ID = p.Token, provider, "another"
			w.arrive(s.ID, login)
		}
		for _, c := range []struct {
			name     string
			user     string
			provider string
			keepLast bool
			removed  int
			want     error
		}{
			{"no such provider", p.Token, "linkedin", true, 0, nil},
			{"all, but the last", p.Token, "", true, 0, site.ErrLast},
			{"one of two providers", p.Token, "mastodon", true, 2, nil},
			{"the last provider", p.Token, "bluesky", true, 0, site.ErrLast},
			{"the last provider, all the same", p.Token, "bluesky", false, 1, nil},
			{"nothing left", p.Token, "", true, 0, nil},
			{"nobody", uuid.NewString(), "", false, 0, site.ErrNotFound},
			{"no token", "alice", "", false, 0, site.ErrNotFound},
			{"all", stranger.Token, "", false, 1, nil},
		} {
			before, _ := w.User(w.Context(), s.ID, c.user)
			removed, err := w.Disconnect(w.Context(), s.ID, c.user, c.provider, c.keepLast)
			w.want(c.name, err, c.want)
			after, _ := w.User(w.Context(), s.ID, c.user)
			if len(removed) != c.removed || len(after.Identities) != len(before.Identities)-c.removed || after.Token != before.Token {
				w.Errorf("%s: got %d removed, user %+v; want %d removed of %+v", c.name, len(removed), after, c.removed, before)
			}
			for _, i := range removed {
				if c.provider != "" && i.Provider != c.provider {
					w.Errorf("%s: got an identity of %s removed; want those of %s", c.name, i.Provider, c.provider)
				}
				_, err := w.Identity(w.Context(), s.ID, i.Token)
				w.want(c.name+": identity", err, site.ErrNotFound)
			}
		}
	}},
	{"of two who disconnect at once, one keeps the last", func(w *world) {
		s, _ := w.add("shop")
		for n := range 10 {
			login := alice()
			login.Account.ID = fmt.Sprint(n)
			p, _, _ := w.arrive(s.ID, login)
			login.User, login.Provider = p.Token, "bluesky"
			w.arrive(s.ID, login)
			var refused atomic.Int32
			var wg sync.WaitGroup
			for _, provider := range []string{"mastodon", "bluesky"} {
				wg.Go(func() {
					if _, err := w.Disconnect(w.Context(), s.ID, p.Token, provider, true); err != nil {
						w.want("disconnect", err, site.ErrLast)
						refused.Add(1)
					}
				})
			}
			wg.Wait()
			if got, err := w.User(w.Context(), s.ID, p.Token); err != nil || len(got.Identities) != 1 || refused.Load() != 1 {
				w.Errorf("got %d identities, %v, %d refused; want one of each", len(got.Identities), err, refused.Load())
			}
		}
	}},
}
