package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/network/simulated"
	"herald.example/internal/publish/render"
)

// openSimulatedTest opens a store in a folder of the test.
func openSimulatedTest(t testing.TB, path string) *Simulated {
	t.Helper()
	s, err := OpenSimulated(path)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// putSimulated puts a post that must be taken.
func putSimulated(t testing.TB, s *Simulated, p simulated.Post, once bool) (simulated.Post, bool) {
	t.Helper()
	kept, made, err := s.Put(context.Background(), p, once)
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	return kept, made
}

// fullPost is a post in which everything is set.
func fullPost() simulated.Post {
	return simulated.Post{
		Provider: "mastodon", Account: "ada", Key: "k1", Made: time.UnixMilli(1_700_000_000_123).UTC(),
		Text:  "Grüße ☀ http://go.example/abc #tag",
		Spans: []render.Span{{Kind: render.URLSpan, Start: 13, End: 34, Value: "http://go.example/abc"}, {Kind: render.TagSpan, Start: 35, End: 39, Value: "tag"}},
		Link:  &render.Link{URL: "http://go.example/abc", Name: "N", Caption: "C", Description: "D"},
		Below: &render.Link{URL: "http://go.example/def", Name: "B"}, Location: &render.Location{Latitude: 1.5, Longitude: -2, PlaceID: "p", Name: "P"},
		Media: []simulated.Media{{Name: "a.png", Type: "image/png", Alt: "alt", Size: 3, Data: []byte("abc")}, {Type: "image/gif", Size: 2, Data: []byte("de")}},
	}
}

func TestSimulatedComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "simulated.db")
	s := openSimulatedTest(t, path)
	want, made := putSimulated(t, s, fullPost(), true)
	if !made || want.Number != 1 {
		t.Fatalf("got post %d, made %v; want 1, made", want.Number, made)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	s = openSimulatedTest(t, path)
	for i := range want.Media {
		m, err := s.Media(t.Context(), 1, i)
		if err != nil {
			t.Fatalf("media %d: %v", i, err)
		}
		if diff := cmp.Diff(want.Media[i], m); diff != "" {
			t.Errorf("media %d (-want +got):\n%s", i, diff)
		}
		want.Media[i].Data = nil
	}
	got, err := s.Post(t.Context(), 1)
	if err != nil {
		t.Fatalf("post: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("post (-want +got):\n%s", diff)
	}
	got, err = s.Keyed(t.Context(), "mastodon", "ada", "k1")
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("by key: got %+v, error %v; want the post", got, err)
	}
	for name, read := range map[string]func() error{
		"post":         func() error { _, err := s.Post(t.Context(), 2); return err },
		"key":          func() error { _, err := s.Keyed(t.Context(), "mastodon", "ada", "k2"); return err },
		"key of other": func() error { _, err := s.Keyed(t.Context(), "facebook", "ada", "k1"); return err },
		"media":        func() error { _, err := s.Media(t.Context(), 1, 2); return err },
		"negative":     func() error { _, err := s.Media(t.Context(), 1, -1); return err },
		"its media":    func() error { _, err := s.Media(t.Context(), 2, 0); return err },
	} {
		if err := read(); !errors.Is(err, simulated.ErrNotFound) {
			t.Errorf("unknown %s: got error %v; want %v", name, err, simulated.ErrNotFound)
		}
	}
}

func TestSimulatedKeys(t *testing.T) {
	s := openSimulatedTest(t, filepath.Join(t.TempDir(), "simulated.db"))
	put := func(provider, account, key string, once bool, number uint64, made bool) {
		t.Helper()
		p := simulated.Post{Provider: provider, Account: account, Key: key, Text: "x"}
		kept, m := putSimulated(t, s, p, once)
		if kept.Number != number || m != made {
			t.Errorf("%s %s %s: got post %d, made %v; want %d, %v", provider, account, key, kept.Number, m, number, made)
		}
	}
	put("mastodon", "ada", "k", true, 1, true)
	put("mastodon", "ada", "k", true, 1, false)
	put("mastodon", "bob", "k", true, 2, true)
	put("facebook", "ada", "k", false, 3, true)
	put("facebook", "ada", "k", false, 4, true)
	put("mastodon", "ada", "", true, 5, true)
	put("mastodon", "ada", "", true, 6, true)
	if p, err := s.Keyed(t.Context(), "facebook", "ada", "k"); err != nil || p.Number != 4 {
		t.Errorf("got post %d, error %v; want the newest one, 4", p.Number, err)
	}
	for _, p := range []simulated.Post{
		{Provider: "", Account: "ada"}, {Provider: "x", Account: ""}, {Provider: "x", Account: "a\x00b"},
		{Provider: "x", Account: strings.Repeat("a", 256)},
	} {
		if _, _, err := s.Put(t.Context(), p, true); !errors.Is(err, errSimulatedName) {
			t.Errorf("%q %q: got error %v; want %v", p.Provider, p.Account, err, errSimulatedName)
		}
	}
}

