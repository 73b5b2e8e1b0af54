package boltstore

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// today is the day of day.
var today = day.Truncate(24 * time.Hour)

// tallied checks what the reports of a site have, as "day CID provider measure count"
// with days from today.
func tallied(t *testing.T, s *Sharing, siteID string, q site.ReportQuery, want ...string) {
	t.Helper()
	tallies, err := s.Tallies(t.Context(), siteID, q)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, y := range tallies {
		got = append(got, fmt.Sprintf("%v %q %q %v %d", y.Day.Sub(today).Hours()/24, y.CID, y.Provider, y.Measure, y.Count))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tallies (-want +got):\n%s", diff)
	}
}

// always is a query for all there is.
var always = site.ReportQuery{From: day.AddDate(-10, 0, 0), To: day.AddDate(10, 0, 0)}

func TestCount(t *testing.T) {
	s, path := newSharing(t)
	count := func(events ...site.Event) {
		t.Helper()
		if err := s.Count(t.Context(), id('s', 1), events...); err != nil {
			t.Fatal(err)
		}
	}
	event := func(m site.Measure, at time.Time, cid, provider string, times uint64) site.Event {
		return site.Event{Measure: m, At: at, CID: cid, Provider: provider, Times: times}
	}
	tallied(t, s, id('s', 1), always)
	last := today.Add(24*time.Hour - time.Nanosecond)
	zone := time.FixedZone("", 3*3600)
	count(event(site.Actions, today, "b", "", 1), event(site.Actions, last.In(zone), "b", "", 2), event(site.SiteLogins, last.Add(1).In(zone), "b", "", 1))
	count(event(site.Actions, day, "", "x", 1), event(site.Logins, day, "a", "y", math.MaxUint64), event(site.Logins, day, "a", "x", 1))
	count(event(site.Logins, day, "a", "y", 5), event(site.NewUsers, day, "a", "y", 0))
	count()
	if err := s.Count(t.Context(), id('s', 2), event(site.Actions, day, "other site", "", 1)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = reopenSharing(t, path)
	all := []string{
		`0 "" "x" actions 1`, `0 "a" "x" logins 1`, fmt.Sprintf(`0 "a" "y" logins %d`, uint64(math.MaxUint64)),
		`0 "b" "" actions 3`, `1 "b" "" siteLogins 1`,
	}
	tallied(t, s, id('s', 1), always, all...)
	tallied(t, s, id('s', 1), site.ReportQuery{From: last, To: today}, all[:4]...)
	tallied(t, s, id('s', 1), site.ReportQuery{From: last.Add(1), To: last.Add(1)}, all[4:]...)
	tallied(t, s, id('s', 1), site.ReportQuery{From: last.Add(1), To: today})
	tallied(t, s, id('s', 1), site.ReportQuery{From: always.From, To: always.To, CIDs: []string{"a", "c"}}, all[1:3]...)
	tallied(t, s, id('s', 1), site.ReportQuery{From: always.From, To: always.To, CIDs: []string{"", "a"}, Providers: []string{"x"}}, all[:2]...)
	tallied(t, s, id('s', 1), site.ReportQuery{From: always.From, To: always.To, CIDs: []string{}})
	tallied(t, s, id('s', 3), always)
	tallied(t, s, "no site", always)
}

func TestCountRefuses(t *testing.T) {
	s, _ := newSharing(t)
	before := dump(t, s)
	good := site.Event{Measure: site.Actions, At: day, Times: 1}
	for name, err := range map[string]error{
		"no site":      s.Count(t.Context(), "no site", good),
		"no measure":   s.Count(t.Context(), id('s', 1), good, site.Event{Times: 1}),
		"next measure": s.Count(t.Context(), id('s', 1), good, site.Event{Measure: site.NumMeasures, Times: 1}),
	} {
		if err == nil {
			t.Errorf("%s: got no error; want one", name)
		}
	}
	if diff := cmp.Diff(before, dump(t, s)); diff != "" {
		t.Errorf("the file changed (-before +after):\n%s", diff)
	}
	n := transactions(t, s)
	if err := s.Count(t.Context(), id('s', 1), site.Event{Measure: site.Actions}); err != nil || transactions(t, s) != n {
		t.Errorf("no times: got %v, %d commits; want none", err, transactions(t, s)-n)
	}
	// What is too long for a key has its place, too; so have days that no calendar knows.
	long := strings.Repeat("x", 40_000)
	odd := []site.Event{
		{Measure: site.Actions, At: day, CID: long, Provider: long, Times: 1},
		{Measure: site.Actions, Times: 1},
		{Measure: site.Actions, At: time.Unix(math.MaxInt64, 0), Times: 1},
	}
	if err := s.Count(t.Context(), id('s', 1), odd...); err != nil {
		t.Fatal(err)
	}
	tallied(t, s, id('s', 1), always, fmt.Sprintf(`0 "other" %q actions 1`, long[:maxTallied]))
}

// Context IDs that come when there are many already are counted together.
func TestContextIDsAreBounded(t *testing.T) {
	s, path := newSharing(t)
	var events []site.Event
	for i := range 2 * site.MaxCIDs {
		events = append(events, site.Event{Measure: site.Actions, At: day, CID: fmt.Sprint(i), Times: 1})
	}
	for range 2 {
		if err := s.Count(t.Context(), id('s', 1), append(events, site.Event{Measure: site.Actions, At: day, CID: site.OtherCID, Times: 1})...); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s = reopenSharing(t, path)
	}
	if err := s.Count(t.Context(), id('s', 2), site.Event{Measure: site.Actions, At: day, CID: "of another site", Times: 1}); err != nil {
		t.Fatal(err)
	}
	tallies, err := s.Tallies(t.Context(), id('s', 1), always)
	if err != nil || len(tallies) != site.MaxCIDs+1 {
		t.Fatalf("got %d tallies, %v; want %d", len(tallies), err, site.MaxCIDs+1)
	}
	for _, y := range tallies {
		want := uint64(2)
		if y.CID == site.OtherCID {
			want = 2 * (site.MaxCIDs + 1)
		}
		if y.Count != want {
			t.Errorf("%s: got %d; want %d", y.CID, y.Count, want)
		}
	}
	tallied(t, s, id('s', 2), always, `0 "of another site" "" actions 1`)
}

// More than can be read at once is refused, and can be asked for in pieces.
func TestTalliesAreBounded(t *testing.T) {
	s, _ := newSharing(t)
	var events []site.Event
	for i := range 100 {
		events = append(events, site.Event{Measure: site.Actions, At: today.AddDate(0, 0, i%10), Provider: fmt.Sprint(i / 10), Times: 1})
	}
	if err := s.Count(t.Context(), id('s', 1), events...); err != nil {
		t.Fatal(err)
	}
	all := site.ReportQuery{From: today, To: today.AddDate(0, 0, 9)}
	rest := site.ReportQuery{From: today.AddDate(0, 0, 1), To: all.To}
	one := site.ReportQuery{From: today, To: all.To, Providers: []string{"3"}}
	for _, c := range []struct {
		name         string
		q            site.ReportQuery
		most, passed int
		want         int // -1: too many
	}{
		{"as many as there are", all, 100, 100, 100},
		{"one too many to read", all, 99, 1000, -1},
		{"one too many to look at", all, 1000, 99, -1},
		{"fewer days", rest, 90, 90, 90},
		{"few of many", one, 10, 100, 10},
		{"few of too many", one, 10, 99, -1},
		{"too many of a provider", one, 9, 100, -1},
	} {
		got, err := s.tallies(t.Context(), id('s', 1), c.q, c.most, c.passed)
		if c.want < 0 && (!errors.Is(err, site.ErrQuery) || got != nil) || c.want >= 0 && (err != nil || len(got) != c.want) {
			t.Errorf("%s: got %d tallies, %v; want %d", c.name, len(got), err, c.want)
		}
		if !slices.IsSortedFunc(got, func(a, b site.Tally) int { return a.Day.Compare(b.Day) }) {
			t.Errorf("%s: got tallies in another order than that of days", c.name)
		}
	}
}

// Publications are counted once, when their network has taken them.
func TestPostsAreCounted(t *testing.T) {
	s, _ := newSharing(t)
	now := day
	s.now = func() time.Time { return now }
	post := func(n int, share *publish.Share, at time.Time, states ...publish.State) {
		t.Helper()
		a := acceptanceOf(id('s', 1), id('m', n), publication(0))
		a.Message.Parts.Share = share
		ref := accept(t, s, a).Publications[0].Ref()
		for _, state := range states {
			_, err := s.Update(t.Context(), ref, func(p *publish.Publication) error {
				p.State, p.Receipt.At, p.Tries = state, at, p.Tries+1
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	post(1, nil, day, publish.Sending, publish.Published, publish.Published)
	post(2, &publish.Share{Kind: publish.ActionShare, CID: "home"}, day, publish.Unknown, publish.Published)
	post(3, &publish.Share{Kind: publish.StatusShare, CID: "home"}, day, publish.Published)
	post(4, &publish.Share{Kind: publish.CheckinShare, CID: "home"}, day, publish.Published)
	post(5, &publish.Share{Kind: publish.ActionShare, CID: "home"}, day, publish.Sending, publish.Failed)
	post(6, &publish.Share{Kind: publish.ActionShare, CID: "home"}, day.Add(-23*time.Hour), publish.Published)
	post(7, &publish.Share{Kind: publish.ActionShare}, day.AddDate(-1, 0, 0), publish.Published) // the network's clock is wrong
	post(8, &publish.Share{Kind: publish.ActionShare}, time.Time{}, publish.Published)
	tallied(t, s, id('s', 1), always,
		`-1 "home" "mastodon" streamPosts 1`, `0 "" "mastodon" streamPosts 3`,
		`0 "home" "mastodon" streamPosts 1`, `0 "home" "mastodon" statusUpdates 2`)

	// Once more, of a message that is known: its context ID is, too.
	a := acceptanceOf(id('s', 1), id('m', 3), publication(0))
	a.Again = true
	ref := accept(t, s, a).Publications[0].Ref()
	now = day.AddDate(0, 0, 1)
	if _, err := s.Update(t.Context(), ref, func(p *publish.Publication) error { p.State = publish.Published; return nil }); err != nil {
		t.Fatal(err)
	}
	tallied(t, s, id('s', 1), site.ReportQuery{From: now, To: now}, `1 "home" "mastodon" statusUpdates 1`)
}

func TestArrivalsAreCounted(t *testing.T) {
	s, _ := newSharing(t)
	arrive := func(user, account, connection int, provider string, at time.Time, cid string) {
		t.Helper()
		_, _, _, err := s.Arrive(t.Context(), id('s', 1), "", provider, fmt.Sprint(account), func(_ *site.User, known *site.Identity) (u site.User, i site.Identity, c site.Connection, err error) {
			u = site.User{Token: id('u', user)}
			i = site.Identity{Token: id('i', account), Provider: provider, Account: site.Account{ID: fmt.Sprint(account)}}
			if known != nil {
				i = *known
			}
			i.User = u.Token
			return u, i, site.Connection{Token: id('c', connection), User: u.Token, Identity: i.Token, Created: at, CID: cid}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	arrive(1, 1, 1, "mastodon", day, "")
	arrive(1, 2, 2, "bluesky", day, "home") // a new identity of theirs
	arrive(1, 2, 3, "bluesky", day, "home")
	arrive(2, 2, 4, "bluesky", day.AddDate(0, 0, 1), "home") // it moves to a new user
	arrive(1, 2, 5, "bluesky", day.AddDate(0, 0, 2), "home") // and back
	tallied(t, s, id('s', 1), always,
		`0 "" "mastodon" newUsers 1`, `0 "" "mastodon" newConnections 1`, `0 "" "mastodon" logins 1`,
		`0 "home" "bluesky" newConnections 1`, `0 "home" "bluesky" logins 2`,
		`1 "home" "bluesky" newUsers 1`, `1 "home" "bluesky" newConnections 1`, `1 "home" "bluesky" logins 1`,
		`2 "home" "bluesky" newConnections 1`, `2 "home" "bluesky" logins 1`)

	before := dump(t, s)
	refused := errors.New("refused")
	_, _, _, err := s.Arrive(t.Context(), id('s', 1), "", "mastodon", "9", func(*site.User, *site.Identity) (site.User, site.Identity, site.Connection, error) {
		return site.User{}, site.Identity{}, site.Connection{}, refused
	})
	if !errors.Is(err, refused) {
		t.Fatalf("got %v; want %v", err, refused)
	}
	if diff := cmp.Diff(before, dump(t, s)); diff != "" {
		t.Errorf("an arrival that is refused changed the file (-before +after):\n%s", diff)
	}
}

// What is counted with a user or an identity is counted in the same commit, or not at
// all.
func TestCountedWith(t *testing.T) {
	s, _ := newSharing(t)
	login := site.Event{Measure: site.SiteLogins, At: day, CID: "home", Times: 1}
	visit := func(u *site.User) error { u.Logins++; return nil }
	change := func(what string, commits int, change func() error) {
		t.Helper()
		n := transactions(t, s)
		if err := change(); err != nil || transactions(t, s) != n+commits {
			t.Errorf("%s: got %v, %d commits; want %d", what, err, transactions(t, s)-n, commits)
		}
	}
	change("put a user", 1, func() error {
		return s.PutUser(t.Context(), id('s', 1), site.User{Token: id('u', 1), UID: "alice"}, login, site.Event{Measure: site.NewSiteUsers, At: day, CID: "home", Times: 1})
	})
	change("put another", 1, func() error { return s.PutUser(t.Context(), id('s', 1), site.User{Token: id('u', 2)}) })
	change("edit a user", 1, func() error {
		_, err := s.EditUser(t.Context(), id('s', 1), id('u', 1), visit, login)
		return err
	})
	change("edit nothing, and count", 1, func() error {
		_, err := s.EditUser(t.Context(), id('s', 1), id('u', 1), func(*site.User) error { return nil }, login)
		return err
	})
	change("edit nothing", 0, func() error {
		_, err := s.EditUser(t.Context(), id('s', 1), id('u', 1), func(*site.User) error { return nil }, site.Event{Measure: site.SiteLogins})
		return err
	})
	_, _, _, err := s.Arrive(t.Context(), id('s', 1), "", "mastodon", "1", func(*site.User, *site.Identity) (site.User, site.Identity, site.Connection, error) {
		i := site.Identity{Token: id('i', 1), User: id('u', 1), Provider: "mastodon", Account: site.Account{ID: "1"}}
		return site.User{Token: id('u', 1), UID: "alice"}, i, site.Connection{Token: id('c', 1), User: id('u', 1), Identity: id('i', 1), Created: day}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, commits := range []int{1, 0} {
		change("move an identity", commits, func() error {
			_, err := s.MoveIdentity(t.Context(), id('s', 1), id('i', 1), id('u', 2), day.AddDate(0, 0, 1))
			return err
		})
	}
	want := []string{
		`0 "" "mastodon" newConnections 1`, `0 "" "mastodon" logins 1`,
		`0 "home" "" newSiteUsers 1`, `0 "home" "" siteLogins 3`, `1 "" "mastodon" newConnections 1`,
	}
	tallied(t, s, id('s', 1), always, want...)

	before := dump(t, s)
	bad := site.Event{Times: 1}
	refused := errors.New("refused")
	taken := func(u *site.User) error { u.UID = "alice"; return nil }
	edit := func(token string, edit func(*site.User) error, e site.Event) error {
		_, err := s.EditUser(t.Context(), id('s', 1), token, edit, e)
		return err
	}
	move := func(token, user string) error {
		_, err := s.MoveIdentity(t.Context(), id('s', 1), token, user, day)
		return err
	}
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"put, no measure", s.PutUser(t.Context(), id('s', 1), site.User{Token: id('u', 3)}, login, bad), errMeasure},
		{"put, UID of another", s.PutUser(t.Context(), id('s', 1), site.User{Token: id('u', 3), UID: "alice"}, login), site.ErrTaken},
		{"edit, no measure", edit(id('u', 1), visit, bad), errMeasure},
		{"edit, UID of another", edit(id('u', 2), taken, login), site.ErrTaken},
		{"edit that is refused", edit(id('u', 1), func(*site.User) error { return refused }, login), refused},
		{"edit nobody", edit(id('u', 9), visit, login), site.ErrNotFound},
		{"move nothing", move(id('i', 9), id('u', 1)), site.ErrNotFound},
		{"move to nobody", move(id('i', 1), id('u', 9)), site.ErrNotFound},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: got %v; want %v", c.name, c.err, c.want)
		}
	}
	if diff := cmp.Diff(before, dump(t, s)); diff != "" {
		t.Errorf("what was refused changed the file (-before +after):\n%s", diff)
	}
}

func TestCountAtOnce(t *testing.T) {
	s, _ := newSharing(t)
	var group errgroup.Group
	for i := range 100 {
		group.Go(func() error {
			return s.Count(t.Context(), id('s', 1), site.Event{Measure: site.Actions, At: day, CID: fmt.Sprint(i % 2), Times: 1})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	tallied(t, s, id('s', 1), always, `0 "0" "" actions 50`, `0 "1" "" actions 50`)
}

func FuzzParseTally(f *testing.F) {
	write := func(y site.Tally) []byte {
		key := append(tallyDay([16]byte{}, y.Day)[16:], byte(y.Measure))
		return appendText(appendText(key, y.CID), y.Provider)
	}
	parse := func(key []byte) (site.Tally, bool) { return parseTally(key, make([]byte, 8)) }
	fuzzRecord(f, [][]byte{write(site.Tally{Day: today, Measure: site.Logins, CID: "home", Provider: "x"})}, parse, write)
}
