package counter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"herald.example/internal/link"
	"herald.example/internal/varint"
)

// A chunk is a run of counts in link order, a few tens of kilobytes, with each
// combination of traits once. Chunks are what stores keep: a flush writes some,
// merges make larger and fewer of them. A chunk never changes.
//
//	byte version
//	uvarint first link, uvarint quarter and ordinal that the deltas below start from
//	uvarint number of traits, a class byte for each
//	uvarint length of the dictionary: uvarint number of strings, each uvarint length and bytes;
//	        then for each traits six uvarint indexes: rule, referrer, country, device, browser, os
//	uvarint number of marks: every markEvery entries uvarint link delta, uvarint offset delta
//	entries, by rising link:
//	        uvarint link delta
//	        uvarint number of cells, each varint quarter delta, uvarint traits, uvarint hits
//	        uvarint 2 x number of positions, plus 1 when there were referrals: then
//	        varint seconds of the last one since the quarter above;
//	        positions: varint delta to the ordinal above, then uvarint deltas
const (
	chunkVersion = 1
	chunkTarget  = 32 << 10 // bytes of entries; large enough for the dictionary, small enough for a lookup
	markEvery    = 16       // entries between marks: a lookup decodes half as many

	quarterSeconds = int64(link.Quarter / 1e9)
)

// MaxPositions is how many referrals of a link can be read in full: the newest.
// Of a link with a hundred million, all would be a hundred megabytes.
const MaxPositions = 10_000

// ErrChunk is returned for bytes that are no chunk.
var ErrChunk = errors.New("damaged counts")

// Cell is a number of hits of one link in one quarter hour with the same traits.
type Cell struct {
	Quarter int64  // since 1970
	Traits  uint32 // number given by an Interner, or index within a Chunk
	Hits    uint64
}

// Entry is all that a chunk says of one link.
type Entry struct {
	Link      uint64
	Cells     []Cell   // by quarter, then traits
	Referred  bool     // there were referrals
	Last      int64    // Unix seconds of the latest of them
	Positions []uint64 // ordinals of the newest MaxPositions that the ledger still holds, rising
}

// Interner gives traits small numbers. The zero Interner is ready.
type Interner struct {
	ids    map[Traits]uint32
	traits []Traits
}

// ID returns the number of t.
func (in *Interner) ID(t Traits) uint32 {
	id, ok := in.ids[t]
	if !ok {
		if in.ids == nil {
			in.ids = make(map[Traits]uint32)
		}
		// The strings may be parts of something large that is about to go.
		t.Rule, t.Referrer, t.Country = strings.Clone(t.Rule), strings.Clone(t.Referrer), strings.Clone(t.Country)
		t.Device, t.Browser, t.OS = strings.Clone(t.Device), strings.Clone(t.Browser), strings.Clone(t.OS)
		id = uint32(len(in.traits))
		in.ids[t] = id
		in.traits = append(in.traits, t)
	}
	return id
}

// Traits is the inverse of ID.
func (in *Interner) Traits(id uint32) Traits { return in.traits[id] }

// snapshot returns what can be looked up now, for those who go on reading while
// in grows. It numbers nothing.
func (in *Interner) snapshot() *Interner { return &Interner{traits: in.traits} }

// Len is the number of different traits seen.
func (in *Interner) Len() int { return len(in.traits) }

// ChunkWriter encodes entries into chunks. Entries are added by rising link,
// and their traits are numbers of the Interner.
type ChunkWriter struct {
	intern *Interner
	emit   func(first uint64, chunk []byte) error

	entries      []byte
	marks        []byte
	markCount    int
	count        int
	first, last  uint64 // links
	markLink     uint64
	markOffset   int
	baseQuarter  int64
	baseOrdinal  uint64
	local        []uint32 // by interned id: index in this chunk plus one, when of this chunk
	generation   []uint32
	current      uint32
	used         []uint32 // interned ids, by index
	chunk, words []byte
	wordIndex    map[string]uint64
}

// NewChunkWriter returns a writer that hands each finished chunk to emit, which
// must not keep the bytes.
func NewChunkWriter(intern *Interner, emit func(first uint64, chunk []byte) error) *ChunkWriter {
	return &ChunkWriter{intern: intern, emit: emit, current: 1, wordIndex: make(map[string]uint64)}
}

