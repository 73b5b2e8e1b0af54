package boltstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// ref is a link by its number.
func ref(n int) link.Ref { return link.Ref{Domain: "go.example", Slug: fmt.Sprintf("8WEtk%02d", n)} }

// shared checks the batches of links that a query gets, as "CID provider: slugs".
func shared(t *testing.T, s *Sharing, q site.ReportQuery, size int, want ...string) {
	t.Helper()
	var got []string
	err := s.sharedLinks(t.Context(), id('s', 1), q, size, func(cid, provider string, refs []link.Ref) error {
		// No transaction is held: what is written meanwhile need not wait.
		if err := s.PutBases(t.Context(), link.Bases{{Domain: fmt.Sprint(len(got)), URL: "https://go.example"}}); err != nil {
			return err
		}
		batch := fmt.Sprintf("%q %q:", cid, provider)
		for _, ref := range refs {
			batch += " " + ref.Slug
		}
		got = append(got, batch)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shared links (-want +got):\n%s", diff)
	}
}

func TestSharedLinks(t *testing.T) {
	s, path := newSharing(t)
	note := func(siteID, cid, provider string, at time.Time, refs ...link.Ref) {
		t.Helper()
		if err := s.NoteLinks(t.Context(), siteID, cid, provider, at, refs...); err != nil {
			t.Fatal(err)
		}
	}
	shared(t, s, always, 10)
	tomorrow := today.AddDate(0, 0, 1)
	note(id('s', 1), "home", "x", tomorrow.Add(-time.Millisecond), ref(3), ref(1))
	note(id('s', 1), "home", "x", tomorrow, ref(4))
	note(id('s', 1), "home", "x", day.AddDate(-5, 0, 0), ref(9), ref(9))
	note(id('s', 1), "home", "y", day, ref(2))
	note(id('s', 1), "", "", day, ref(5), ref(1))
	note(id('s', 2), "other site", "x", day, ref(6))
	note(id('s', 1), "home", "y", day)
	s.Close()
	s = reopenSharing(t, path)

	q := site.ReportQuery{From: day, To: day}
	other, x, y := `"" "": 8WEtk01 8WEtk05`, `"home" "x": 8WEtk09 8WEtk01 8WEtk03`, `"home" "y": 8WEtk02`
	shared(t, s, q, 10, other, x, y)
	shared(t, s, site.ReportQuery{To: today}, 10, other, x, y)
	shared(t, s, site.ReportQuery{To: tomorrow}, 10, other, x+" 8WEtk04", y)
	shared(t, s, site.ReportQuery{To: day.AddDate(0, 0, -1)}, 10, `"home" "x": 8WEtk09`)
	shared(t, s, site.ReportQuery{To: day, CIDs: []string{"home"}}, 10, x, y)
	shared(t, s, site.ReportQuery{To: day, CIDs: []string{"home", ""}, Providers: []string{"y", ""}}, 10, other, y)
	shared(t, s, site.ReportQuery{To: day, Providers: []string{}}, 10)
	shared(t, s, q, 1, `"" "": 8WEtk01`, `"" "": 8WEtk05`, `"home" "x": 8WEtk09`, `"home" "x": 8WEtk01`, `"home" "x": 8WEtk03`, y)
	shared(t, s, q, 2, other, `"home" "x": 8WEtk09 8WEtk01`, `"home" "x": 8WEtk03`, y)

	// The error of do ends the walk, and so does a context.
	enough := errors.New("enough")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, tt := range []struct {
		do   func() error
		want error
	}{
		{func() error { return enough }, enough},
		{func() error { cancel(); return nil }, context.Canceled},
	} {
		calls := 0
		err := s.SharedLinks(ctx, id('s', 1), q, func(string, string, []link.Ref) error {
			calls++
			return tt.do()
		})
		if !errors.Is(err, tt.want) || calls != 1 {
			t.Errorf("got %v after %d calls; want %v after 1", err, calls, tt.want)
		}
	}
	if err := s.SharedLinks(t.Context(), "no site", q, func(string, string, []link.Ref) error { return enough }); err != nil {
		t.Errorf("no site: got %v; want no links", err)
	}
}

func TestNoteLinksRefuses(t *testing.T) {
	s, _ := newSharing(t)
	if err := s.NoteLinks(t.Context(), "no site", "", "", day, ref(1)); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("got %v; want %v", err, site.ErrNotFound)
	}
	long := strings.Repeat("x", 40_000)
	if err := s.NoteLinks(t.Context(), id('s', 1), long, long, day, link.Ref{Domain: long}, link.Ref{Slug: long}, ref(1)); err != nil {
		t.Fatal(err)
	}
	shared(t, s, always, 10, fmt.Sprintf(`"other" %q: 8WEtk01`, long[:maxTallied]))
	n := transactions(t, s)
	err := errors.Join(s.NoteLinks(t.Context(), id('s', 1), long, long, day, ref(1)), s.NoteLinks(t.Context(), id('s', 1), "new", "", day))
	if got := transactions(t, s); err != nil || got != n {
		t.Errorf("what is noted already: got %v, %d commits; want none", err, got-n)
	}
}

