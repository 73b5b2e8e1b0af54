package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
)

// day is when things happen in tests.
var day = time.Date(2026, 11, 21, 12, 0, 0, 123e6, time.UTC)

// newLinks opens a fresh store.
func newLinks(t testing.TB) (s *Links, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "links.db")
	return reopen(t, path), path
}

// reopen opens the store at path.
func reopen(t testing.TB, path string) *Links {
	t.Helper()
	s, err := OpenLinks(path, LinksOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// drafts makes n drafts on one domain.
func drafts(n int) []link.Draft {
	ds := make([]link.Draft, n)
	for i := range ds {
		ds[i] = link.Draft{
			Ref:    link.Ref{Domain: "go.example", Slug: fmt.Sprintf("s%05d", i*7919%100_000)},
			Target: fmt.Sprintf("https://example.com/articles/%d?from=herald", i),
		}
	}
	return ds
}

// put puts drafts that must be taken.
func put(t testing.TB, s *Links, ds ...link.Draft) []link.Link {
	t.Helper()
	links, err := s.Put(context.Background(), ds, day)
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	return links
}

// draft makes one draft.
func draft(domain, slug, target string) link.Draft {
	return link.Draft{Ref: link.Ref{Domain: domain, Slug: slug}, Target: target}
}

func TestPutAndGet(t *testing.T) {
	s, path := newLinks(t)
	d := link.Draft{
		Ref: link.Ref{Domain: "go.example", Slug: "8WEtk2a"}, Target: "https://example.com/a%2Fb//c?d#e", Site: "site-1", Publication: "p/1",
	}
	local := day.In(time.FixedZone("", 3600)).Add(456_789 * time.Nanosecond)
	links, err := s.Put(t.Context(), []link.Draft{d}, local)
	if err != nil {
		t.Fatal(err)
	}
	want := link.Link{
		Ref: d.Ref, Number: 1, Target: d.Target, State: link.Active, Site: d.Site, Publication: d.Publication, Created: day, Edited: day,
	}
	if diff := cmp.Diff([]link.Link{want}, links); diff != "" {
		t.Errorf("Put (-want +got):\n%s", diff)
	}
	for range 2 {
		got, err := s.Get(d.Ref)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Get: %v (-want +got):\n%s", err, diff)
		}
		got, err = s.ByNumber(1)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("ByNumber: %v (-want +got):\n%s", err, diff)
		}
		s.Close()
		s = reopen(t, path)
	}
}

func TestPutIsIdempotent(t *testing.T) {
	s, _ := newLinks(t)
	ds := []link.Draft{
		{Ref: link.Ref{Domain: "go.example", Slug: "a"}, Target: "https://a.example/", Site: "s", Publication: "p"},
		draft("go.example", "b", "https://b.example/"),
		draft("to.example", "a", "https://c.example/"), // the same slug on another domain
	}
	first := put(t, s, ds...)
	again, err := s.Put(t.Context(), []link.Draft{ds[2], ds[0], ds[2], draft("go.example", "d", "https://d.example/"), ds[1]}, day.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]link.Link{first[2], first[0], first[2], again[3], first[1]}, again); diff != "" {
		t.Errorf("second Put (-want +got):\n%s", diff)
	}
	if got, want := again[3].Number, uint64(4); got != want {
		t.Errorf("number of the new link: got %d; want %d", got, want)
	}
	if got, err := s.Count(); err != nil || got != 4 {
		t.Errorf("Count: got %d, %v; want 4", got, err)
	}
	ds[0].Method = link.Script
	if again, err := s.Put(t.Context(), ds[:1], day.Add(time.Hour)); err != nil || again[0] != first[0] {
		t.Errorf("put with another method: got %v, %v; want the link as it is, %v", again, err, first[0])
	}
	twice := draft("go.example", "e", "https://e.example/")
	if got := put(t, s, twice, twice); got[0] != got[1] || got[0].Number != 5 {
		t.Errorf("the same draft twice in a batch: got %v", got)
	}
	found := draft("go.example", "f", "https://f.example/")
	script := found
	script.Method = link.Script
	if got := put(t, s, script, found); got[0] != got[1] || got[0].Number != 6 || got[0].Method != link.Script {
		t.Errorf("two methods in a batch: got %v; want one link with the first", got)
	}
}

