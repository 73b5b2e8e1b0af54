package redirect

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/bits"
	"sync"

	"herald.example/internal/link"
)

// A cache keeps routes and targets by domain and slug in a bounded number of
// bytes. It consists of shards, each a mutex over a hash table of uint32 and a
// ring of bytes, so the garbage collector has nothing to scan in it however
// many links it holds, and a hit allocates nothing: the target is copied out
// under the shard's lock.
//
// An entry costs its slug and its target, 16 bytes, at most 7 of padding, and
// its share of the table, 4 to 8 bytes when the cache is full: about 90 bytes
// for a target of 50. A million such links need about 90 MB.
//
// Eviction is second chance (CLOCK) in the order of insertion: an entry that
// was read since it was written, or since its last chance, moves to the young
// end of the ring instead of falling out.
//
// The memory is reserved at once and touched as it is used: an empty cache
// takes address space, not memory.
type cache struct {
	seed   maphash.Seed
	shift  uint // of a hash: the bits above it choose the shard
	shards []shard
}

// Sizes of a cache. A shard of a mebibyte keeps the copying under its lock
// short and lets the longest target (8 KiB) be cached; more than 256 shards buy
// nothing, since a lock is held for well under a microsecond.
const (
	shardBytes    = 1 << 20
	maxShards     = 256
	unit          = 8                  // entries are aligned to it
	offsetBits    = 24                 // of a table slot: position in the ring, in units, plus one
	maxShardBytes = unit << offsetBits // the most that offsetBits can address
	maxCacheBytes = maxShards * maxShardBytes
	minCacheBytes = 64 << 10
	maxChances    = 8 // entries moved by one insertion, so that the lock is held briefly
)

// newCache returns a cache that takes at most size bytes.
func newCache(size int) (*cache, error) {
	if size < minCacheBytes || size > maxCacheBytes {
		return nil, fmt.Errorf("cache of %d bytes: it takes %d to %d", size, minCacheBytes, maxCacheBytes)
	}
	n := 1
	for n < maxShards && size/(2*n) >= shardBytes {
		n *= 2
	}
	c := &cache{seed: maphash.MakeSeed(), shift: uint(64 - bits.TrailingZeros(uint(n))), shards: make([]shard, n)}
	for i := range c.shards {
		c.shards[i].init(c.seed, size/n)
	}
	return c, nil
}

// hash is keyed by a random seed, so that nobody can aim slugs at one shard.
func hash(seed maphash.Seed, domain uint16, slug []byte) uint64 {
	return maphash.Bytes(seed, slug) ^ uint64(domain)*0x9E3779B97F4A7C15
}

// get appends the target of the link to dst. When nothing is cached, found is
// false and generation is what put wants to be shown. An active link that is
// found is counted as a redirect when count is set: under the lock that is held
// anyway, a counter costs nothing and is never contended.
func (c *cache) get(domain uint16, slug, dst []byte, count bool) (route link.Route, target []byte, generation uint64, found bool) {
	h := hash(c.seed, domain, slug)
	s := &c.shards[h>>c.shift]
	s.mu.Lock()
	i, off := s.find(h, domain, slug)
	if i < 0 {
		s.misses++
		generation = s.generation
		s.mu.Unlock()
		return link.Route{}, dst, generation, false
	}
	e := s.ring[off:]
	if e[atState]&referenced == 0 { // the line stays clean when the mark is there already
		e[atState] |= referenced
	}
	route.State = link.State(e[atState] & stateMask)
	route.Method = link.Method(e[atState] >> methodShift & methodMask)
	route.Number = binary.LittleEndian.Uint64(e[atNumber:])
	from := atSlug + int(e[atSlugLen])
	dst = append(dst, e[from:from+int(binary.LittleEndian.Uint16(e[atTargetLen:]))]...)
	if count && route.State == link.Active {
		s.redirects++
	}
	s.mu.Unlock()
	return route, dst, 0, true
}

