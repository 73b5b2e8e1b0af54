package boltstore

import (
	"context"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

// mapping bounds how much of a mapped file counts as this process's memory.
//
// bbolt reads its file through a mapping, and a page that was read stays in the
// process's page tables: after enough lookups all over a file of 2 GB the
// process is said to use 2 GB, although every page is a clean page of the page
// cache. The kernel maps the 15 neighbours of a page along with it, so a few
// thousand scattered lookups are enough for a hundred megabytes. Giving the
// mapping back (madvise, MADV_DONTNEED) takes the pages out of the page tables
// and leaves them in the page cache: nothing is lost, nothing is read from disk
// again, and the next access costs a minor fault.
//
// How much is mapped is read from the field "shared" of /proc/self/statm: the
// process's pages of files, which the kernel keeps as a counter. mincore would
// say what is in the page cache, for everybody, and smaps walks the page tables.
// The counter holds the pages of all files; what it shows just after giving back
// is the others' share, and only what is above that is taken for the file's.
type mapping struct {
	db      *bbolt.DB
	bound   int64         // bytes; negative: none
	every   uint64        // accesses between two nudges
	touched atomic.Uint64 // accesses since opening
	nudge   chan struct{} // capacity 1; asks for trim
	floor   int64         // bytes of other files; used by trim alone
	counter *pageCounter  // used by trim alone; nil until the first
}

// access is the most that one lookup adds to the process's memory, generously:
// a leaf page and three branch pages, each with the 16 pages around it.
const access = 4 * 16 * 4096

// newMapping makes the bound for db. A lookup adds at most access bytes, so a
// nudge comes before the bound is passed twice.
func newMapping(db *bbolt.DB, bound int64) *mapping {
	return &mapping{db: db, bound: bound, every: uint64(max(1, bound/access)), nudge: make(chan struct{}, 1)}
}

// touch counts one access to the file, and nudges when it is time to look.
// Safe for concurrent use.
func (m *mapping) touch() {
	if m.touched.Add(1)%m.every == 0 {
		select {
		case m.nudge <- struct{}{}:
		default:
		}
	}
}

// trim gives the mapping back if more than the bound is mapped. It is called by
// one goroutine at a time.
func (m *mapping) trim() error {
	if m.bound < 0 {
		return nil
	}
	if m.counter == nil {
		counter, err := openPageCounter()
		if err != nil {
			return err
		}
		m.counter = counter
		return m.giveBack() // finds the others' share
	}
	shared, err := m.counter.read()
	if err != nil {
		return err
	}
	m.floor = min(m.floor, shared)
	if shared-m.floor <= m.bound {
		return nil
	}
	return m.giveBack()
}

// run trims when a second is over or touch asks for it, and calls tidy each
// second, until ctx is done. It is called once at a time.
func (m *mapping) run(ctx context.Context, tidy func()) error {
	defer m.close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		// Without the counter (no /proc) the bound cannot be kept, and all else can.
		_ = m.trim()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			tidy()
		case <-m.nudge:
		}
	}
}

// giveBack takes the file's pages out of the page tables. The read transaction
// keeps bbolt from unmapping the file meanwhile.
func (m *mapping) giveBack() error {
	err := m.db.View(func(tx *bbolt.Tx) error {
		return dontNeed(m.db.Info().Data, tx.Size())
	})
	if err != nil {
		return closedError(err)
	}
	m.floor, err = m.counter.read()
	return err
}

// close frees the counter. trim may be called again.
func (m *mapping) close() error {
	if m.counter == nil {
		return nil
	}
	err := m.counter.close()
	m.counter = nil
	return err
}
