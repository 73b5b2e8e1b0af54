package site_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"herald.example/internal/boltstore"
	"herald.example/internal/link"
	"herald.example/internal/site"
)

// world is a directory on a store, with a clock that a test moves.
type world struct {
	*testing.T
	*site.Directory
	store site.Store
	path  string // of the ring
	ring  *site.Ring
	clock *clock
}

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex // protects at
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// start is when every test begins: with a fraction and in a zone that must not be
// stored.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 3600))

// newWorld opens a directory on an empty store.
func newWorld(t *testing.T, store site.Store) *world {
	t.Helper()
	w := &world{T: t, store: store, path: filepath.Join(t.TempDir(), site.RingFile), clock: &clock{at: start}}
	w.open()
	return w
}

// open opens the directory, again when it is open: as after a restart.
func (w *world) open() {
	w.Helper()
	var err error
	if w.ring, err = site.OpenRing(w.path); err != nil {
		w.Fatal(err)
	}
	if w.Directory, err = site.OpenDirectory(w.Context(), w.store, w.ring, w.clock.now); err != nil {
		w.Fatalf("open directory: got %v; want nil", err)
	}
}

// add adds a site.
func (w *world) add(name string) (site.Site, site.NewKeys) {
	w.Helper()
	s, keys, err := w.AddSite(w.Context(), site.SiteDraft{Name: name})
	if err != nil {
		w.Fatalf("add site %s: got %v; want nil", name, err)
	}
	return s, keys
}

// want fails unless errors.Is finds target in err.
func (w *world) want(what string, err, target error) {
	w.Helper()
	if !errors.Is(err, target) {
		w.Errorf("%s: got error %v; want %v", what, err, target)
	}
}

// same fails unless got is want.
func (w *world) same(what string, got, want any) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// opens wants keys to open a site, or none when id is empty.
func (w *world) opens(what string, keys site.NewKeys, id string) {
	w.Helper()
	s, err := w.Authenticate(keys.Public, string(keys.Private))
	if id == "" {
		w.want(what, err, site.ErrKeys)
		return
	}
	if err != nil || s.ID != id {
		w.Errorf("%s: got site %q, %v; want %q", what, s.ID, err, id)
	}
}

// directoryTest is one promise of a Directory, whatever the store.
type directoryTest struct {
	name  string
	check func(w *world)
}

// TestDirectory runs on the store of the product and on the strict one.
func TestDirectory(t *testing.T) {
	for _, store := range []struct {
		name string
		open func(t *testing.T) site.Store
	}{
		{"in memory", func(t *testing.T) site.Store { return newMemory(t) }},
		{"on disk", openBolt},
	} {
		t.Run(store.name, func(t *testing.T) {
			for _, c := range slices.Concat(siteTests, peopleTests, sealTests, gigyaTests, clientKeyTests, uidTests, tokenTests, permitTests, visitTests, placeTests, disconnectTests) {
				t.Run(c.name, func(t *testing.T) { c.check(newWorld(t, store.open(t))) })
			}
		})
	}
}

// openBolt opens an empty store on disk until the test ends.
func openBolt(t *testing.T) site.Store {
	store, err := boltstore.OpenSharing(filepath.Join(t.TempDir(), "sharing.db"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, store.Close()); err != nil {
			t.Errorf("close store: got %v; want nil", err)
		}
	})
	return store
}