// put caches what the store answered, unless the shard has been told to forget
// something since generation was read: the answer could be the old one. An
// entry that would take more than a quarter of its shard is not cached.
func (c *cache) put(domain uint16, slug []byte, route link.Route, target []byte, generation uint64) {
	h := hash(c.seed, domain, slug)
	s := &c.shards[h>>c.shift]
	size := entrySize(len(slug), len(target))
	if size > len(s.ring)/4 || len(slug) > link.MaxSlug || len(target) > link.MaxTarget {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != generation {
		return
	}
	if i, _ := s.find(h, domain, slug); i >= 0 {
		return // another miss of the same link was faster
	}
	off := s.room(size)
	e := s.ring[off : off+size]
	binary.LittleEndian.PutUint16(e[atSize:], uint16(size/unit))
	e[atSlugLen] = byte(len(slug))
	e[atState] = byte(route.State) | byte(route.Method)<<methodShift
	binary.LittleEndian.PutUint16(e[atDomain:], domain)
	binary.LittleEndian.PutUint16(e[atTargetLen:], uint16(len(target)))
	binary.LittleEndian.PutUint64(e[atNumber:], route.Number)
	copy(e[atSlug:], slug)
	copy(e[atSlug+len(slug):], target)
	s.link(h, off)
	s.entries++
}

// forget drops the entry of a link and makes every put whose miss came before
// this call void.
func (c *cache) forget(domain uint16, slug []byte) {
	h := hash(c.seed, domain, slug)
	s := &c.shards[h>>c.shift]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	if i, off := s.find(h, domain, slug); i >= 0 {
		s.unlink(i)
		s.ring[off+atState] = dead
		s.entries--
	}
}

// forgetAll drops everything.
func (c *cache) forgetAll() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.generation++
		clear(s.table)
		s.head, s.tail, s.used, s.entries = 0, 0, 0, 0
		s.mu.Unlock()
	}
}

// usage sums up what the shards count.
func (c *cache) usage() (entries, bytes int, redirects, misses uint64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		entries += s.entries
		bytes += s.used
		redirects += s.redirects
		misses += s.misses
		s.mu.Unlock()
	}
	return entries, bytes, redirects, misses
}

// A shard is one part of a cache.
//
// An entry in the ring, at a multiple of unit, little endian:
//
//	0  size of the entry in units   uint16
//	2  length of the slug           uint8
//	3  state, method, marks         uint8: link.State, link.Method, dead, referenced
//	4  domain                       uint16
//	6  length of the target         uint16
//	8  number of the link           uint64
//	16 slug, target, padding
//
// A filler, where the ring's end is too short for an entry, has a size and the
// mark dead and nothing else, so it may be as short as one unit.
//
// A slot of the table is zero, or eight bits of the hash above the entry's
// position in units plus one. The eight bits keep a probe of the wrong slot
// from touching the ring, which at a million links is a miss of the
// processor's caches; the table is open addressing with linear probing.
type shard struct {
	// mu protects everything below.
	mu         sync.Mutex
	seed       maphash.Seed
	generation uint64 // rises when something is forgotten
	table      []uint32
	slots      int // the length that the table may grow to
	ring       []byte
	head       int // position of the oldest entry
	tail       int // where the next one goes
	used       int // bytes from head to tail, around the end
	entries    int // without dead ones
	redirects  uint64
	misses     uint64
}

// Positions in an entry, and the bits of its state.
const (
	atSize      = 0
	atSlugLen   = 2
	atState     = 3
	atDomain    = 4
	atTargetLen = 6
	atNumber    = 8
	atSlug      = 16

	stateMask   = 0x0f
	methodShift = 4
	methodMask  = 0x03
	dead        = 0x40
	referenced  = 0x80
)

func entrySize(slug, target int) int { return (atSlug + slug + target + unit - 1) &^ (unit - 1) }

// firstSlots is the length of an empty shard's table.
const firstSlots = 256

// init reserves the shard's memory: a sixteenth to an eighth for the table,
// which then is at most half full with entries of 64 bytes.
//
// The table begins short and doubles when it is half full: with few links it
// stays in the processor's caches, where a long one would take a line of them
// for each link.
func (s *shard) init(seed maphash.Seed, size int) {
	s.seed = seed
	s.slots = 1 << (bits.Len(uint(size/32)) - 1)
	s.table = make([]uint32, min(firstSlots, s.slots))
	s.ring = make([]byte, min(size-4*s.slots, maxShardBytes-unit)&^(unit-1))
}

// grow doubles the table.
func (s *shard) grow() {
	old := s.table
	s.table = make([]uint32, 2*len(old))
	for _, v := range old {
		if v != 0 {
			off := offsetOf(v)
			s.link(s.hashAt(off), off)
		}
	}
}

// find returns the slot and the position of an entry; slot is -1 when there is none.
func (s *shard) find(h uint64, domain uint16, slug []byte) (slot, off int) {
	mask := uint(len(s.table) - 1)
	tag := tagOf(h)
	for i := uint(h) & mask; ; i = (i + 1) & mask {
		v := s.table[i]
		if v == 0 {
			return -1, 0
		}
		if v>>offsetBits != tag {
			continue
		}
		off := offsetOf(v)
		e := s.ring[off:]
		if int(e[atSlugLen]) == len(slug) && binary.LittleEndian.Uint16(e[atDomain:]) == domain &&
			string(e[atSlug:atSlug+len(slug)]) == string(slug) {
			return int(i), off
		}
	}
}

