package boltstore

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"herald.example/internal/counter"
)

// Counts is the store of counts, a counter.Store. All methods are safe for
// concurrent use.
//
// A committed batch is a run of level 0. mergeFanout runs of one level are
// merged into one of the next, in link order and in bounded steps, so that a
// count is written once for each level and never looked for in many places.
// On the way from level 1 to level 2 the hits are also added to the pages of
// totals: updating totals with every flush would write a page for nearly every
// hit when hits are spread over many links.
//
//	meta     what the file holds; see kind
//	sources  UUID of a ledger -> byte version, uint64 number and uint64 position of its last batch
//	runs     byte level, uint64 id -> bucket: uint64 first link -> counter.Chunk
//	merges   byte level of the inputs -> byte version, uint64 id of the output (of the level above),
//	         uint64 link that comes next, uint64 ids of the inputs, oldest first
//	totals   uint64 link number / counter.TotalsLinks -> counter.TotalsPage
//
// Integers are big-endian. While a merge is under way, links below the one that
// comes next are read from its output, the others from its inputs.
type Counts struct {
	db      *bbolt.DB
	mapping *mapping
}

var (
	sourcesBucket = []byte("sources")
	runsBucket    = []byte("runs")
	mergesBucket  = []byte("merges")
	totalsBucket  = []byte("totals")

	countsKind = kind{name: "counts", version: 1, buckets: [][]byte{sourcesBucket, runsBucket, mergesBucket, totalsBucket}}
)

const (
	sourceVersion = 1
	mergeVersion  = 1

	// mergeFanout is how many runs of a level make one of the next. Ten keeps a
	// reading at no more than ten lookups for each level, and lets the totals
	// take the hits of a hundred flushes at once.
	mergeFanout = 10
	// totalsLevel is the level whose merge adds hits to the totals.
	totalsLevel = 1
)

// OpenCounts opens the counts in the file at path, which is made if it is not
// there. It returns an error that wraps ErrInUse when another store has the file
// open, and one that wraps ErrFile when it holds no counts of this version.
//
// The caller runs Run while the store is in use, and ends with Close.
func OpenCounts(path string) (*Counts, error) {
	db, _, err := openFile(path, countsKind)
	if err != nil {
		return nil, fmt.Errorf("open counts: %w", err)
	}
	return &Counts{db: db, mapping: newMapping(db, defaultResident)}, nil
}

// Close closes the file. Methods called later return ErrClosed; it waits for
// those that run. Run must have returned.
func (s *Counts) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close counts: %w", err)
	}
	return nil
}

// Run gives mapped memory back when more than 64 MiB are held, until ctx is
// done; then it returns nil. It is called once at a time.
func (s *Counts) Run(ctx context.Context) error {
	return s.mapping.run(ctx, func() {})
}

// Applied implements counter.Store. An empty source asks for the highest number
// and position of all sources.
func (s *Counts) Applied(source string) (number, position uint64, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		number, position, err = applied(tx, source)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read position of counts: %w", closedError(err))
	}
	return number, position, nil
}

func applied(tx *bbolt.Tx, source string) (number, position uint64, err error) {
	b := tx.Bucket(sourcesBucket)
	read := func(v []byte) error {
		if len(v) != 17 || v[0] != sourceVersion {
			return fmt.Errorf("%w: position of a source", ErrDamaged)
		}
		number = max(number, binary.BigEndian.Uint64(v[1:]))
		position = max(position, binary.BigEndian.Uint64(v[9:]))
		return nil
	}
	if source == "" {
		err = b.ForEach(func(_, v []byte) error { return read(v) })
	} else if v := b.Get([]byte(source)); v != nil {
		err = read(v)
	}
	return number, position, err
}

// Commit implements counter.Store.
func (s *Counts) Commit(b *counter.Batch) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		number, position, err := applied(tx, b.Source)
		if err != nil || b.Number <= number {
			return err
		}
		if b.Number != number+1 || b.Position < position {
			return fmt.Errorf("batch %d up to hit %d does not follow batch %d up to hit %d", b.Number, b.Position, number, position)
		}
		v := binary.BigEndian.AppendUint64([]byte{sourceVersion}, b.Number)
		v = binary.BigEndian.AppendUint64(v, b.Position)
		if err := tx.Bucket(sourcesBucket).Put([]byte(b.Source), v); err != nil {
			return err
		}
		runs := tx.Bucket(runsBucket)
		id, err := runs.NextSequence()
		if err != nil {
			return err
		}
		run, err := runs.CreateBucket(runKey(0, id))
		if err != nil {
			return err
		}
		for _, c := range b.Chunks {
			if err := run.Put(binary.BigEndian.AppendUint64(nil, c.First), c.Data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit batch of counts: %w", closedError(err))
	}
	return nil
}

