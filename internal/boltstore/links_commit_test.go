package boltstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"herald.example/internal/link"
)

// waitQueued waits until n changes are queued.
func waitQueued(t *testing.T, s *Links, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		s.changes.mu.Lock()
		queued := len(s.changes.waiting)
		s.changes.mu.Unlock()
		if queued == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %d changes queued; want %d", queued, n)
		}
	}
}

func TestCallersShareACommit(t *testing.T) {
	s, _ := newLinks(t)
	put(t, s, draft("go.example", "taken", "https://a.example/"))
	before := s.generation.Load()

	const callers = 50
	s.changes.turn <- struct{}{} // somebody commits
	errs := make([]error, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			d := draft("go.example", fmt.Sprint("s", i/2), "https://b.example/") // two put the same
			if i%10 == 9 {
				d.Slug = "taken"
			}
			_, errs[i] = s.Put(t.Context(), []link.Draft{draft("new.example", fmt.Sprint("s", i), "https://c.example/"), d}, day)
		})
	}
	waitQueued(t, s, callers)
	<-s.changes.turn
	group.Wait()

	if got := s.generation.Load() - before; got != 1 {
		t.Errorf("got %d commits; want 1", got)
	}
	for i, err := range errs {
		want := error(nil)
		if i%10 == 9 {
			want = link.ErrTaken
		}
		if !errors.Is(err, want) {
			t.Errorf("caller %d: got %v; want %v", i, err, want)
		}
		// All or nothing, for each caller by itself.
		if _, err := s.Get(link.Ref{Domain: "new.example", Slug: fmt.Sprint("s", i)}); (err == nil) != (want == nil) {
			t.Errorf("caller %d, other draft: got %v; want it there: %t", i, err, want == nil)
		}
	}
}

func TestGroupsAreBounded(t *testing.T) {
	s, _ := newLinks(t)
	for _, cost := range []int{3000, 6000, 2000, 1, link.MaxBatch + 1, 1} {
		s.changes.waiting = append(s.changes.waiting, &change[*writer]{cost: cost})
	}
	for _, want := range []int{2, 2, 1, 1, 0} {
		if got := len(s.changes.takeGroup()); got != want {
			t.Errorf("got a group of %d; want %d", got, want)
		}
	}
}

func TestPutGivesUpWithItsContext(t *testing.T) {
	s, _ := newLinks(t)
	d := draft("go.example", "a", "https://a.example/")
	ctx, cancel := context.WithCancel(t.Context())
	s.changes.turn <- struct{}{} // somebody commits
	result := make(chan error)
	go func() {
		_, err := s.Put(ctx, []link.Draft{d}, day)
		result <- err
	}()
	waitQueued(t, s, 1)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want %v", err, context.Canceled)
	}
	<-s.changes.turn
	put(t, s, draft("go.example", "b", "https://a.example/"))
	if _, err := s.Get(d.Ref); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("after giving up: got %v; want %v", err, link.ErrNotFound)
	}
	if _, err := s.Put(ctx, []link.Draft{d}, day); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: got %v; want %v", err, context.Canceled)
	}
}

