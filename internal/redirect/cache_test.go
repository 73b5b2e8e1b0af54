package redirect

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"herald.example/internal/link"
)

// load puts a link into the cache the way a miss does.
func (c *cache) load(domain uint16, slug string, route link.Route, target string) {
	_, _, generation, found := c.get(domain, []byte(slug), nil, false)
	if found {
		return
	}
	s, b := []byte(slug), []byte(target)
	c.put(domain, s, route, b, generation)
	mangle(s, b) // what put was lent is overwritten: it must have copied
}

// mangle overwrites borrowed memory.
func mangle(borrowed ...[]byte) {
	for _, b := range borrowed {
		for i := range b {
			b[i] = 0xEE
		}
	}
}

func mustCache(t testing.TB, size int) *cache {
	t.Helper()
	c, err := newCache(size)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// check holds every invariant of a cache's memory: the ring is a chain of
// entries from head to tail, each live one has one slot, and no slot has none.
func (c *cache) check(t testing.TB) {
	t.Helper()
	for i := range c.shards {
		s := &c.shards[i]
		live, used := 0, 0
		for off := s.head; used < s.used; {
			size := (int(s.ring[off]) | int(s.ring[off+1])<<8) * unit
			if size == 0 {
				t.Fatalf("shard %d: entry of no size at %d", i, off)
			}
			if s.ring[off+atState]&dead == 0 {
				live++
				h := s.hashAt(off)
				e := s.ring[off:]
				slot, at := s.find(h, uint16(e[atDomain])|uint16(e[atDomain+1])<<8, e[atSlug:atSlug+int(e[atSlugLen])])
				if slot < 0 || at != off {
					t.Fatalf("shard %d: entry at %d is found at slot %d, %d", i, off, slot, at)
				}
			}
			used += size
			if off += size; off == len(s.ring) {
				off = 0
			}
		}
		slots := 0
		for _, v := range s.table {
			if v != 0 {
				slots++
			}
		}
		if used != s.used || live != s.entries || slots != s.entries {
			t.Fatalf("shard %d: got %d bytes, %d live entries, %d slots; want %d, %d, %[6]d", i, used, live, slots, s.used, s.entries)
		}
	}
}

// TestCacheModel runs random operations against a map. The cache may have
// forgotten what the map holds, but what it says must be what the map says.
func TestCacheModel(t *testing.T) {
	for _, size := range []int{minCacheBytes, 200_000, 4 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			type want struct {
				route  link.Route
				target string
			}
			rnd := rand.New(rand.NewPCG(1, uint64(size)))
			c := mustCache(t, size)
			model := map[string]want{}
			hits := 0
			for i := range 40_000 {
				domain := uint16(rnd.IntN(2))
				slug := fmt.Sprintf("s%d", int(rnd.ExpFloat64()*500))
				key := fmt.Sprint(domain, slug)
				switch rnd.IntN(10) {
				case 0: // the link changes
					length := rnd.IntN(100)
					if rnd.IntN(50) == 0 {
						length = rnd.IntN(link.MaxTarget)
					}
					model[key] = want{
						link.Route{Number: rnd.Uint64(), State: link.State(1 + rnd.IntN(3)), Method: link.Method(rnd.IntN(2))},
						strings.Repeat(fmt.Sprint(i%10), length),
					}
					c.forget(domain, []byte(slug))
				case 1:
					if rnd.IntN(2000) == 0 {
						c.forgetAll()
					}
				default:
					w, exists := model[key]
					route, target, generation, found := c.get(domain, []byte(slug), []byte("kept "), false)
					if !found {
						if exists {
							c.put(domain, []byte(slug), w.route, []byte(w.target), generation)
						}
						continue
					}
					hits++
					if !exists || route != w.route || string(target) != "kept "+w.target {
						t.Fatalf("step %d: got %v, %q; want %v, %q", i, route, target, w.route, w.target)
					}
				}
				if i%5000 == 0 {
					c.check(t)
				}
			}
			c.check(t)
			if hits < 1000 {
				t.Errorf("got %d hits; want at least 1000, or the test shows nothing", hits)
			}
		})
	}
}

func TestCacheBound(t *testing.T) {
	for _, target := range []int{0, 1, 50, 700, link.MaxTarget} {
		t.Run(fmt.Sprintf("targets of %d", target), func(t *testing.T) {
			c := mustCache(t, 256<<10)
			text := strings.Repeat("t", target)
			for i := range min(30_000, (4<<20)/(target+1)) { // several times what fits
				c.load(0, fmt.Sprintf("%07d", i), link.Route{Number: 1, State: link.Active}, text)
			}
			c.check(t)
			entries, size, _, _ := c.usage()
			reserved := 0
			for i := range c.shards {
				reserved += len(c.shards[i].ring) + 4*len(c.shards[i].table)
			}
			if reserved > 256<<10 || size > reserved {
				t.Errorf("got %d bytes in %d reserved; want at most %d", size, reserved, 256<<10)
			}
			if entries == 0 {
				t.Error("got an empty cache")
			}
			if target == 50 && reserved/entries > 100 {
				t.Errorf("got %d bytes per entry; want at most 100", reserved/entries)
			}
		})
	}
}