// runKey is the key of a run; runs of a level sort by age.
func runKey(level byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{level}, id)
}

// span is a run as far as it is to be read: links from first up to and without
// behind.
type span struct {
	level         byte
	id            uint64
	first, behind uint64
}

const noLink = ^uint64(0)

// spans lists the runs, those of the highest level first and within a level by
// age, so that the hits of a link come oldest first.
func spans(tx *bbolt.Tx) ([]span, error) {
	merges, err := allMerges(tx)
	if err != nil {
		return nil, err
	}
	var list []span
	c := tx.Bucket(runsBucket).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if len(k) != 9 {
			return nil, fmt.Errorf("%w: key of a run of counts", ErrDamaged)
		}
		r := span{level: k[0], id: binary.BigEndian.Uint64(k[1:]), behind: noLink}
		for _, m := range merges {
			switch {
			case m.level == r.level && slices.Contains(m.inputs, r.id):
				r.first = max(r.first, m.next)
			case m.level+1 == r.level && m.output == r.id:
				r.behind = min(r.behind, m.next)
			}
		}
		if r.first < r.behind {
			list = append(list, r)
		}
	}
	slices.SortStableFunc(list, func(a, b span) int { return int(b.level) - int(a.level) })
	return list, nil
}

// merge is one under way.
type merge struct {
	level  byte // of the inputs
	output uint64
	next   uint64
	inputs []uint64
}

func (m *merge) encode() []byte {
	v := binary.BigEndian.AppendUint64([]byte{mergeVersion}, m.output)
	v = binary.BigEndian.AppendUint64(v, m.next)
	for _, id := range m.inputs {
		v = binary.BigEndian.AppendUint64(v, id)
	}
	return v
}

func decodeMerge(k, v []byte) (merge, error) {
	if len(k) != 1 || len(v) < 17 || len(v)%8 != 1 || v[0] != mergeVersion {
		return merge{}, fmt.Errorf("%w: merge of counts", ErrDamaged)
	}
	m := merge{level: k[0], output: binary.BigEndian.Uint64(v[1:]), next: binary.BigEndian.Uint64(v[9:])}
	for v = v[17:]; len(v) > 0; v = v[8:] {
		m.inputs = append(m.inputs, binary.BigEndian.Uint64(v))
	}
	return m, nil
}

func allMerges(tx *bbolt.Tx) (merges []merge, err error) {
	err = tx.Bucket(mergesBucket).ForEach(func(k, v []byte) error {
		m, err := decodeMerge(k, v)
		merges = append(merges, m)
		return err
	})
	return merges, err
}

// Read implements counter.Store.
func (s *Counts) Read(f func(r counter.Reading) error) error {
	return closedError(s.db.View(func(tx *bbolt.Tx) error {
		list, err := spans(tx)
		if err != nil {
			return err
		}
		return f(&reading{tx: tx, spans: list, mapping: s.mapping})
	}))
}

// reading is a counter.Reading of one transaction.
type reading struct {
	tx      *bbolt.Tx
	spans   []span
	mapping *mapping
}

// Number implements counter.Reading.
func (r *reading) Number(source string) uint64 {
	number, _, err := applied(r.tx, source)
	if err != nil {
		return 0
	}
	return number
}

// Position implements counter.Reading.
func (r *reading) Position() (uint64, error) {
	_, position, err := applied(r.tx, "")
	return position, err
}

// Sums implements counter.Reading.
func (r *reading) Sums(links []uint64) ([]counter.Sums, error) {
	sums := make([]counter.Sums, len(links))
	order := ascending(links)
	var page counter.TotalsPage
	last := noLink
	totals := r.tx.Bucket(totalsBucket).Cursor()
	for _, i := range order {
		if n := links[i] / counter.TotalsLinks; n != last {
			r.mapping.touch()
			if err := page.Decode(seekExact(totals, n)); err != nil {
				return nil, fmt.Errorf("totals of link %d: %w", links[i], err)
			}
			last = n
		}
		sums[i] = page[links[i]%counter.TotalsLinks]
	}
	err := r.entries(totalsLevel, links, order, func(i int, c *counter.Chunk) error {
		sums[i].Add(c)
		return nil
	})
	return sums, err
}