// siteTests are about sites and their keys.
var siteTests = []directoryTest{
	{"add, read and restart", func(w *world) {
		s, keys, err := w.AddSite(w.Context(), site.SiteDraft{Name: "shop", Domain: "Go.Example.COM", Simulated: []string{"twitter", "facebook", "twitter"}})
		if err != nil {
			w.Fatal(err)
		}
		other, otherKeys := w.add("other")
		want := start.UTC().Truncate(time.Millisecond)
		if uuid.Validate(s.ID) != nil || uuid.Validate(keys.Public) != nil || uuid.Validate(string(keys.Private)) != nil {
			w.Errorf("got ID %q, public key %q; want UUIDs, the private key too", s.ID, keys.Public)
		}
		if s.Name != "shop" || s.Domain != "go.example.com" || !slices.Equal(s.Simulated, []string{"facebook", "twitter"}) || s.Created != want {
			w.Errorf("got %+v; want it as it was added, at %v", s, want)
		}
		for range 2 {
			w.opens("own keys", keys, s.ID)
			w.opens("the other's keys", otherKeys, other.ID)
			w.same("sites", w.Sites(), []site.Site{s, other})
			for _, name := range []string{s.ID, s.Name} {
				got, err := w.Site(name)
				w.want("read "+name, err, nil)
				w.same("site "+name, got, s)
			}
			_, err := w.Site("nobody")
			w.want("read nobody", err, site.ErrNotFound)
			w.open()
		}
	}},
	{"settings that are refused", func(w *world) {
		s, _ := w.add("shop")
		for _, c := range []struct {
			name  string
			draft site.SiteDraft
			want  error
		}{
			{"name is taken", site.SiteDraft{Name: "shop"}, site.ErrTaken},
			{"name is bad", site.SiteDraft{Name: "Shop"}, site.ErrName},
			{"name is an ID", site.SiteDraft{Name: s.ID}, site.ErrName},
			{"domain is bad", site.SiteDraft{Name: "a", Domain: "http://go.example.com"}, link.ErrDomain},
			{"provider is bad", site.SiteDraft{Name: "a", Simulated: []string{"face book"}}, site.ErrProvider},
			{"too many providers", site.SiteDraft{Name: "a", Simulated: make([]string, 65)}, site.ErrProvider},
		} {
			_, _, err := w.AddSite(w.Context(), c.draft)
			w.want("add: "+c.name, err, c.want)
			if c.draft.Name == "shop" {
				continue
			}
			_, err = w.EditSite(w.Context(), s.ID, func(s *site.Site) error {
				s.Name, s.Domain, s.Simulated = c.draft.Name, c.draft.Domain, c.draft.Simulated
				return nil
			})
			w.want("edit: "+c.name, err, c.want)
		}
		_, err := w.EditSite(w.Context(), s.ID, func(s *site.Site) error { s.Redirect = 2; return nil })
		w.want("edit: method is unknown", err, link.ErrMethod)
		w.same("sites", w.Sites(), []site.Site{s})
	}},
	{"edit", func(w *world) {
		s, keys := w.add("shop")
		other, _ := w.add("other")
		changed, err := w.EditSite(w.Context(), s.ID, func(s *site.Site) error {
			s.Name, s.Domain, s.Redirect, s.Simulated = "store", "go.example.com", link.Script, []string{"*"}
			s.ID, s.Created, s.Keys = "else", time.Time{}, nil // not theirs to change
			return nil
		})
		w.want("edit", err, nil)
		want := s
		want.Name, want.Domain, want.Redirect, want.Simulated = "store", "go.example.com", link.Script, []string{"*"}
		w.same("edited", changed, want)
		for range 2 {
			w.same("sites", w.Sites(), []site.Site{want, other})
			w.opens("keys", keys, s.ID)
			_, err = w.Site("shop")
			w.want("by the name before", err, site.ErrNotFound)
			w.open()
		}
		_, err = w.EditSite(w.Context(), s.ID, func(s *site.Site) error { s.Name = "other"; return nil })
		w.want("edit to a taken name", err, site.ErrTaken)
		_, err = w.EditSite(w.Context(), uuid.NewString(), func(*site.Site) error { return nil })
		w.want("edit nobody", err, site.ErrNotFound)
		stop := errors.New("stop")
		_, err = w.EditSite(w.Context(), s.ID, func(s *site.Site) error { s.Simulated[0] = "x"; return stop })
		w.want("edit that stops", err, stop)
		w.same("sites", w.Sites(), []site.Site{want, other})
		w.add("shop") // the name is free again
	}},
	{"rotate keys", func(w *world) {
		s, first := w.add("shop")
		_, second, err := w.RotateKeys(w.Context(), s.ID, time.Hour)
		w.want("rotate", err, nil)
		for range 2 {
			w.opens("the first pair within grace", first, s.ID)
			w.opens("the second pair", second, s.ID)
			w.open()
		}
		w.clock.move(time.Hour - time.Millisecond)
		w.opens("the first pair at the end of grace", first, s.ID)
		w.clock.move(time.Millisecond)
		w.opens("the first pair after grace", first, "")
		w.opens("the second pair", second, s.ID)
		w.open()
		w.opens("the first pair after a restart", first, "")

		_, third, err := w.RotateKeys(w.Context(), s.ID, 10*time.Hour)
		w.want("rotate again", err, nil)
		changed, fourth, err := w.RotateKeys(w.Context(), s.ID, time.Hour)
		w.want("rotate with a shorter grace", err, nil)
		if len(changed.Keys) != 3 || changed.Keys[0].Public != fourth.Public || changed.Keys[2].Public != second.Public {
			w.Errorf("got pairs %v; want the fourth, the third and the second", changed.Keys)
		}
		w.clock.move(time.Hour)
		w.opens("the second pair after the shorter grace", second, "")
		w.opens("the third pair after its grace", third, "")
		_, fifth, err := w.RotateKeys(w.Context(), s.ID, 0)
		w.want("rotate without grace", err, nil)
		w.opens("the fourth pair at once", fourth, "")
		w.opens("the fifth pair", fifth, s.ID)

		for range 15 {
			if _, _, err := w.RotateKeys(w.Context(), s.ID, time.Hour); err != nil {
				w.Fatal(err)
			}
		}
		_, _, err = w.RotateKeys(w.Context(), s.ID, time.Hour)
		w.want("rotate too often", err, site.ErrPairs)
		_, last, err := w.RotateKeys(w.Context(), s.ID, -time.Hour)
		w.want("rotate and end all others", err, nil)
		w.opens("the last pair", last, s.ID)
		_, _, err = w.RotateKeys(w.Context(), uuid.NewString(), 0)
		w.want("rotate nobody's", err, site.ErrNotFound)
	}},
	{"keys that open nothing", func(w *world) {
		s, keys := w.add("shop")
		_, otherKeys := w.add("other")
		for _, c := range []struct{ name, public, private string }{
			{"nothing", "", ""},
			{"no private key", keys.Public, ""},
			{"no public key", "", string(keys.Private)},
			{"another site's private key", keys.Public, string(otherKeys.Private)},
			{"swapped", string(keys.Private), keys.Public},
			{"in upper case", keys.Public, strings.ToUpper(string(keys.Private)) + "A"},
			{"a part", keys.Public, string(keys.Private[:35])},
			{"more", keys.Public, string(keys.Private) + " "},
			{"the site's name", s.Name, string(keys.Private)},
			{"unknown", uuid.NewString(), uuid.NewString()},
		} {
			got, err := w.Authenticate(c.public, c.private)
			if w.want(c.name, err, site.ErrKeys); got.ID != "" {
				w.Errorf("%s: got site %v; want none", c.name, got)
			}
		}
	}},
	{"a lost ring", func(w *world) {
		w.add("shop")
		if err := os.Remove(w.path); err != nil {
			w.Fatal(err)
		}
		fresh, err := site.OpenRing(w.path)
		if err != nil {
			w.Fatal(err)
		}
		_, err = site.OpenDirectory(w.Context(), w.store, fresh, w.clock.now)
		w.want("open", err, site.ErrSealed)
		if err != nil && (!strings.Contains(err.Error(), w.path) || !strings.Contains(err.Error(), "backup")) {
			w.Errorf("open: got %v; want it to say which file to put back", err)
		}
	}},
}