// A change that was taken into a group is waited for, whatever its context says.
func TestTakenChangeIsDecided(t *testing.T) {
	s, _ := newLinks(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.changes.turn <- struct{}{}
	result := make(chan error)
	go func() {
		_, err := s.Put(ctx, []link.Draft{draft("go.example", "a", "https://a.example/")}, day)
		result <- err
	}()
	waitQueued(t, s, 1)
	group := s.changes.takeGroup()
	cancel()
	s.changes.commitGroup(group)
	if err := <-result; err != nil {
		t.Errorf("got %v; want nil", err)
	}
	if _, err := s.Get(link.Ref{Domain: "go.example", Slug: "a"}); err != nil {
		t.Errorf("Get: got %v; want nil", err)
	}
}

func TestResolveSeesEveryCommitThatReturned(t *testing.T) {
	s, _ := newLinks(t)
	ctx, stop := context.WithCancel(t.Context())
	var run errgroup.Group
	run.Go(func() error { return s.Run(ctx) })

	// Readers of a link that does not change keep transactions in use.
	still := draft("go.example", "still", "https://still.example/")
	put(t, s, still)
	for range 2 {
		run.Go(func() error {
			var target []byte
			for ctx.Err() == nil {
				var err error
				_, target, err = s.Resolve(still.Domain, []byte(still.Slug), target[:0])
				if err != nil {
					return fmt.Errorf("still: %w", err)
				}
				if string(target) != still.Target {
					return fmt.Errorf("still: got %q; want %q", target, still.Target)
				}
			}
			return nil
		})
	}
	var writers errgroup.Group
	for w := range 4 {
		writers.Go(func() error {
			for i := range 15 {
				ref := link.Ref{Domain: fmt.Sprintf("d%d.example", i%3), Slug: fmt.Sprintf("s%d-%d", w, i)}
				want := link.Link{Ref: ref, Target: "https://a.example/", State: link.Active}
				check := func(step string, err error) error {
					route, target, resolveErr := s.Resolve(ref.Domain, []byte(ref.Slug), nil)
					if err := errors.Join(err, resolveErr); err != nil {
						return fmt.Errorf("%s %s: %w", step, ref, err)
					}
					if route.State != want.State || string(target) != want.Target {
						return fmt.Errorf("%s %s: got %v, %q; want %v, %q", step, ref, route, target, want.State, want.Target)
					}
					return nil
				}
				_, err := s.Put(ctx, []link.Draft{{Ref: ref, Target: want.Target}}, day)
				if err := check("put", err); err != nil {
					return err
				}
				want.Target = "https://b.example/longer"
				_, err = s.Edit(ctx, ref, link.Change{Target: want.Target}, day)
				if err := check("edit", err); err != nil {
					return err
				}
				want.Target, want.State = "", link.Deleted
				_, err = s.Delete(ctx, ref, day)
				if err := check("delete", err); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := writers.Wait(); err != nil {
		t.Error(err)
	}
	stop()
	if err := run.Wait(); err != nil {
		t.Error(err)
	}
}

// size is the size of the file's used part.
func size(t *testing.T, s *Links) int64 {
	t.Helper()
	tx, err := s.db.Begin(false)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	return tx.Size()
}

// Without Renew a reader that nobody uses would keep all freed pages from being
// used again, and the file would grow with every edit.
func TestRenewLetsFreedPagesBeUsedAgain(t *testing.T) {
	s, _ := newLinks(t)
	refs := put(t, s, drafts(300)...)
	grow := func() int64 {
		before := size(t, s)
		for i := range 60 {
			if _, err := s.Edit(t.Context(), refs[i].Ref, link.Change{Target: fmt.Sprintf("https://b.example/%d/%d", size(t, s), i)}, day); err != nil {
				t.Fatal(err)
			}
			s.Renew()
		}
		return size(t, s) - before
	}
	for _, ref := range refs {
		if _, _, err := s.Resolve(ref.Domain, []byte(ref.Slug), nil); err != nil {
			t.Fatal(err)
		}
	}
	// Each edit rewrites at least four pages.
	if got, most := grow(), int64(60*4096); got > most {
		t.Errorf("the file grew by %d bytes in 60 edits; want at most %d", got, most)
	}
	for _, r := range s.readers {
		if r.tx != nil {
			t.Error("got an open read transaction after Renew; want none")
		}
	}
}

func TestImport(t *testing.T) {
	s, path := newLinks(t)
	there := put(t, s, draft("b.example", "k00010", "https://a.example/"), draft("b.example", "zz", "https://a.example/"))
	var links []link.Link
	for _, domain := range []string{"a.example", "b.example"} {
		for i := range 10_500 {
			l := link.Link{
				Ref: link.Ref{Domain: domain, Slug: fmt.Sprintf("k%05d", i)}, Target: "https://a.example/", State: link.Active,
				Site: []string{"", "s"}[i%2], Created: day, Edited: day.Add(time.Second),
			}
			if i%1000 == 7 {
				l.State, l.Target = link.Deleted, ""
			}
			l.Method = link.Method(i / 3 % 2)
			links = append(links, l)
		}
	}
	sorted := func(yield func(link.Link) bool) {
		for _, l := range links {
			if !yield(l) {
				return
			}
		}
	}
	for round, want := range []uint64{uint64(len(links)) - 1, 0} { // one was there; then all
		if n, err := s.Import(t.Context(), sorted); err != nil || n != want {
			t.Fatalf("round %d: got %d, %v; want %d", round, n, err, want)
		}
	}
	s.Close()
	s = reopen(t, path)
	for i, want := range links {
		got, err := s.Get(want.Ref)
		if errors.Is(err, link.ErrDeleted) != (want.State == link.Deleted) || err != nil && !errors.Is(err, link.ErrDeleted) {
			t.Fatalf("Get(%s): got %v", want.Ref, err)
		}
		if want.Ref == there[0].Ref {
			want = there[0]
		}
		if want.Number = got.Number; got != want || got.Number == 0 {
			t.Fatalf("link %d: got %+v; want %+v", i, got, want)
		}
	}
	if n, err := s.Count(); err != nil || n != 21_000-22+1 {
		t.Errorf("Count: got %d, %v; want %d", n, err, 21_000-22+1)
	}
	if got := len(pages(t, s, link.ListQuery{Site: "s", Limit: 1000})); got != 10_500-22 {
		t.Errorf("links of the site: got %d; want %d", got, 10_500-22)
	}
}

func TestImportRefuses(t *testing.T) {
	s, _ := newLinks(t)
	put(t, s, draft("go.example", "m", "https://a.example/"))
	at := func(domain, slug string) link.Link {
		return link.Link{Ref: link.Ref{Domain: domain, Slug: slug}, Target: "https://b.example/", State: link.Active}
	}
	with := func(edit func(*link.Link)) []link.Link {
		l := at("go.example", "x")
		edit(&l)
		return []link.Link{l}
	}
	for _, tt := range []struct {
		name  string
		links []link.Link
		want  error
	}{
		{"slugs out of order", []link.Link{at("go.example", "b"), at("go.example", "a")}, link.ErrQuery},
		{"twice", []link.Link{at("go.example", "b"), at("go.example", "b")}, link.ErrQuery},
		{"domains out of order", []link.Link{at("go.example", "b"), at("a.example", "c")}, link.ErrQuery},
		{"taken", []link.Link{at("go.example", "a"), at("go.example", "m")}, link.ErrTaken},
		{"bad slug", []link.Link{at("go.example", "a/b")}, link.ErrSlug},
		{"bad domain", []link.Link{at("Go.example", "a")}, link.ErrDomain},
		{"no state", with(func(l *link.Link) { l.State = 0 }), link.ErrState},
		{"no method", with(func(l *link.Link) { l.Method = 2 }), link.ErrMethod},
		{"no target", with(func(l *link.Link) { l.Target = "" }), link.ErrState},
		{"target too long", with(func(l *link.Link) { l.Target = string(make([]byte, link.MaxTarget+1)) }), link.ErrTarget},
		{"owner too long", with(func(l *link.Link) { l.Site = string(make([]byte, link.MaxOwner+1)) }), link.ErrOwner},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := s.Import(t.Context(), func(yield func(link.Link) bool) {
				for _, l := range tt.links {
					if !yield(l) {
						return
					}
				}
			})
			if n != 0 || !errors.Is(err, tt.want) {
				t.Errorf("got %d, %v; want %v", n, err, tt.want)
			}
			if count, err := s.Count(); err != nil || count != 1 {
				t.Errorf("Count: got %d, %v; want 1", count, err)
			}
		})
	}
}