// Add appends an entry; e is borrowed.
func (w *ChunkWriter) Add(e *Entry) error {
	if len(w.entries) >= chunkTarget {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if w.count == 0 {
		w.first, w.last, w.markLink = e.Link, e.Link, e.Link
		w.baseQuarter = e.Cells[0].Quarter
		w.baseOrdinal = 0
		if len(e.Positions) > 0 {
			w.baseOrdinal = e.Positions[0]
		}
	} else if w.count%markEvery == 0 {
		w.marks = binary.AppendUvarint(w.marks, e.Link-w.markLink)
		w.marks = binary.AppendUvarint(w.marks, uint64(len(w.entries)-w.markOffset))
		w.markLink, w.markOffset = e.Link, len(w.entries)
		w.markCount++
	}
	w.count++
	dst := binary.AppendUvarint(w.entries, e.Link-w.last)
	w.last = e.Link
	dst = binary.AppendUvarint(dst, uint64(len(e.Cells)))
	for _, c := range e.Cells {
		dst = binary.AppendVarint(dst, c.Quarter-w.baseQuarter)
		dst = binary.AppendUvarint(dst, uint64(w.index(c.Traits)))
		dst = binary.AppendUvarint(dst, c.Hits)
	}
	tail := uint64(len(e.Positions)) << 1
	if e.Referred {
		dst = binary.AppendUvarint(dst, tail|1)
		dst = binary.AppendVarint(dst, e.Last-w.baseQuarter*quarterSeconds)
	} else {
		dst = binary.AppendUvarint(dst, tail)
	}
	if len(e.Positions) > 0 {
		dst = binary.AppendVarint(dst, int64(e.Positions[0]-w.baseOrdinal))
		for i, p := range e.Positions[1:] {
			dst = binary.AppendUvarint(dst, p-e.Positions[i])
		}
	}
	w.entries = dst
	return nil
}

// index returns the chunk's own number for interned traits.
func (w *ChunkWriter) index(id uint32) uint32 {
	if int(id) >= len(w.local) {
		n := w.intern.Len()
		w.local = append(w.local, make([]uint32, n-len(w.local))...)
		w.generation = append(w.generation, make([]uint32, n-len(w.generation))...)
	}
	if w.generation[id] != w.current {
		w.generation[id] = w.current
		w.local[id] = uint32(len(w.used))
		w.used = append(w.used, id)
	}
	return w.local[id]
}

// Flush emits the entries added since the last chunk.
func (w *ChunkWriter) Flush() error {
	if w.count == 0 {
		return nil
	}
	words, tuples := w.words[:0], []byte(nil)
	clear(w.wordIndex)
	word := func(s string) {
		i, ok := w.wordIndex[s]
		if !ok {
			i = uint64(len(w.wordIndex))
			w.wordIndex[s] = i
			words = append(binary.AppendUvarint(words, uint64(len(s))), s...)
		}
		tuples = binary.AppendUvarint(tuples, i)
	}
	dst := append(w.chunk[:0], chunkVersion)
	dst = binary.AppendUvarint(dst, w.first)
	dst = binary.AppendUvarint(dst, uint64(w.baseQuarter))
	dst = binary.AppendUvarint(dst, w.baseOrdinal)
	dst = binary.AppendUvarint(dst, uint64(len(w.used)))
	for _, id := range w.used {
		t := w.intern.Traits(id)
		dst = append(dst, byte(t.Class))
		for _, s := range [...]string{t.Rule, t.Referrer, t.Country, t.Device, t.Browser, t.OS} {
			word(s)
		}
	}
	count := binary.AppendUvarint(nil, uint64(len(w.wordIndex)))
	dst = binary.AppendUvarint(dst, uint64(len(count)+len(words)+len(tuples)))
	dst = append(append(append(dst, count...), words...), tuples...)
	dst = binary.AppendUvarint(dst, uint64(w.markCount))
	dst = append(append(dst, w.marks...), w.entries...)
	w.words, w.chunk = words, dst
	w.entries, w.marks, w.used = w.entries[:0], w.marks[:0], w.used[:0]
	w.count, w.markCount, w.markOffset = 0, 0, 0
	w.current++
	return w.emit(w.first, dst)
}

// Chunk reads the entries of a chunk in link order. It aliases the bytes it was
// opened on. The Entry is filled anew by every call of Next.
type Chunk struct {
	Entry
	classes     []byte
	dictionary  []byte
	marks       []byte
	entries     []byte // not yet read
	all         []byte
	first       uint64
	baseQuarter int64
	baseOrdinal uint64
	bad         bool
}

// Open makes c read b from its first entry.
func (c *Chunk) Open(b []byte) error {
	r := varint.Reader{B: b}
	if r.Byte() != chunkVersion {
		return fmt.Errorf("%w: version of a chunk is not %d", ErrChunk, chunkVersion)
	}
	c.first = r.Uvarint()
	c.baseQuarter = int64(r.Uvarint())
	c.baseOrdinal = r.Uvarint()
	c.classes = r.String()
	c.dictionary = r.String()
	marks := r.Uvarint()
	start := r.B
	for range min(marks, uint64(len(b))) {
		r.Uvarint()
		r.Uvarint()
	}
	if r.Bad {
		return fmt.Errorf("%w: header of a chunk", ErrChunk)
	}
	c.marks = start[:len(start)-len(r.B)]
	c.all, c.entries, c.Link, c.bad = r.B, r.B, c.first, false
	return nil
}

// Seek makes the next entry the first whose link is not below number.
func (c *Chunk) Seek(number uint64) {
	c.entries, c.Link = c.all, c.first
	marks := varint.Reader{B: c.marks}
	at, offset := c.first, uint64(0)
	for len(marks.B) > 0 {
		at += marks.Uvarint()
		offset += marks.Uvarint()
		if at > number || offset > uint64(len(c.all)) {
			break
		}
		// The entry's own delta leads to its link from the entry before.
		r := varint.Reader{B: c.all[offset:]}
		c.entries, c.Link = c.all[offset:], at-r.Uvarint()
	}
	for len(c.entries) > 0 {
		r := varint.Reader{B: c.entries}
		if c.Link+r.Uvarint() >= number || !c.Next() {
			return
		}
	}
}

// Next reads the next entry and reports whether there was one. After the last
// one Err tells whether the chunk was whole.
func (c *Chunk) Next() bool {
	if len(c.entries) == 0 {
		return false
	}
	r := varint.Reader{B: c.entries}
	c.Link += r.Uvarint()
	cells := r.Uvarint()
	c.Cells = c.Cells[:0]
	for range min(cells, uint64(len(r.B))) {
		c.Cells = append(c.Cells, Cell{
			Quarter: c.baseQuarter + r.Varint(),
			Traits:  uint32(r.Uvarint()),
			Hits:    r.Uvarint(),
		})
		if int(c.Cells[len(c.Cells)-1].Traits) >= len(c.classes) {
			r.Bad = true
			break
		}
	}
	tail := r.Uvarint()
	c.Referred, c.Last = tail&1 != 0, 0
	if c.Referred {
		c.Last = c.baseQuarter*quarterSeconds + r.Varint()
	}
	positions := tail >> 1
	c.Positions = c.Positions[:0]
	if positions > 0 {
		p := c.baseOrdinal + uint64(r.Varint())
		c.Positions = append(c.Positions, p)
		for range min(positions-1, uint64(len(r.B))) {
			p += r.Uvarint()
			c.Positions = append(c.Positions, p)
		}
	}
	c.entries = r.B
	if r.Bad || cells == 0 || uint64(len(c.Cells)) != cells || uint64(len(c.Positions)) != positions {
		c.bad, c.entries = true, nil
		return false
	}
	return true
}

// Err is ErrChunk when reading met anything but what a ChunkWriter wrote.
func (c *Chunk) Err() error {
	if c.bad {
		return fmt.Errorf("%w: entry behind link %d", ErrChunk, c.Link)
	}
	return nil
}

// Class is the class of traits, given by their index.
func (c *Chunk) Class(traits uint32) link.Class {
	return link.Class(c.classes[traits])
}

// Traits decodes the dictionary; index i holds the traits that cells call i.
// The strings alias nothing.
func (c *Chunk) Traits(dst []Traits) ([]Traits, error) {
	r := varint.Reader{B: c.dictionary}
	n := r.Uvarint()
	words := make([]string, 0, min(n, uint64(len(c.dictionary))))
	for range cap(words) {
		words = append(words, string(r.String()))
	}
	for _, class := range c.classes {
		t := Traits{Class: link.Class(class)}
		for _, field := range [...]*string{&t.Rule, &t.Referrer, &t.Country, &t.Device, &t.Browser, &t.OS} {
			i := r.Uvarint()
			if i >= uint64(len(words)) {
				return dst, fmt.Errorf("%w: dictionary of a chunk", ErrChunk)
			}
			*field = words[i]
		}
		dst = append(dst, t)
	}
	if r.Bad || len(r.B) != 0 {
		return dst, fmt.Errorf("%w: dictionary of a chunk", ErrChunk)
	}
	return dst, nil
}

// Merge combines entries of one link, oldest first, into dst. The cells' traits
// must be numbers of one Interner.
func (e *Entry) Merge(from *Entry) {
	sorted := len(e.Cells) == 0 || len(from.Cells) == 0 || CompareCells(e.Cells[len(e.Cells)-1], from.Cells[0]) < 0
	e.Cells = append(e.Cells, from.Cells...)
	if !sorted {
		slices.SortStableFunc(e.Cells, CompareCells)
		out := e.Cells[:1]
		for _, c := range e.Cells[1:] {
			if last := &out[len(out)-1]; CompareCells(*last, c) == 0 {
				last.Hits += c.Hits
			} else {
				out = append(out, c)
			}
		}
		e.Cells = out
	}
	if from.Referred && (!e.Referred || from.Last > e.Last) {
		e.Referred, e.Last = true, from.Last
	}
	e.Positions = append(e.Positions, from.Positions...)
	if over := len(e.Positions) - MaxPositions; over > 0 {
		e.Positions = e.Positions[:copy(e.Positions, e.Positions[over:])]
	}
}

// CompareCells orders cells by quarter, then traits.
func CompareCells(a, b Cell) int {
	switch {
	case a.Quarter != b.Quarter:
		if a.Quarter < b.Quarter {
			return -1
		}
		return 1
	case a.Traits != b.Traits:
		if a.Traits < b.Traits {
			return -1
		}
		return 1
	}
	return 0
}