// TestCacheSecondChance: what is asked for again and again stays, whatever
// passes through.
func TestCacheSecondChance(t *testing.T) {
	c := mustCache(t, minCacheBytes)
	for i := range 20_000 {
		c.load(0, fmt.Sprintf("x%07d", i), link.Route{State: link.Active}, "https://example.com/passing/through")
		if i%10 == 0 {
			slug := fmt.Sprintf("hot%d", i/10%20)
			if _, _, _, found := c.get(0, []byte(slug), nil, false); !found {
				if i > 1000 {
					t.Fatalf("step %d: %s fell out", i, slug)
				}
				c.load(0, slug, link.Route{State: link.Active}, "https://example.com/hot")
			}
		}
	}
}

// TestCacheCoherence: an answer that was read before a change was committed
// must not enter the cache after the change was announced.
func TestCacheCoherence(t *testing.T) {
	c := mustCache(t, minCacheBytes)
	slug := []byte("8WEtk2a")
	_, _, generation, _ := c.get(0, slug, nil, false)
	c.forget(0, slug) // the link was changed meanwhile
	c.put(0, slug, link.Route{State: link.Active}, []byte("https://example.com/old"), generation)
	if _, target, _, found := c.get(0, slug, nil, false); found {
		t.Errorf("got %q from the cache; want nothing", target)
	}
	_, _, generation, _ = c.get(0, slug, nil, false)
	c.forgetAll()
	c.put(0, slug, link.Route{State: link.Active}, []byte("https://example.com/old"), generation)
	if _, target, _, found := c.get(0, slug, nil, false); found {
		t.Errorf("after forgetAll: got %q from the cache; want nothing", target)
	}
}

// TestCacheRace has writers raise a version per link and readers check that
// they never see an older one than was committed before they asked.
func TestCacheRace(t *testing.T) {
	const links, rounds = 50, 3000
	c := mustCache(t, minCacheBytes)
	var mu sync.Mutex
	store := make([]uint64, links) // versions, protected by mu
	read := func(i int) uint64 { mu.Lock(); defer mu.Unlock(); return store[i] }
	target := func(i int, version uint64) []byte {
		return bytes.Repeat(fmt.Appendf(nil, "%d.%d ", i, version), 20)
	}
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			rnd := rand.New(rand.NewPCG(3, uint64(g)))
			for range rounds {
				i := rnd.IntN(links)
				slug := fmt.Appendf(nil, "slug%d", i)
				if rnd.IntN(10) == 0 {
					mu.Lock()
					store[i]++
					mu.Unlock()
					c.forget(0, slug)
					continue
				}
				route, got, generation, found := c.get(0, slug, nil, false)
				if !found {
					version := read(i)
					c.put(0, slug, link.Route{Number: version, State: link.Active}, target(i, version), generation)
					continue
				}
				if want := target(i, route.Number); !bytes.Equal(got, want) {
					t.Errorf("got %q; want %q", got, want)
				}
			}
		})
	}
	group.Wait()
	// Nobody changes anything now: whatever is cached is the last version.
	for i := range links {
		if route, _, _, found := c.get(0, fmt.Appendf(nil, "slug%d", i), nil, false); found && route.Number != read(i) {
			t.Errorf("slug%d: got version %d; want %d", i, route.Number, read(i))
		}
	}
	c.check(t)
}

func TestCacheSizes(t *testing.T) {
	for _, size := range []int{0, -1, minCacheBytes - 1, maxCacheBytes + 1} {
		if _, err := newCache(size); err == nil {
			t.Errorf("newCache(%d): got no error", size)
		}
	}
}

func BenchmarkCacheGet(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := mustCache(b, 128<<20)
			slugs := make([][]byte, n)
			for i := range slugs {
				slugs[i] = fmt.Appendf(nil, "s%06d", i)
				c.load(0, string(slugs[i]), link.Route{Number: 1, State: link.Active}, "https://www.example.com/an/article/of/fifty/bytes/")
			}
			rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, k int) { slugs[i], slugs[k] = slugs[k], slugs[i] })
			var dst [128]byte
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, _, _, found := c.get(0, slugs[i%n], dst[:0], true); !found {
					b.Fatal("not found")
				}
			}
		})
	}
}
