package boltstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
)

// model is what a store must answer.
type model struct {
	links map[link.Ref]*link.Link // tombstones included
	feed  []link.Ref              // by sequence - 1
}

// put is Put.
func (m *model) put(ds []link.Draft, now time.Time) error {
	fresh := map[link.Ref]link.Draft{}
	for _, d := range ds {
		if l, ok := m.links[d.Ref]; ok {
			if l.State == link.Deleted || d != (link.Draft{Ref: l.Ref, Target: l.Target, Site: l.Site, Publication: l.Publication, Method: d.Method}) {
				return link.ErrTaken
			}
		} else if other, ok := fresh[d.Ref]; ok {
			if other.Method = d.Method; other != d {
				return link.ErrTaken
			}
		}
		fresh[d.Ref] = d
	}
	for _, d := range ds {
		if m.links[d.Ref] == nil {
			m.feed = append(m.feed, d.Ref)
			m.links[d.Ref] = &link.Link{
				Ref: d.Ref, Number: uint64(len(m.feed)), Target: d.Target, State: link.Active,
				Site: d.Site, Publication: d.Publication, Method: d.Method, Created: now, Edited: now,
			}
		}
	}
	return nil
}

// rewrite is Edit, and Delete for state Deleted.
func (m *model) rewrite(ref link.Ref, c link.Change, now time.Time) error {
	l := m.links[ref]
	switch {
	case l == nil:
		return link.ErrNotFound
	case l.State == link.Deleted:
		return link.ErrDeleted
	}
	after := *l
	if c.State != 0 {
		after.State = c.State
	}
	if c.Target != "" {
		after.Target = c.Target
	}
	if after.State == link.Deleted {
		after.Target = ""
	}
	if after != *l {
		after.Edited = now
		*l = after
		m.feed = append(m.feed, ref)
	}
	return nil
}

// list is the whole listing of a site, or of all.
func (m *model) list(site string) []link.Link {
	var links []link.Link
	for _, l := range m.links {
		if l.State != link.Deleted && (site == "" || l.Site == site) {
			links = append(links, *l)
		}
	}
	slices.SortFunc(links, func(a, b link.Link) int { return int(a.Number) - int(b.Number) })
	return links
}

func TestRandomOperationsAgainstAModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 2))
			s, path := newLinks(t)
			m := &model{links: map[link.Ref]*link.Link{}}
			pick := func(from ...string) string { return from[random.IntN(len(from))] }
			ref := func() link.Ref {
				return link.Ref{Domain: pick("a.example", "b.example", "::1"), Slug: fmt.Sprint("s", random.IntN(150))}
			}
			target := func() string { return pick("https://a.example/", "https://b.example/", "http://c.example/x?y") }
			now := day
			for i := range 600 {
				now = now.Add(time.Duration(random.IntN(5000)-1000) * time.Millisecond) // clocks step back, too
				var got, want error
				switch op := random.IntN(100); {
				case op < 50:
					ds := make([]link.Draft, 1+random.IntN(6))
					for i := range ds {
						ds[i] = link.Draft{
							Ref: ref(), Target: target(), Site: pick("", "s", "t"), Publication: pick("", "p"), Method: link.Method(random.IntN(2)),
						}
					}
					_, got = s.Put(t.Context(), ds, now)
					want = m.put(ds, now)
				case op < 70:
					r, c := ref(), link.Change{State: link.State(random.IntN(3))}
					if random.IntN(2) == 0 {
						c.Target = target()
					}
					_, got = s.Edit(t.Context(), r, c, now)
					want = m.rewrite(r, c, now)
				case op < 85:
					r := ref()
					_, got = s.Delete(t.Context(), r, now)
					want = m.rewrite(r, link.Change{State: link.Deleted}, now)
				case op < 87:
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = reopen(t, path)
				default:
					compareOne(t, s, m, ref())
				}
				if !errors.Is(got, want) {
					t.Fatalf("operation %d: got %v; want %v", i, got, want)
				}
			}
			compareAll(t, s, m)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			compareAll(t, reopen(t, path), m)
		})
	}
}

// compareOne compares what is said of one link.
func compareOne(t *testing.T, s *Links, m *model, ref link.Ref) {
	t.Helper()
	var want link.Link
	wantErr, wantRoute, wantRouteErr := link.ErrNotFound, link.Route{}, link.ErrNotFound
	if l := m.links[ref]; l != nil {
		want, wantErr, wantRoute, wantRouteErr = *l, nil, link.Route{Number: l.Number, State: l.State, Method: l.Method}, nil
		if l.State == link.Deleted {
			wantErr = link.ErrDeleted
		}
	}
	got, err := s.Get(ref)
	if diff := cmp.Diff(want, got); !errors.Is(err, wantErr) || diff != "" {
		t.Fatalf("Get(%s): got %v; want %v (-want +got):\n%s", ref, err, wantErr, diff)
	}
	route, target, err := s.Resolve(ref.Domain, []byte(ref.Slug), nil)
	if route != wantRoute || string(target) != want.Target || !errors.Is(err, wantRouteErr) {
		t.Fatalf("Resolve(%s): got %v, %q, %v; want %v, %q, %v", ref, route, target, err, wantRoute, want.Target, wantRouteErr)
	}
}

// compareAll compares everything.
func compareAll(t *testing.T, s *Links, m *model) {
	t.Helper()
	for ref, l := range m.links {
		compareOne(t, s, m, ref)
		got, err := s.ByNumber(l.Number)
		if diff := cmp.Diff(*l, got); errors.Is(err, link.ErrDeleted) != (l.State == link.Deleted) || diff != "" {
			t.Fatalf("ByNumber(%d): got %v (-want +got):\n%s", l.Number, err, diff)
		}
	}
	for _, site := range []string{"", "s", "t"} {
		page, err := s.List(link.ListQuery{Site: site, Limit: link.MaxPage})
		if diff := cmp.Diff(m.list(site), page.Links); err != nil || diff != "" {
			t.Fatalf("List of %q: %v (-want +got):\n%s", site, err, diff)
		}
	}
	if n, err := s.Count(); err != nil || n != uint64(len(m.list(""))) {
		t.Fatalf("Count: got %d, %v; want %d", n, err, len(m.list("")))
	}
	var want []link.ChangeEvent
	for i, ref := range m.feed {
		want = append(want, link.ChangeEvent{Sequence: uint64(i + 1), Link: *m.links[ref]})
	}
	got, err := s.Changes(0, link.MaxPage)
	if diff := cmp.Diff(want[:min(len(want), link.MaxPage)], got); err != nil || diff != "" {
		t.Fatalf("Changes: %v (-want +got):\n%s", err, diff)
	}
}