// Links of publications are noted when the shortener has them, and stay when their
// message goes.
func TestLinksOfPublicationsAreNoted(t *testing.T) {
	s, _ := newSharing(t)
	deleted := publication(3)
	deleted.Links[1].Deleted = true
	none := publication(1)
	none.Provider, none.Links[0].Deleted = "nobody", true
	other := publication(1)
	other.Provider = "bluesky"
	a := acceptanceOf(id('s', 1), id('m', 1), deleted, other, none, publication(0))
	a.Message.Parts.Share = &publish.Share{Kind: publish.ActionShare, CID: "home"}
	refs := accept(t, s, a).Publications
	update := func(n int, edit func(*publish.Publication)) {
		t.Helper()
		if _, err := s.Update(t.Context(), refs[n].Ref(), func(p *publish.Publication) error { edit(p); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for n := range refs {
		update(n, func(p *publish.Publication) { p.State = publish.Sending })
	}
	shared(t, s, always, 10)
	for n := range refs {
		update(n, func(p *publish.Publication) { p.LinksPut = true })
		update(n, func(p *publish.Publication) { p.State = publish.Published })
	}
	want := []string{`"home" "bluesky": 8WEtk00`, `"home" "mastodon": 8WEtk00 8WEtk02`}
	shared(t, s, always, 10, want...)
	accept(t, s, acceptanceOf(id('s', 1), id('m', 2), publication(1)))
	_, err := s.Update(t.Context(), publish.Ref{Site: id('s', 1), Message: id('m', 2), Number: 1}, func(p *publish.Publication) error { p.LinksPut = true; return nil })
	if err := errors.Join(err, s.Delete(t.Context(), id('s', 1), id('m', 1))); err != nil {
		t.Fatal(err)
	}
	shared(t, s, always, 10, append([]string{`"" "mastodon": 8WEtk00`}, want...)...)
}

func FuzzParseChannel(f *testing.F) {
	write := func(c channel) []byte { return appendText(appendText(nil, c.cid), c.provider) }
	parse := func(key []byte) (channel, bool) { return parseChannel(key, make([]byte, 8)) }
	fuzzRecord(f, [][]byte{write(channel{cid: "home", provider: "x"})}, parse, write)
}

func FuzzParseNoted(f *testing.F) {
	type noted struct {
		Created int64
		Ref     link.Ref
	}
	write := func(n noted) []byte {
		return appendText(appendText(appendDate(nil, n.Created), n.Ref.Domain), n.Ref.Slug)
	}
	parse := func(key []byte) (noted, bool) {
		created, ref, ok := parseNoted(key)
		return noted{created, ref}, ok
	}
	fuzzRecord(f, [][]byte{write(noted{day.UnixMilli(), ref(1)})}, parse, write)
}
