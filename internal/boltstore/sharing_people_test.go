package boltstore

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
	"herald.example/internal/site"
)

// A filter may leave out the user that a page begins behind.
func TestListUsersBehindOneThatTheFilterLeavesOut(t *testing.T) {
	s, _ := newSharing(t)
	for n := range 9 {
		if err := s.PutUser(t.Context(), id('s', 1), site.User{Token: id('u', n), Created: day.Add(time.Duration(n%2) * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	odd := site.UserFilter{CreatedAfter: day}
	for _, tt := range []struct {
		descending bool
		want       []string
	}{{false, []string{id('u', 5), id('u', 7)}}, {true, []string{id('u', 3), id('u', 1)}}} {
		page, err := s.ListUsers(t.Context(), id('s', 1), site.ListQuery{After: id('u', 4), Limit: 5, Descending: tt.descending}, odd)
		if got := tokens(page.Entries, personToken); err != nil || !slices.Equal(got, tt.want) || page.Total != 4 || page.More {
			t.Errorf("descending %t: got %v, total %d, more %t, %v; want %v, total 4", tt.descending, got, page.Total, page.More, err, tt.want)
		}
	}
	for _, bad := range []site.ListQuery{{}, {Limit: 501}, {Limit: 1, Skip: -1}} {
		if _, err := s.ListUsers(t.Context(), id('s', 1), bad, odd); !errors.Is(err, link.ErrQuery) {
			t.Errorf("%+v: got %v; want %v", bad, err, link.ErrQuery)
		}
	}
}

// What arrive returns must belong together, or nothing is written.
func TestArriveRefuses(t *testing.T) {
	s, _ := newSharing(t)
	arrive := func(siteID, account string, edit func(*site.User, *site.Identity, *site.Connection)) error {
		_, _, _, err := s.Arrive(t.Context(), siteID, "", "mastodon", account, func(*site.User, *site.Identity) (site.User, site.Identity, site.Connection, error) {
			u := site.User{Token: id('u', 1)}
			i := site.Identity{Token: id('i', 1), User: u.Token, Provider: "mastodon", Account: site.Account{ID: account}}
			c := site.Connection{Token: id('c', 1), User: u.Token, Identity: i.Token}
			edit(&u, &i, &c)
			return u, i, c, nil
		})
		return err
	}
	if err := arrive(id('s', 1), "1", func(*site.User, *site.Identity, *site.Connection) {}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, site, account string
		edit                func(*site.User, *site.Identity, *site.Connection)
		want                error
	}{
		{"site that is none", "s", "1", func(*site.User, *site.Identity, *site.Connection) {}, site.ErrNotFound},
		{"user that is none", id('s', 1), "1", func(u *site.User, _ *site.Identity, _ *site.Connection) { u.Token = "u" }, errToken},
		{"user of another site", id('s', 2), "1", func(*site.User, *site.Identity, *site.Connection) {}, site.ErrNotFound},
		{"identity of another site", id('s', 2), "1", func(u *site.User, i *site.Identity, _ *site.Connection) {
			u.Token, i.User = id('u', 2), id('u', 2)
		}, site.ErrNotFound},
		{"identity of another user", id('s', 1), "1", func(_ *site.User, i *site.Identity, c *site.Connection) {
			i.User, c.Token = id('u', 2), id('c', 2)
		}, site.ErrAccount},
		{"identity of another provider", id('s', 1), "1", func(_ *site.User, i *site.Identity, c *site.Connection) {
			i.Provider, c.Token = "bluesky", id('c', 2)
		}, site.ErrAccount},
		{"another account", id('s', 1), "1", func(_ *site.User, i *site.Identity, c *site.Connection) {
			i.Account.ID, c.Token = "2", id('c', 2)
		}, site.ErrAccount},
		{"a second identity of the account", id('s', 1), "1", func(_ *site.User, i *site.Identity, c *site.Connection) {
			i.Token, c.Token = id('i', 2), id('c', 2)
		}, site.ErrAccount},
		{"an identity that has another account", id('s', 1), "2", func(_ *site.User, _ *site.Identity, c *site.Connection) {
			c.Token = id('c', 2)
		}, site.ErrAccount},
		{"connection twice", id('s', 1), "1", func(*site.User, *site.Identity, *site.Connection) {}, errToken},
		{"connection that is none", id('s', 1), "1", func(_ *site.User, _ *site.Identity, c *site.Connection) { c.Token = "" }, errToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := dump(t, s)
			if err := arrive(tt.site, tt.account, tt.edit); !errors.Is(err, tt.want) {
				t.Errorf("got %v; want %v", err, tt.want)
			}
			if diff := cmp.Diff(before, dump(t, s)); diff != "" {
				t.Errorf("the file changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestSites(t *testing.T) {
	s, path := newSharing(t)
	pair := func(public string) site.KeyPair {
		return site.KeyPair{Public: public, Private: []byte{0, 255}, Created: day, Expires: day.AddDate(0, 0, 1)}
	}
	a := site.Site{ID: id('s', 9), Name: "a", Created: day, Domain: "go.example", Simulated: []string{"facebook", "*"}, Keys: []site.KeyPair{pair("k1"), pair("k2")}, Gigya: gigya("3_a")}
	b := site.Site{ID: id('s', 1), Name: "b", Created: day.Add(-time.Hour), Keys: []site.KeyPair{pair("k3")}}
	b.Keys[0].Expires = time.Time{}
	for _, tt := range []struct {
		name string
		put  site.Site
		edit func(*site.Site)
		want error
	}{
		{"first", a, func(*site.Site) {}, nil},
		{"second", b, func(*site.Site) {}, nil},
		{"name taken", site.Site{ID: id('s', 3)}, func(s *site.Site) { s.Name = "b" }, site.ErrTaken},
		{"key taken", site.Site{ID: id('s', 3), Name: "c"}, func(s *site.Site) { s.Keys = []site.KeyPair{pair("k4"), pair("k2")} }, site.ErrTaken},
		{"change takes a name", a, func(s *site.Site) { s.Name = "b" }, site.ErrTaken},
		{"change takes a key", b, func(s *site.Site) { s.Keys = append(slices.Clone(s.Keys), pair("k1")) }, site.ErrTaken},
		{"API key taken", site.Site{ID: id('s', 3), Name: "c", Gigya: gigya("3_a")}, func(*site.Site) {}, site.ErrTaken},
		{"change takes an API key", b, func(s *site.Site) { s.Gigya = gigya("3_a") }, site.ErrTaken},
		{"no UUID", site.Site{ID: "s", Name: "s"}, func(*site.Site) {}, errToken},
		{"change", a, func(*site.Site) { a.Name, a.Keys = "A", []site.KeyPair{pair("k5"), pair("k1")} }, nil},
		{"the names and keys of before are free", site.Site{ID: id('s', 3), Name: "a", Created: day, Keys: []site.KeyPair{pair("k2")}}, func(*site.Site) {}, nil},
	} {
		if tt.edit(&tt.put); tt.name == "change" {
			tt.put = a
		}
		if err := s.PutSite(t.Context(), tt.put); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v; want %v", tt.name, err, tt.want)
		}
	}
	s.Close()
	s = reopenSharing(t, path)
	want := []site.Site{a, b, {ID: id('s', 3), Name: "a", Created: day, Keys: []site.KeyPair{pair("k2")}}}
	got, err := s.Sites(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Sites: %v (-want +got):\n%s", err, diff)
	}
}