// ascending returns the places of links by rising link.
func ascending(links []uint64) []int {
	order := make([]int, len(links))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(links[a], links[b]) })
	return order
}

// seekExact returns the value under the number, or nil.
func seekExact(c *bbolt.Cursor, number uint64) []byte {
	key := binary.BigEndian.AppendUint64(nil, number)
	if k, v := c.Seek(key); slices.Equal(k, key) {
		return v
	}
	return nil
}

// Entries implements counter.Reading.
func (r *reading) Entries(links []uint64, f func(place int, c *counter.Chunk) error) error {
	return r.entries(255, links, ascending(links), f)
}

// entries is Entries of the runs up to a level. Each run is gone through once.
func (r *reading) entries(level byte, links []uint64, order []int, f func(place int, c *counter.Chunk) error) error {
	for _, sp := range r.spans {
		if sp.level > level {
			continue
		}
		run := openRun(r.tx, sp)
		for _, i := range order {
			r.mapping.touch()
			found, err := run.find(links[i])
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			if err := f(i, &run.chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// Range implements counter.Reading.
func (r *reading) Range(first, behind uint64, sums []counter.Sums) error {
	c := r.tx.Bucket(totalsBucket).Cursor()
	var page counter.TotalsPage
	start := binary.BigEndian.AppendUint64(nil, first/counter.TotalsLinks)
	for k, v := c.Seek(start); k != nil; k, v = c.Next() {
		base := binary.BigEndian.Uint64(k) * counter.TotalsLinks
		if base >= behind {
			break
		}
		if err := page.Decode(v); err != nil {
			return fmt.Errorf("totals from link %d: %w", base, err)
		}
		for i := range page {
			if n := base + uint64(i); n >= first && n < behind {
				sums[n-first].Merge(&page[i])
			}
		}
	}
	for _, sp := range r.spans {
		if sp.level > totalsLevel {
			continue
		}
		sp.first, sp.behind = max(sp.first, first), min(sp.behind, behind)
		run := openRun(r.tx, sp)
		for {
			more, err := run.next()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			sums[run.chunk.Link-first].Add(&run.chunk)
		}
	}
	return nil
}

// runReader goes over the entries of a span.
type runReader struct {
	span
	cursor  *bbolt.Cursor
	chunk   counter.Chunk
	open    bool   // chunk is open
	opened  func() // called for each chunk opened; may be nil
	started bool
}

func openRun(tx *bbolt.Tx, sp span) *runReader {
	return &runReader{span: sp, cursor: tx.Bucket(runsBucket).Bucket(runKey(sp.level, sp.id)).Cursor()}
}

// seek opens the chunk that would hold number.
func (r *runReader) seek(number uint64) error {
	key := binary.BigEndian.AppendUint64(nil, number)
	k, v := r.cursor.Seek(key)
	if !slices.Equal(k, key) {
		// The chunk before begins below the number.
		if k == nil {
			k, v = r.cursor.Last()
		} else if pk, pv := r.cursor.Prev(); pk != nil {
			k, v = pk, pv
		} else {
			k, v = r.cursor.First()
		}
	}
	return r.use(k, v)
}

func (r *runReader) use(k, v []byte) error {
	if r.open = k != nil; !r.open {
		return nil
	}
	if err := r.chunk.Open(v); err != nil {
		return fmt.Errorf("counts of run %d: %w", r.id, err)
	}
	if r.opened != nil {
		r.opened()
	}
	return nil
}

// find moves to the entry of the link and reports whether there is one.
func (r *runReader) find(number uint64) (bool, error) {
	if number < r.first || number >= r.behind {
		return false, nil
	}
	if err := r.seek(number); err != nil || !r.open {
		return false, err
	}
	r.chunk.Seek(number)
	if r.chunk.Next() {
		return r.chunk.Link == number, nil
	}
	return false, r.chunk.Err()
}

// next moves to the next entry of the span and reports whether there is one.
func (r *runReader) next() (bool, error) {
	if !r.started {
		r.started = true
		if err := r.seek(r.first); err != nil {
			return false, err
		}
		if r.open {
			r.chunk.Seek(r.first)
		}
	}
	for r.open {
		if r.chunk.Next() {
			return r.chunk.Link < r.behind, nil
		}
		if err := r.chunk.Err(); err != nil {
			return false, err
		}
		if err := r.use(r.cursor.Next()); err != nil {
			return false, err
		}
	}
	return false, nil
}
