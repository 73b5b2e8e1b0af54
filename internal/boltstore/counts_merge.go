package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"herald.example/internal/counter"
)

// A step of a merge ends after this much output, and holds the file's writer no
// longer than that takes: some 50 ms of work.
const (
	stepBytes = 1 << 20 // of chunks
	stepPages = 4096    // of totals
)

// Merge implements counter.Store: it does one step of the merge of the lowest
// level that has one under way or due.
func (s *Counts) Merge(oldest uint64, breathe func()) (more bool, err error) {
	due := false
	err = s.db.View(func(tx *bbolt.Tx) error {
		m, err := dueMerge(tx)
		due = m != nil
		return err
	})
	if err != nil || !due {
		return false, mergeError(err)
	}
	err = s.db.Update(func(tx *bbolt.Tx) error {
		m, err := dueMerge(tx)
		if err != nil || m == nil {
			return err
		}
		if m.output == 0 {
			runs := tx.Bucket(runsBucket)
			if m.output, err = runs.NextSequence(); err != nil {
				return err
			}
			if _, err := runs.CreateBucket(runKey(m.level+1, m.output)); err != nil {
				return err
			}
		}
		s.mapping.touch()
		return m.step(tx, oldest, breathe)
	})
	return err == nil, mergeError(err)
}

func mergeError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("merge counts: %w", closedError(err))
}

// dueMerge returns the merge to go on with: of the lowest level with one under
// way, or with enough runs for a new one, whose output is then zero; nil when
// there is nothing to do.
func dueMerge(tx *bbolt.Tx) (*merge, error) {
	merges, err := allMerges(tx)
	if err != nil {
		return nil, err
	}
	var free [256][]uint64 // runs by level that no merge has to do with
	c := tx.Bucket(runsBucket).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if len(k) != 9 {
			return nil, fmt.Errorf("%w: key of a run of counts", ErrDamaged)
		}
		level, id := k[0], binary.BigEndian.Uint64(k[1:])
		if !slices.ContainsFunc(merges, func(m merge) bool {
			return m.level == level && slices.Contains(m.inputs, id) || m.level+1 == level && m.output == id
		}) {
			free[level] = append(free[level], id)
		}
	}
	for level := range byte(255) {
		for i := range merges {
			if merges[i].level == level {
				return &merges[i], nil
			}
		}
		if len(free[level]) >= mergeFanout {
			return &merge{level: level, inputs: free[level][:mergeFanout]}, nil
		}
	}
	return nil, nil
}

// step merges links from m.next on, until the step is large enough or all is
// done; then the inputs are removed.
func (m *merge) step(tx *bbolt.Tx, oldest uint64, breathe func()) error {
	runs := tx.Bucket(runsBucket)
	out := runs.Bucket(runKey(m.level+1, m.output))
	if out == nil {
		return fmt.Errorf("%w: output of a merge is missing", ErrDamaged)
	}
	out.FillPercent = 1 // written once, in order
	intern := new(counter.Interner)
	written := 0
	w := counter.NewChunkWriter(intern, func(first uint64, chunk []byte) error {
		written += len(chunk)
		return out.Put(binary.BigEndian.AppendUint64(nil, first), slices.Clone(chunk))
	})
	totals := totalsWriter{bucket: tx.Bucket(totalsBucket)}
	totals.bucket.FillPercent = 0.9 // pages grow slowly
	inputs, err := m.open(tx, intern)
	if err != nil {
		return err
	}
	var e counter.Entry
	for count := 0; written < stepBytes && totals.pages < stepPages; count++ {
		if count%64 == 0 {
			breathe()
		}
		number := slices.Min(inputs.heads)
		if number == noLink {
			if err := errors.Join(w.Flush(), totals.flush()); err != nil {
				return err
			}
			return m.finish(tx)
		}
		e = counter.Entry{Link: number, Cells: e.Cells[:0], Positions: e.Positions[:0]}
		for i, head := range inputs.heads {
			if head != number {
				continue
			}
			in := inputs.list[i]
			if m.level == totalsLevel {
				if err := totals.add(&in.run.chunk); err != nil {
					return err
				}
			}
			in.translate(oldest)
			e.Merge(&in.run.chunk.Entry)
			if err := inputs.advance(i); err != nil {
				return err
			}
		}
		if err := w.Add(&e); err != nil {
			return err
		}
		m.next = number + 1
	}
	if err := errors.Join(w.Flush(), totals.flush()); err != nil {
		return err
	}
	return tx.Bucket(mergesBucket).Put([]byte{m.level}, m.encode())
}