func TestPutRefuses(t *testing.T) {
	s, _ := newLinks(t)
	there := link.Draft{Ref: link.Ref{Domain: "go.example", Slug: "there"}, Target: "https://a.example/", Site: "s", Publication: "p"}
	gone := draft("go.example", "gone", "https://a.example/")
	moved := draft("go.example", "moved", "https://a.example/")
	put(t, s, there, gone, moved)
	if _, err := s.Delete(t.Context(), gone.Ref, day); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Edit(t.Context(), moved.Ref, link.Change{Target: "https://b.example/"}, day); err != nil {
		t.Fatal(err)
	}
	fresh := draft("new.example", "fresh", "https://a.example/")
	with := func(d link.Draft, edit func(*link.Draft)) link.Draft {
		edit(&d)
		return d
	}
	for _, tt := range []struct {
		name  string
		batch []link.Draft
		index int
		field string
		want  error
	}{
		{"another target", []link.Draft{fresh, with(there, func(d *link.Draft) { d.Target += "x" })}, 1, "slug", link.ErrTaken},
		{"another site", []link.Draft{with(there, func(d *link.Draft) { d.Site = "t" }), fresh}, 0, "slug", link.ErrTaken},
		{"another publication", []link.Draft{fresh, with(there, func(d *link.Draft) { d.Publication = "" })}, 1, "slug", link.ErrTaken},
		{"a tombstone", []link.Draft{fresh, gone}, 1, "slug", link.ErrTaken},
		{"edited since", []link.Draft{fresh, moved}, 1, "slug", link.ErrTaken},
		{"twice in the batch", []link.Draft{fresh, there, with(fresh, func(d *link.Draft) { d.Target += "x" })}, 2, "slug", link.ErrTaken},
		{"bad target", []link.Draft{fresh, draft("go.example", "x", "javascript:alert(1)")}, 1, "target", link.ErrTarget},
		{"bad slug", []link.Draft{fresh, draft("go.example", "a%2F", "https://a.example/")}, 1, "slug", link.ErrSlug},
		{"no slug", []link.Draft{fresh, draft("go.example", "", "https://a.example/")}, 1, "slug", link.ErrSlug},
		{"reserved slug", []link.Draft{draft("go.example", "Admin", "https://a.example/")}, 0, "slug", link.ErrSlug},
		{"bad domain", []link.Draft{fresh, draft("Go.example", "x", "https://a.example/")}, 1, "domain", link.ErrDomain},
		{"site too long", []link.Draft{with(fresh, func(d *link.Draft) { d.Site = strings.Repeat("s", 256) })}, 0, "site", link.ErrOwner},
		{"bad method", []link.Draft{fresh, with(there, func(d *link.Draft) { d.Method = 2 })}, 1, "redirect", link.ErrMethod},
	} {
		t.Run(tt.name, func(t *testing.T) {
			links, err := s.Put(t.Context(), tt.batch, day)
			if links != nil || !errors.Is(err, tt.want) {
				t.Fatalf("got %v, %v; want %v", links, err, tt.want)
			}
			at, ok := errors.AsType[*link.DraftError](err)
			if !ok || at.Index != tt.index || at.Field != tt.field {
				t.Errorf("got %+v; want index %d, field %s", at, tt.index, tt.field)
			}
			if _, err := s.Get(fresh.Ref); !errors.Is(err, link.ErrNotFound) {
				t.Errorf("another draft of the batch: got %v; want %v", err, link.ErrNotFound)
			}
		})
	}
	if _, err := s.Put(t.Context(), make([]link.Draft, link.MaxBatch+1), day); !errors.Is(err, link.ErrQuery) {
		t.Errorf("too many drafts: got %v; want %v", err, link.ErrQuery)
	}
	if links, err := s.Put(t.Context(), nil, day); links != nil || err != nil {
		t.Errorf("no drafts: got %v, %v; want none", links, err)
	}
}