func TestSimulatedNewest(t *testing.T) {
	s := openSimulatedTest(t, filepath.Join(t.TempDir(), "simulated.db"))
	for _, name := range []string{"facebook ada", "twitter ada", "facebook bob", "facebook ada", "facebooks ada"} {
		provider, account, _ := strings.Cut(name, " ")
		putSimulated(t, s, simulated.Post{Provider: provider, Account: account, Text: name}, false)
	}
	for _, test := range []struct {
		name   string
		filter simulated.Filter
		want   []uint64
	}{
		{"all", simulated.Filter{Limit: 10}, []uint64{5, 4, 3, 2, 1}},
		{"few", simulated.Filter{Limit: 2}, []uint64{5, 4}},
		{"before", simulated.Filter{Limit: 2, Before: 4}, []uint64{3, 2}},
		{"before all", simulated.Filter{Limit: 2, Before: 1}, nil},
		{"before one to come", simulated.Filter{Limit: 1, Before: 99}, []uint64{5}},
		{"provider", simulated.Filter{Limit: 10, Provider: "facebook"}, []uint64{4, 3, 1}},
		{"provider before", simulated.Filter{Limit: 10, Provider: "facebook", Before: 3}, []uint64{1}},
		{"last provider", simulated.Filter{Limit: 10, Provider: "twitter"}, []uint64{2}},
		{"name", simulated.Filter{Limit: 10, Account: "ada"}, []uint64{5, 4, 2, 1}},
		{"account", simulated.Filter{Limit: 10, Provider: "facebook", Account: "ada"}, []uint64{4, 1}},
		{"nobody", simulated.Filter{Limit: 10, Account: "ad"}, nil},
		{"nowhere", simulated.Filter{Limit: 10, Provider: "zz"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			posts, err := s.Newest(t.Context(), test.filter)
			if err != nil {
				t.Fatalf("newest: %v", err)
			}
			var got []uint64
			for _, p := range posts {
				got = append(got, p.Number)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got posts %v; want %v", got, test.want)
			}
		})
	}
	if got, err := s.Providers(t.Context()); err != nil || !slices.Equal(got, []string{"facebook", "facebooks", "twitter"}) {
		t.Errorf("got providers %q, error %v; want facebook, facebooks, twitter", got, err)
	}
}

// TestSimulatedForgets fills the store beyond its bounds and looks for what must be
// gone, in every bucket.
func TestSimulatedForgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "simulated.db")
	s := openSimulatedTest(t, path)
	s.keep, s.media = 5, 30
	for i := range 12 {
		p := fullPost()
		p.Key = fmt.Sprint(i % 9) // some keys are used twice
		p.Media = []simulated.Media{{Type: "image/png", Data: bytes.Repeat([]byte{byte(i)}, 9)}}
		putSimulated(t, s, p, false)
	}
	posts, err := s.Newest(t.Context(), simulated.Filter{Limit: 100})
	if err != nil || len(posts) != 5 || posts[0].Number != 12 || posts[4].Number != 8 {
		t.Fatalf("got %d posts, error %v; want the newest 5", len(posts), err)
	}
	for number, want := range map[uint64]error{12: nil, 10: nil, 9: simulated.ErrNotFound, 2: simulated.ErrNotFound} {
		if _, err := s.Media(t.Context(), number, 0); !errors.Is(err, want) {
			t.Errorf("media of %d: got error %v; want %v", number, err, want)
		}
	}
	// Key "2" was that of posts 3 and 12: to forget the first must not forget it.
	if p, err := s.Keyed(t.Context(), "mastodon", "ada", "2"); err != nil || p.Number != 12 {
		t.Errorf("by a key used again: got post %d, error %v; want 12", p.Number, err)
	}
	s.Close()
	db, _, err := openFile(path, simulatedKind)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer db.Close()
	tx, err := db.Begin(false)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	defer tx.Rollback()
	for name, want := range map[string]int{"posts": 5, "feeds": 15, "keys": 5, "media": 3} {
		got := 0
		for c, k := tx.Bucket([]byte(name)).Cursor(), []byte(nil); ; got++ {
			if k == nil {
				k, _ = c.First()
			} else {
				k, _ = c.Next()
			}
			if k == nil {
				break
			}
		}
		if got != want {
			t.Errorf("bucket %s: got %d entries; want %d", name, got, want)
		}
	}
}