// tagOf takes bits that neither choose the shard nor, in a table of up to 2^32
// slots, the slot.
func tagOf(h uint64) uint32 { return uint32(h>>40) & 0xff }

// offsetOf is the position in the ring that a slot names.
func offsetOf(v uint32) int { return (int(v&(1<<offsetBits-1)) - 1) * unit }

// link enters the entry at off, which is not in the table yet.
func (s *shard) link(h uint64, off int) {
	mask := uint(len(s.table) - 1)
	i := uint(h) & mask
	for s.table[i] != 0 {
		i = (i + 1) & mask
	}
	s.table[i] = tagOf(h)<<offsetBits | uint32(off/unit+1)
}

// unlink empties a slot and moves up the entries behind it that would not be
// found across the gap.
func (s *shard) unlink(slot int) {
	mask := uint(len(s.table) - 1)
	gap := uint(slot)
	for i := (gap + 1) & mask; s.table[i] != 0; i = (i + 1) & mask {
		home := uint(s.hashAt(offsetOf(s.table[i]))) & mask
		if (i-home)&mask >= (i-gap)&mask { // its home is at or before the gap
			s.table[gap] = s.table[i]
			gap = i
		}
	}
	s.table[gap] = 0
}

// hashAt is the hash of the entry at off.
func (s *shard) hashAt(off int) uint64 {
	e := s.ring[off:]
	return hash(s.seed, binary.LittleEndian.Uint16(e[atDomain:]), e[atSlug:atSlug+int(e[atSlugLen])])
}

// slotOf is the slot of the live entry at off.
func (s *shard) slotOf(h uint64, off int) int {
	mask := uint(len(s.table) - 1)
	want := tagOf(h)<<offsetBits | uint32(off/unit+1)
	for i := uint(h) & mask; ; i = (i + 1) & mask {
		switch s.table[i] {
		case want:
			return int(i)
		case 0:
			panic("BUG: cache entry without a slot")
		}
	}
}

// room makes room for size bytes and returns their position.
func (s *shard) room(size int) int {
	if s.entries >= len(s.table)/2 && len(s.table) < s.slots {
		s.grow()
	}
	chances := maxChances
	for s.entries >= len(s.table)/4*3 {
		s.retire(&chances)
	}
	for {
		if off, ok := s.reserve(size); ok {
			return off
		}
		s.retire(&chances)
	}
}

// reserve takes size bytes in one piece at the young end, if they are free.
func (s *shard) reserve(size int) (off int, ok bool) {
	if s.used == 0 {
		s.head, s.tail = 0, 0
	}
	switch {
	case s.used == len(s.ring):
		return 0, false
	case s.tail < s.head:
		if s.head-s.tail < size {
			return 0, false
		}
	case len(s.ring)-s.tail < size: // too little before the end: fill it, go on at the start
		if s.head < size {
			return 0, false
		}
		rest := len(s.ring) - s.tail
		if rest > 0 {
			binary.LittleEndian.PutUint16(s.ring[s.tail+atSize:], uint16(rest/unit))
			s.ring[s.tail+atState] = dead
			s.used += rest
		}
		s.tail = 0
	}
	off = s.tail
	s.tail += size
	s.used += size
	if s.tail == len(s.ring) {
		s.tail = 0
	}
	return off, true
}

// retire takes the oldest entry out of the ring, or gives it a second chance.
func (s *shard) retire(chances *int) {
	off := s.head
	size := int(binary.LittleEndian.Uint16(s.ring[off+atSize:])) * unit
	s.head += size
	s.used -= size
	if s.head == len(s.ring) {
		s.head = 0
	}
	state := s.ring[off+atState]
	if state&dead != 0 {
		return
	}
	h := s.hashAt(off)
	slot := s.slotOf(h, off)
	if state&referenced != 0 && *chances > 0 {
		if to, ok := s.reserve(size); ok {
			*chances--
			copy(s.ring[to:to+size], s.ring[off:off+size]) // may overlap
			s.ring[to+atState] &^= referenced
			s.table[slot] = tagOf(h)<<offsetBits | uint32(to/unit+1)
			return
		}
	}
	s.unlink(slot)
	s.entries--
}
