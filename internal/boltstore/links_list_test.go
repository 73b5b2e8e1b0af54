package boltstore

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"herald.example/internal/link"
)

// pages reads a whole listing, page by page, and returns the numbers.
func pages(t *testing.T, s *Links, q link.ListQuery) []uint64 {
	t.Helper()
	var numbers []uint64
	for {
		page, err := s.List(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page.Links {
			if q.Site != "" && l.Site != q.Site || l.State == link.Deleted {
				t.Fatalf("list of site %q: got %+v", q.Site, l)
			}
			numbers = append(numbers, l.Number)
		}
		if page.Next == 0 {
			return numbers
		}
		if len(page.Links) != q.Limit || page.Next != numbers[len(numbers)-1] {
			t.Fatalf("got %d links, next %d; want %d links and the last one's number", len(page.Links), page.Next, q.Limit)
		}
		q.After = page.Next
	}
}

func TestList(t *testing.T) {
	s, _ := newLinks(t)
	want := map[string][]uint64{}
	for i := range 60 {
		site := []string{"", "a", "aa", "b"}[i%4]
		l := put(t, s, link.Draft{Ref: link.Ref{Domain: "go.example", Slug: fmt.Sprint("s", 97-i)}, Target: "https://a.example/", Site: site})[0]
		if i%5 == 2 {
			if _, err := s.Edit(t.Context(), l.Ref, link.Change{State: link.Disabled}, day); err != nil {
				t.Fatal(err)
			}
		}
		if i%7 == 3 || i == 0 || i == 59 {
			if _, err := s.Delete(t.Context(), l.Ref, day); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want[""] = append(want[""], l.Number)
		if site != "" {
			want[site] = append(want[site], l.Number)
		}
	}
	want["nobody"] = nil
	for site, numbers := range want {
		reverse := slices.Clone(numbers)
		slices.Reverse(reverse)
		for limit := 1; limit <= 70; limit++ {
			if diff := cmp.Diff(numbers, pages(t, s, link.ListQuery{Site: site, Limit: limit})); diff != "" {
				t.Fatalf("site %q, limit %d (-want +got):\n%s", site, limit, diff)
			}
			if diff := cmp.Diff(reverse, pages(t, s, link.ListQuery{Site: site, Limit: limit, Descending: true})); diff != "" {
				t.Fatalf("site %q, limit %d, descending (-want +got):\n%s", site, limit, diff)
			}
		}
		for _, descending := range []bool{false, true} {
			order := numbers
			if descending {
				order = reverse
			}
			for skip := range len(order) + 2 {
				page, err := s.List(link.ListQuery{Site: site, Skip: skip, Limit: 7, Descending: descending})
				rest := order[min(skip, len(order)):]
				var got []uint64
				for _, l := range page.Links {
					got = append(got, l.Number)
				}
				if err != nil || !slices.Equal(got, rest[:min(7, len(rest))]) || (page.Next != 0) != (len(rest) > 7) || page.Total != uint64(len(order)) {
					t.Fatalf("site %q, descending %t, skip %d: got %v, next %d, total %d, %v; want the first 7 of %v, total %d",
						site, descending, skip, got, page.Next, page.Total, err, rest, len(order))
				}
			}
		}
		// A cursor may stand on any number, also on one that is no link's.
		for after := uint64(1); after <= 90; after++ {
			from, _ := slices.BinarySearch(numbers, after+1)
			if got := pages(t, s, link.ListQuery{Site: site, After: after, Limit: 100}); !slices.Equal(got, numbers[from:]) {
				t.Fatalf("site %q after %d: got %v; want %v", site, after, got, numbers[from:])
			}
			behind := pages(t, s, link.ListQuery{Site: site, After: after, Skip: 3, Limit: 100})
			if rest := numbers[min(from+3, len(numbers)):]; !slices.Equal(behind, rest) {
				t.Fatalf("site %q after %d, skip 3: got %v; want %v", site, after, behind, rest)
			}
			to, _ := slices.BinarySearch(numbers, after)
			got := pages(t, s, link.ListQuery{Site: site, After: after, Limit: 100, Descending: true})
			if slices.Reverse(got); !slices.Equal(got, numbers[:to]) {
				t.Fatalf("site %q after %d, descending: got %v; want %v", site, after, got, numbers[:to])
			}
		}
	}
}

func TestListLimits(t *testing.T) {
	s, _ := newLinks(t)
	for _, descending := range []bool{false, true} {
		if page, err := s.List(link.ListQuery{Descending: descending}); err != nil || len(page.Links) != 0 || page.Next != 0 {
			t.Errorf("empty store: got %v, %v; want nothing", page, err)
		}
	}
	put(t, s, drafts(300)...)
	if page, err := s.List(link.ListQuery{}); err != nil || len(page.Links) != link.DefaultPage || page.Next != link.DefaultPage {
		t.Errorf("no limit: got %d links, next %d, %v; want %d", len(page.Links), page.Next, err, link.DefaultPage)
	}
	for _, limit := range []int{-1, link.MaxPage + 1} {
		if _, err := s.List(link.ListQuery{Limit: limit}); !errors.Is(err, link.ErrQuery) {
			t.Errorf("List, limit %d: got %v; want %v", limit, err, link.ErrQuery)
		}
		if _, err := s.Changes(0, limit); !errors.Is(err, link.ErrQuery) {
			t.Errorf("Changes, limit %d: got %v; want %v", limit, err, link.ErrQuery)
		}
	}
	if got, err := s.Changes(0, 0); err != nil || len(got) != link.DefaultPage {
		t.Errorf("Changes, no limit: got %d events, %v; want %d", len(got), err, link.DefaultPage)
	}
	if _, err := s.List(link.ListQuery{Skip: -1}); !errors.Is(err, link.ErrQuery) {
		t.Errorf("List, skip -1: got %v; want %v", err, link.ErrQuery)
	}
	long := string(make([]byte, 300))
	if page, err := s.List(link.ListQuery{Site: long}); err != nil || len(page.Links) != 0 {
		t.Errorf("a site that cannot be: got %v, %v; want nothing", page, err)
	}
}

func TestChanges(t *testing.T) {
	s, _ := newLinks(t)
	a, b := link.Ref{Domain: "go.example", Slug: "a"}, link.Ref{Domain: "to.example", Slug: "b"}
	put(t, s, link.Draft{Ref: a, Target: "https://a.example/"}, link.Draft{Ref: b, Target: "https://b.example/"})
	put(t, s, link.Draft{Ref: a, Target: "https://a.example/"}) // no event
	if _, err := s.Edit(t.Context(), a, link.Change{Target: "https://c.example/"}, day); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Edit(t.Context(), a, link.Change{Target: "https://c.example/"}, day); err != nil { // no event
		t.Fatal(err)
	}
	if _, err := s.Delete(t.Context(), b, day); err != nil {
		t.Fatal(err)
	}
	put(t, s, draft("go.example", "c", "https://d.example/"))
	type event struct {
		Sequence, Number uint64
		Target           string
		State            link.State
	}
	want := []event{
		{1, 1, "https://c.example/", link.Active},
		{2, 2, "", link.Deleted},
		{3, 1, "https://c.example/", link.Active},
		{4, 2, "", link.Deleted},
		{5, 5, "https://d.example/", link.Active},
	}
	for after := range uint64(7) {
		for limit := 1; limit <= 6; limit++ {
			changes, err := s.Changes(after, limit)
			if err != nil {
				t.Fatal(err)
			}
			var got []event
			for _, c := range changes {
				got = append(got, event{c.Sequence, c.Link.Number, c.Link.Target, c.Link.State})
			}
			from := min(int(after), len(want))
			if to := min(from+limit, len(want)); !slices.Equal(got, want[from:to]) {
				t.Errorf("after %d, limit %d: got %v; want %v", after, limit, got, want[from:to])
			}
		}
	}
}

// A file of a program that did not keep the number of a site's links has none. It
// is counted when the site is listed, or written to.
func TestSiteLinksAreCountedOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		touch func(s *Links) error
		want  uint64
	}{
		{"listed", func(s *Links) error { _, err := s.List(link.ListQuery{Site: "a", Limit: 1}); return err }, 3},
		{"put", func(s *Links) error {
			d := link.Draft{Ref: link.Ref{Domain: "go.example", Slug: "new"}, Target: "https://a.example/", Site: "a"}
			_, err := s.Put(t.Context(), []link.Draft{d}, day)
			return err
		}, 4},
		{"deleted", func(s *Links) error {
			_, err := s.Delete(t.Context(), link.Ref{Domain: "go.example", Slug: "s1"}, day)
			return err
		}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newLinks(t)
			for i := range 3 {
				put(t, s, link.Draft{Ref: link.Ref{Domain: "go.example", Slug: fmt.Sprint("s", i)}, Target: "https://a.example/", Site: "a"})
			}
			forget := func() error {
				return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(siteCountKey("a")) })
			}
			if err := errors.Join(forget(), tt.touch(s)); err != nil {
				t.Fatal(err)
			}
			stored := func(site string) (n uint64, known bool) {
				if err := s.view(func(tx *bbolt.Tx) (err error) { n, known, err = countSite(tx, site); return err }); err != nil {
					t.Fatal(err)
				}
				return n, known
			}
			if n, known := stored("a"); n != tt.want || !known {
				t.Errorf("got %d, stored %t; want %d, stored", n, known, tt.want)
			}
			// A site that nobody has leaves nothing behind.
			if page, err := s.List(link.ListQuery{Site: "nobody's"}); err != nil || page.Total != 0 {
				t.Errorf("nobody's: got total %d, %v; want 0", page.Total, err)
			}
			if _, known := stored("nobody's"); known {
				t.Error("nobody's: got a stored number; want none")
			}
		})
	}
}