func (m *merge) finish(tx *bbolt.Tx) error {
	runs := tx.Bucket(runsBucket)
	for _, id := range m.inputs {
		if err := runs.DeleteBucket(runKey(m.level, id)); err != nil {
			return err
		}
	}
	return tx.Bucket(mergesBucket).Delete([]byte{m.level})
}

// inputs are the runs on their way into a merge.
type inputs struct {
	list  []*input
	heads []uint64 // links of the current entries; noLink behind the last one
}

type input struct {
	run    *runReader
	intern *counter.Interner
	traits []counter.Traits
	ids    []uint32 // of the current chunk's traits
	err    error
}

func (m *merge) open(tx *bbolt.Tx, intern *counter.Interner) (*inputs, error) {
	ins := &inputs{heads: make([]uint64, len(m.inputs))}
	for i, id := range m.inputs {
		in := &input{intern: intern, run: openRun(tx, span{level: m.level, id: id, first: m.next, behind: noLink})}
		in.run.opened = in.load
		ins.list = append(ins.list, in)
		if err := ins.advance(i); err != nil {
			return nil, err
		}
	}
	return ins, nil
}

// load numbers the traits of the chunk just opened.
func (in *input) load() {
	in.traits, in.err = in.run.chunk.Traits(in.traits[:0])
	in.ids = in.ids[:0]
	for _, t := range in.traits {
		in.ids = append(in.ids, in.intern.ID(t))
	}
}

// advance moves input i to its next entry.
func (ins *inputs) advance(i int) error {
	in := ins.list[i]
	more, err := in.run.next()
	if err != nil {
		return err
	}
	ins.heads[i] = noLink
	if more {
		ins.heads[i] = in.run.chunk.Link
	}
	return in.err
}

// translate makes the current entry speak of interned traits, and drops the
// positions that the ledger holds no more.
func (in *input) translate(oldest uint64) {
	e := &in.run.chunk.Entry
	for i := range e.Cells {
		e.Cells[i].Traits = in.ids[e.Cells[i].Traits]
	}
	if len(e.Cells) > 1 {
		slices.SortFunc(e.Cells, counter.CompareCells)
	}
	if len(e.Positions) > 0 && e.Positions[0] < oldest {
		i, _ := slices.BinarySearch(e.Positions, oldest)
		e.Positions = e.Positions[i:]
	}
}

// totalsWriter adds entries that come in link order to the pages of totals.
type totalsWriter struct {
	bucket *bbolt.Bucket
	page   counter.TotalsPage
	number uint64
	dirty  bool
	pages  int
}

func (t *totalsWriter) add(c *counter.Chunk) error {
	if n := c.Link / counter.TotalsLinks; !t.dirty || n != t.number {
		if err := t.flush(); err != nil {
			return err
		}
		t.number, t.dirty = n, true
		if err := t.page.Decode(t.bucket.Get(binary.BigEndian.AppendUint64(nil, n))); err != nil {
			return fmt.Errorf("totals of link %d: %w", c.Link, err)
		}
	}
	t.page[c.Link%counter.TotalsLinks].Add(c)
	return nil
}

func (t *totalsWriter) flush() error {
	if !t.dirty {
		return nil
	}
	t.dirty = false
	t.pages++
	return t.bucket.Put(binary.BigEndian.AppendUint64(nil, t.number), t.page.AppendTo(nil))
}
