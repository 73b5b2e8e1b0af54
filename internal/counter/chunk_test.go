package counter

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/link"
)

var (
	anna = Traits{Class: link.Human, Rule: RuleBrowser, Referrer: "news.example.org", Country: "DE", Device: "mobile", Browser: "Firefox", OS: "Android"}
	bot  = Traits{Class: link.Crawler, Rule: "agent: bot"}
)

// someEntries makes entries by rising link, large enough for several chunks.
func someEntries(in *Interner, n int) []Entry {
	var entries []Entry
	number, ordinal := uint64(5), uint64(1000)
	for range n {
		number += 1 + rand.Uint64N(300)
		e := Entry{Link: number}
		for q := range int64(1 + rand.IntN(3)) {
			e.Cells = append(e.Cells, Cell{Quarter: 1_980_000 + q, Traits: in.ID(bot), Hits: 1 + rand.Uint64N(1000)})
			if rand.IntN(2) == 0 {
				e.Cells = append(e.Cells, Cell{Quarter: 1_980_000 + q, Traits: in.ID(anna), Hits: 1})
				ordinal += rand.Uint64N(9)
				e.Positions = append(e.Positions, ordinal)
				e.Referred, e.Last = true, (1_980_000+q)*quarterSeconds+rand.Int64N(900)
			}
		}
		slices.SortFunc(e.Cells, CompareCells)
		entries = append(entries, e)
	}
	return entries
}

type writtenChunk struct {
	first uint64
	data  []byte
}

func writeChunks(t testing.TB, in *Interner, entries []Entry) (chunks []writtenChunk) {
	t.Helper()
	w := NewChunkWriter(in, func(first uint64, chunk []byte) error {
		chunks = append(chunks, writtenChunk{first, slices.Clone(chunk)})
		return nil
	})
	for i := range entries {
		if err := w.Add(&entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return chunks
}

// plain copies the chunk's current entry with interned traits.
func plain(in *Interner, c *Chunk, traits []Traits) Entry {
	e := Entry{Link: c.Link, Referred: c.Referred, Last: c.Last, Cells: slices.Clone(c.Cells)}
	e.Positions = append(e.Positions, c.Positions...)
	for i := range e.Cells {
		e.Cells[i].Traits = in.ID(traits[e.Cells[i].Traits])
	}
	return e
}

func TestChunksHoldWhatWasAdded(t *testing.T) {
	var in Interner
	want := someEntries(&in, 9000)
	chunks := writeChunks(t, &in, want)
	if len(chunks) < 3 {
		t.Fatalf("got %d chunks; want several", len(chunks))
	}
	var got []Entry
	var c Chunk
	for _, w := range chunks {
		if err := c.Open(w.data); err != nil {
			t.Fatal(err)
		}
		traits, err := c.Traits(nil)
		if err != nil {
			t.Fatal(err)
		}
		begin := len(got)
		for c.Next() {
			got = append(got, plain(&in, &c, traits))
		}
		if err := c.Err(); err != nil {
			t.Fatal(err)
		}
		if got[begin].Link != w.first {
			t.Errorf("got first link %d; want %d", got[begin].Link, w.first)
		}
		// Every link is found, and between two links the one behind.
		for range 300 {
			i := begin + rand.IntN(len(got)-begin)
			for _, number := range []uint64{got[i].Link, got[max(i-1, begin)].Link + 1} {
				c.Seek(number)
				if !c.Next() || c.Link < number {
					t.Fatalf("seek %d: got link %d", number, c.Link)
				}
				if d := cmp.Diff(got[i].Link, c.Link); number == got[i].Link && d != "" {
					t.Fatalf("seek %d: %s", number, d)
				}
			}
		}
		c.Seek(got[len(got)-1].Link + 1)
		if c.Next() {
			t.Errorf("behind the last link: got link %d", c.Link)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestMergeAddsUp(t *testing.T) {
	a := Entry{Link: 1, Cells: []Cell{{1, 0, 2}, {2, 1, 1}}, Referred: true, Last: 900, Positions: []uint64{3}}
	b := Entry{Link: 1, Cells: []Cell{{1, 0, 5}, {2, 0, 1}}, Referred: true, Last: 100, Positions: []uint64{7}}
	a.Merge(&b)
	want := Entry{Link: 1, Cells: []Cell{{1, 0, 7}, {2, 0, 1}, {2, 1, 1}}, Referred: true, Last: 900, Positions: []uint64{3, 7}}
	if d := cmp.Diff(want, a); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestMergeKeepsTheNewestPositions(t *testing.T) {
	var e Entry
	for first := uint64(0); first < 3*MaxPositions; first += MaxPositions / 2 {
		from := Entry{Cells: []Cell{{1, 0, MaxPositions / 2}}}
		for p := first; p < first+MaxPositions/2; p++ {
			from.Positions = append(from.Positions, p)
		}
		e.Merge(&from)
	}
	if n := len(e.Positions); n != MaxPositions || e.Positions[0] != 2*MaxPositions || e.Positions[n-1] != 3*MaxPositions-1 {
		t.Errorf("got %d positions from %d to %d; want the newest %d", n, e.Positions[0], e.Positions[n-1], MaxPositions)
	}
	if e.Cells[0].Hits != 3*MaxPositions {
		t.Errorf("got %d hits; want all %d", e.Cells[0].Hits, 3*MaxPositions)
	}
}

func TestTotalsPageHoldsWhatWasAdded(t *testing.T) {
	var want, got TotalsPage
	want[0].Hits[link.Human], want[0].Last = 1<<63, 1_790_000_000
	want[3].Hits[link.Crawler] = 7
	want[127].Hits[link.Human], want[127].Last = 2, 1_790_000_900
	want[127].Hits[link.NoAgent] = 1
	if err := got.Decode(want.AppendTo(nil)); err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if err := got.Decode(nil); err != nil || got != (TotalsPage{}) {
		t.Errorf("no bytes: got %v, %v; want zeros", got, err)
	}
}

func FuzzChunk(f *testing.F) {
	var in Interner
	for _, w := range writeChunks(f, &in, someEntries(&in, 40)) {
		f.Add(w.data, uint64(700))
	}
	f.Add([]byte{chunkVersion}, uint64(0))
	f.Fuzz(func(t *testing.T, raw []byte, number uint64) {
		var c Chunk
		if c.Open(raw) != nil {
			return
		}
		// Whatever the bytes say, reading ends and stays within them.
		_, _ = c.Traits(nil)
		c.Seek(number)
		for c.Next() {
			for _, cell := range c.Cells {
				_ = c.Class(cell.Traits)
			}
		}
		_ = c.Err()
	})
}

func FuzzTotalsPage(f *testing.F) {
	var p TotalsPage
	p[9].Hits[link.Human], p[9].Last = 3, 1_790_000_000
	f.Add(p.AppendTo(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p, again TotalsPage
		if p.Decode(raw) != nil {
			return
		}
		if err := again.Decode(p.AppendTo(nil)); err != nil || again != p {
			t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(p, again))
		}
	})
}