func TestEdit(t *testing.T) {
	s, _ := newLinks(t)
	later := day.Add(time.Hour)
	d := draft("go.example", "a", "https://a.example/")
	want := put(t, s, d)[0]
	for _, tt := range []struct {
		name   string
		change link.Change
		target string
		state  link.State
		edited bool
	}{
		{"nothing", link.Change{}, "https://a.example/", link.Active, false},
		{"the same", link.Change{Target: "https://a.example/", State: link.Active}, "https://a.example/", link.Active, false},
		{"target", link.Change{Target: "https://b.example/long/er"}, "https://b.example/long/er", link.Active, true},
		{"state", link.Change{State: link.Disabled}, "https://b.example/long/er", link.Disabled, true},
		{"both", link.Change{Target: "http://c.example", State: link.Active}, "http://c.example", link.Active, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			later = later.Add(time.Minute)
			want.Target, want.State = tt.target, tt.state
			if tt.edited {
				want.Edited = later
			}
			got, err := s.Edit(t.Context(), d.Ref, tt.change, later)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("Edit: %v (-want +got):\n%s", err, diff)
			}
			got, err = s.Get(d.Ref)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("Get: %v (-want +got):\n%s", err, diff)
			}
		})
	}
	for _, tt := range []struct {
		name   string
		ref    link.Ref
		change link.Change
		want   error
	}{
		{"unknown slug", link.Ref{Domain: "go.example", Slug: "b"}, link.Change{State: link.Disabled}, link.ErrNotFound},
		{"unknown domain", link.Ref{Domain: "to.example", Slug: "a"}, link.Change{State: link.Disabled}, link.ErrNotFound},
		{"empty slug", link.Ref{Domain: "go.example"}, link.Change{State: link.Disabled}, link.ErrNotFound},
		{"bad target", d.Ref, link.Change{Target: "data:,x"}, link.ErrTarget},
		{"deleted is no edit", d.Ref, link.Change{State: link.Deleted}, link.ErrState},
		{"unknown state", d.Ref, link.Change{State: 9}, link.ErrState},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := s.Edit(t.Context(), tt.ref, tt.change, later); !errors.Is(err, tt.want) {
				t.Errorf("got %v; want %v", err, tt.want)
			}
		})
	}
}

func TestDeleteLeavesATombstone(t *testing.T) {
	s, path := newLinks(t)
	d := link.Draft{Ref: link.Ref{Domain: "go.example", Slug: "a"}, Target: "https://a.example/", Site: "s", Publication: "p"}
	want := put(t, s, d)[0]
	put(t, s, draft("go.example", "b", "https://a.example/"))
	want.Target, want.State, want.Edited = "", link.Deleted, day.Add(time.Hour)
	got, err := s.Delete(t.Context(), d.Ref, want.Edited)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Delete: %v (-want +got):\n%s", err, diff)
	}
	for range 2 {
		for name, get := range map[string]func() (link.Link, error){
			"Get":      func() (link.Link, error) { return s.Get(d.Ref) },
			"ByNumber": func() (link.Link, error) { return s.ByNumber(want.Number) },
		} {
			got, err := get()
			if diff := cmp.Diff(want, got); !errors.Is(err, link.ErrDeleted) || diff != "" {
				t.Errorf("%s: got %v; want %v (-want +got):\n%s", name, err, link.ErrDeleted, diff)
			}
		}
		if _, err := s.Delete(t.Context(), d.Ref, day); !errors.Is(err, link.ErrDeleted) {
			t.Errorf("second Delete: got %v; want %v", err, link.ErrDeleted)
		}
		if _, err := s.Edit(t.Context(), d.Ref, link.Change{State: link.Active}, day); !errors.Is(err, link.ErrDeleted) {
			t.Errorf("Edit: got %v; want %v", err, link.ErrDeleted)
		}
		if _, err := s.Put(t.Context(), []link.Draft{d}, day); !errors.Is(err, link.ErrTaken) {
			t.Errorf("Put: got %v; want %v", err, link.ErrTaken)
		}
		for _, site := range []string{"", "s"} {
			page, err := s.List(link.ListQuery{Site: site})
			if want := 1 - len(site); err != nil || len(page.Links) != want {
				t.Errorf("List of site %q: got %v, %v; want %d links", site, page, err, want)
			}
		}
		if n, err := s.Count(); err != nil || n != 1 {
			t.Errorf("Count: got %d, %v; want 1", n, err)
		}
		s.Close()
		s = reopen(t, path)
	}
	if _, err := s.Delete(t.Context(), link.Ref{Domain: "go.example", Slug: "c"}, day); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("Delete of nothing: got %v; want %v", err, link.ErrNotFound)
	}
}