// TestPrivateKeysMoveNowhere: the sealed private key of one site is of no use in
// another's record.
func TestPrivateKeysMoveNowhere(t *testing.T) {
	store := newMemory(t)
	w := newWorld(t, store)
	w.add("shop")
	w.add("thief")
	store.sites[1].Keys[0].Private = store.sites[0].Keys[0].Private
	_, err := site.OpenDirectory(t.Context(), store, w.ring, w.clock.now)
	w.want("open", err, site.ErrSealed)
}

// TestFailedWritesDoNotShow: what is not on disk is not in memory.
func TestFailedWritesDoNotShow(t *testing.T) {
	store := newMemory(t)
	w := newWorld(t, store)
	s, keys := w.add("shop")
	full := errors.New("disk is full")
	for name, write := range map[string]func() error{
		"add": func() error { _, _, err := w.AddSite(t.Context(), site.SiteDraft{Name: "other"}); return err },
		"edit": func() error {
			_, err := w.EditSite(t.Context(), s.ID, func(s *site.Site) error { s.Name = "store"; return nil })
			return err
		},
		"rotate": func() error { _, _, err := w.RotateKeys(t.Context(), s.ID, 0); return err },
	} {
		store.failSite = full
		w.want(name, write(), full)
		w.same(name+": sites", w.Sites(), []site.Site{s})
		w.opens(name+": keys", keys, s.ID)
	}
	// A caller who is gone does not leave a key behind that only the disk knows.
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, fresh, err := w.RotateKeys(gone, s.ID, 0)
	w.want("rotate for nobody", err, nil)
	w.opens("the fresh pair", fresh, s.ID)
	w.open()
	w.opens("the fresh pair after a restart", fresh, s.ID)
}