// TestSimulatedSurvivesDeath copies the file as a killed process leaves it, which
// neither synced nor closed it, and opens the copy.
func TestSimulatedSurvivesDeath(t *testing.T) {
	dir := t.TempDir()
	s := openSimulatedTest(t, filepath.Join(dir, "simulated.db"))
	for i := range 300 {
		putSimulated(t, s, simulated.Post{Provider: "facebook", Account: "ada", Key: fmt.Sprint(i), Text: strings.Repeat("x", i)}, false)
	}
	left, err := os.ReadFile(filepath.Join(dir, "simulated.db"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string, content []byte) *Simulated {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return openSimulatedTest(t, path)
	}
	killed := open("killed.db", left)
	if posts, err := killed.Newest(t.Context(), simulated.Filter{Limit: 500}); err != nil || len(posts) != 300 || killed.Aside() != "" {
		t.Errorf("after a kill: got %d posts, error %v, put aside %q; want 300 and nothing aside", len(posts), err, killed.Aside())
	}

	// After a loss of power any page may be an old one, or none.
	for name, damage := range map[string]func([]byte){
		"zeroed middle": func(b []byte) { clear(b[4*4096 : len(b)-4096]) },
		"zeroed metas":  func(b []byte) { clear(b[:2*4096]) },
		"noise":         func(b []byte) { copy(b[3*4096:], bytes.Repeat([]byte{0xa5, 3, 0x7f}, len(b)/3-3*4096)) },
	} {
		t.Run(name, func(t *testing.T) {
			content := bytes.Clone(left)
			damage(content)
			file := strings.ReplaceAll(name, " ", "-") + ".db"
			s := open(file, content)
			if s.Aside() != filepath.Join(dir, file+".damaged") {
				t.Errorf("got file put aside at %q; want it beside the new one", s.Aside())
			}
			if kept, err := os.ReadFile(s.Aside()); err != nil || !bytes.Equal(kept, content) {
				t.Errorf("got %d bytes aside, error %v; want the damaged file", len(kept), err)
			}
			if kept, _ := putSimulated(t, s, fullPost(), true); kept.Number != 1 {
				t.Errorf("got post %d; want 1", kept.Number)
			}
		})
	}
}

func TestSimulatedOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "simulated.db")
	s := openSimulatedTest(t, path)
	if _, err := OpenSimulated(path); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice: got error %v; want %v", err, ErrInUse)
	}
	if _, err := os.Stat(path + ".damaged"); err == nil {
		t.Error("the file in use was put aside")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Put(ctx, fullPost(), true); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got error %v; want %v", err, context.Canceled)
	}
	if _, err := s.Newest(ctx, simulated.Filter{Limit: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got error %v; want %v", err, context.Canceled)
	}
	s.Close()
	if _, _, err := s.Put(t.Context(), fullPost(), true); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: got error %v; want %v", err, ErrClosed)
	}
	if _, err := s.Post(t.Context(), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: got error %v; want %v", err, ErrClosed)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("closed twice: got error %v; want %v", err, ErrClosed)
	}
}

// TestSimulatedAtOnce lets many callers put posts, half of them with one key.
func TestSimulatedAtOnce(t *testing.T) {
	s := openSimulatedTest(t, filepath.Join(t.TempDir(), "simulated.db"))
	var group sync.WaitGroup
	var mades atomic.Int64
	for i := range 64 {
		group.Go(func() {
			key := "shared"
			if i%2 == 0 {
				key = fmt.Sprint(i)
			}
			if _, made := putSimulated(t, s, simulated.Post{Provider: "mastodon", Account: "ada", Key: key}, true); made {
				mades.Add(1)
			}
		})
	}
	group.Wait()
	posts, err := s.Newest(t.Context(), simulated.Filter{Limit: 100})
	if err != nil || len(posts) != 33 || mades.Load() != 33 {
		t.Errorf("got %d posts, %d made, error %v; want 33", len(posts), mades.Load(), err)
	}
}

func FuzzSimulatedRecord(f *testing.F) {
	value, err := appendSimulated(nil, fullPost())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add([]byte{simulatedVersion})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, value []byte) {
		p, err := parseSimulated(7, value)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("got error %v; want %v", err, ErrDamaged)
			}
			return
		}
		again, err := appendSimulated(nil, p)
		if errors.Is(err, errSimulatedName) {
			return
		}
		if err != nil {
			t.Fatalf("append: %v", err)
		}
		if _, err := parseSimulated(7, again); err != nil {
			t.Fatalf("parse again: %v", err)
		}
	})
}

// BenchmarkSimulatedPut measures 32 callers at a full store.
func BenchmarkSimulatedPut(b *testing.B) {
	for _, keep := range []uint64{1000, 100_000} {
		b.Run(fmt.Sprint(keep), func(b *testing.B) {
			s := openSimulatedTest(b, filepath.Join(b.TempDir(), "simulated.db"))
			s.keep = keep
			p := fullPost()
			p.Media = nil
			var n atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(16)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p := p
					p.Key = fmt.Sprint(n.Add(1))
					if _, _, err := s.Put(context.Background(), p, true); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
		})
	}
}