func TestGetNothing(t *testing.T) {
	s, _ := newLinks(t)
	put(t, s, draft("go.example", "a", "https://a.example/"))
	if _, err := s.Edit(t.Context(), link.Ref{Domain: "go.example", Slug: "a"}, link.Change{State: link.Disabled}, day); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []link.Ref{{}, {Domain: "go.example"}, {Domain: "go.example", Slug: "A"}, {Domain: "go.example", Slug: "aa"}, {Domain: "x", Slug: "a"}} {
		if _, err := s.Get(ref); !errors.Is(err, link.ErrNotFound) {
			t.Errorf("Get(%q): got %v; want %v", ref, err, link.ErrNotFound)
		}
	}
	for _, n := range []uint64{0, 2, 3, 1 << 63} { // 2 is the edit
		if _, err := s.ByNumber(n); !errors.Is(err, link.ErrNotFound) {
			t.Errorf("ByNumber(%d): got %v; want %v", n, err, link.ErrNotFound)
		}
	}
}

func TestResolve(t *testing.T) {
	s, _ := newLinks(t)
	put(t, s, draft("go.example", "a", "https://a.example/"), draft("to.example", "a", "https://b.example/"), draft("go.example", "b", "https://c.example/"))
	if _, err := s.Edit(t.Context(), link.Ref{Domain: "go.example", Slug: "b"}, link.Change{State: link.Disabled}, day); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(t.Context(), link.Ref{Domain: "to.example", Slug: "a"}, day); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, domain, slug string
		route              link.Route
		target             string
		err                error
	}{
		{"active", "go.example", "a", link.Route{Number: 1, State: link.Active}, "https://a.example/", nil},
		{"disabled", "go.example", "b", link.Route{Number: 3, State: link.Disabled}, "https://c.example/", nil},
		{"deleted", "to.example", "a", link.Route{Number: 2, State: link.Deleted}, "", nil},
		{"another case", "go.example", "A", link.Route{}, "", link.ErrNotFound},
		{"prefix", "go.example", "aa", link.Route{}, "", link.ErrNotFound},
		{"beyond the last", "to.example", "zzz", link.Route{}, "", link.ErrNotFound},
		{"unknown domain", "x.example", "a", link.Route{}, "", link.ErrNotFound},
		{"empty slug", "go.example", "", link.Route{}, "", link.ErrNotFound},
		{"NUL", "go.example", "a\x00", link.Route{}, "", link.ErrNotFound},
		{"percent-encoded", "go.example", "%61", link.Route{}, "", link.ErrNotFound},
		{"very long", "go.example", strings.Repeat("a", 1<<16), link.Route{}, "", link.ErrNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			slug := []byte(tt.slug)
			dst := append(make([]byte, 0, 256), "kept:"...)
			route, got, err := s.Resolve(tt.domain, slug, dst)
			if route != tt.route || string(got) != "kept:"+tt.target || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %q, %v; want %v, %q, %v", route, got, err, tt.route, "kept:"+tt.target, tt.err)
			}
			if &got[0] != &dst[0] {
				t.Error("got a new buffer; want the caller's")
			}
			// The answer is the caller's, and nothing of the call is kept.
			copy(slug, bytes.Repeat([]byte("X"), len(slug)))
			copy(dst[:cap(dst)], bytes.Repeat([]byte("X"), cap(dst)))
			if _, again, err := s.Resolve(tt.domain, []byte(tt.slug), nil); string(again) != tt.target || !errors.Is(err, tt.err) {
				t.Errorf("again: got %q, %v; want %q, %v", again, err, tt.target, tt.err)
			}
		})
	}
}

func TestRealURLsComeBackByteForByte(t *testing.T) {
	content, err := os.ReadFile("../link/testdata/urls.txt")
	if err != nil {
		t.Fatal(err)
	}
	urls := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	if got, want := len(urls), 4841; got != want {
		t.Fatalf("got %d URLs; want %d", got, want)
	}
	s, path := newLinks(t)
	ds := make([]link.Draft, len(urls))
	for i, target := range urls {
		ds[i] = draft("go.example", link.NewToken(link.DefaultToken), target)
	}
	links := put(t, s, ds...)
	for range 2 {
		var target []byte
		for i, l := range links {
			if l.Target != urls[i] {
				t.Fatalf("put %d: got %q; want %q", i, l.Target, urls[i])
			}
			var route link.Route
			route, target, err = s.Resolve(l.Domain, []byte(l.Slug), target[:0])
			if err != nil || route != (link.Route{Number: l.Number, State: link.Active}) || string(target) != urls[i] {
				t.Fatalf("resolve %s: got %v, %q, %v; want %d, %q", l.Ref, route, target, err, l.Number, urls[i])
			}
		}
		s.Close()
		s = reopen(t, path)
	}
}