// TestSitesUnderLoad: readers see whole sites while others change them.
func TestSitesUnderLoad(t *testing.T) {
	w := newWorld(t, newMemory(t))
	s, keys := w.add("shop")
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 20 {
				if _, _, err := w.AddSite(t.Context(), site.SiteDraft{Name: fmt.Sprintf("s%d-%d", n, i)}); err != nil {
					t.Error(err)
				}
				if _, err := w.EditSite(t.Context(), s.ID, func(s *site.Site) error { s.Simulated = append(s.Simulated, fmt.Sprintf("p%d", n)); return nil }); err != nil {
					t.Error(err)
				}
				w.opens("keys", keys, s.ID)
			}
		})
	}
	wg.Wait()
	got, err := w.Site("shop")
	if want := []string{"p0", "p1", "p2", "p3"}; err != nil || !slices.Equal(got.Simulated, want) || len(w.Sites()) != 81 {
		t.Errorf("got %v, %v and %d sites; want %v and 81", got.Simulated, err, len(w.Sites()), want)
	}
}

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{
		"a": true, "0": true, "shop-1": true, strings.Repeat("a", 63): true,
		"": false, "-": false, "-a": false, "a-": false, "A": false, "a.b": false, "a_b": false, "ä": false, "a b": false, "a\x00": false,
		strings.Repeat("a", 64): false, "123e4567-e89b-12d3-a456-426614174000": false, "123e4567e89b12d3a456426614174000": false,
	} {
		if err := site.CheckName(name); good != (err == nil) || err != nil && !errors.Is(err, site.ErrName) {
			t.Errorf("%q: got %v; want good: %v", name, err, good)
		}
	}
}

func TestCheckProvider(t *testing.T) {
	for key, good := range map[string]bool{
		"mastodon": true, "x": true, "vk_2": true, "a-b": true, strings.Repeat("a", 32): true,
		"": false, "*": false, "Mastodon": false, "2a": false, "_a": false, "a b": false, "ä": false, "a/b": false, strings.Repeat("a", 33): false,
	} {
		if err := site.CheckProvider(key); good != (err == nil) || err != nil && !errors.Is(err, site.ErrProvider) {
			t.Errorf("%q: got %v; want good: %v", key, err, good)
		}
	}
}
