package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// pageReader finds keys in a bucket by reading the file's pages instead of looking
// at them through bbolt's mapping.
//
// With links all over a file of gigabytes nearly every lookup meets a page that
// is not in the process's page tables. The fault maps 16 pages to use one, and the
// process is soon said to hold the whole file; giving the mapping back again to
// keep within a bound costs as much once more. Reading the one leaf that differs
// from lookup to lookup costs 1 to 2 µs, and the process holds no leaf.
//
// The format is that of bbolt's file version 2. A page begins with its id
// (uint64), flags and number of elements (uint16), and the number of pages that
// it goes on for (uint32). Elements follow, of 16 bytes, and point to keys and
// values by their distance from the element itself:
//
//	branch  uint32 distance, uint32 key length, uint64 page
//	leaf    uint32 flags, uint32 distance, uint32 key length, uint32 value length
//
// Integers are in the machine's order. A page does not change while a read
// transaction that can reach it is open; the caller keeps one. A pageReader is
// used by one goroutine at a time; the branches are shared.
type pageReader struct {
	file     io.ReaderAt
	size     int // of a page
	branches *branches
	buf      []byte
}

// branches keeps branch pages of one state of the file, which the number of the
// last transaction names. After a commit it begins anew: any page may have been
// used again.
type branches struct {
	limit int // pages

	mu    sync.RWMutex // protects the fields below; pages that are in the map do not change
	state int
	pages map[uint64][]byte
}

// maxBranches bounds what is kept of branches: 16,384 pages of 4 KiB. Ten million
// links have 4,300, fifty million have 14,000; above, some are read each time.
const maxBranches = 16 << 10

func newBranches(limit int) *branches {
	return &branches{limit: limit, pages: make(map[uint64][]byte)}
}

// get returns the page with the id; nil when it is not kept.
func (c *branches) get(state int, id uint64) []byte {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.state != state {
		return nil
	}
	return c.pages[id]
}

// put keeps a copy of page. A reader of an older state than another's keeps
// nothing.
func (c *branches) put(state int, id uint64, page []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case state < c.state:
		return
	case state > c.state:
		c.state = state
		clear(c.pages)
	case len(c.pages) >= c.limit:
		for other := range c.pages { // any one
			delete(c.pages, other)
			break
		}
	}
	c.pages[id] = bytes.Clone(page)
}

const (
	pageHead    = 16
	elementSize = 16
	branchFlag  = 0x01
	leafFlag    = 0x02
	// maxDepth is more than any tree has: ten levels of two elements each would
	// do for a damaged file that leads in circles.
	maxDepth = 32
)

var errPage = fmt.Errorf("%w: page of the file", ErrDamaged)

// get returns the value of key in the bucket whose root is the page root; nil
// when it has none. The value is valid until the next call. state is the number
// of the transaction that root was found in.
func (p *pageReader) get(state int, root uint64, key []byte) ([]byte, error) {
	id := root
	for range maxDepth {
		page := p.branches.get(state, id)
		kept := page != nil
		if !kept {
			var err error
			if page, err = p.read(id); err != nil {
				return nil, err
			}
		}
		flags := binary.NativeEndian.Uint16(page[8:])
		count := int(binary.NativeEndian.Uint16(page[10:]))
		if pageHead+count*elementSize > len(page) || count == 0 && flags != leafFlag {
			return nil, errPage
		}
		switch flags {
		case branchFlag:
			i, exact, ok := searchPage(page, count, 0, key)
			if !ok {
				return nil, errPage
			}
			if !exact && i > 0 {
				i-- // the first key that is greater is one too far
			}
			if !kept {
				p.branches.put(state, id, page)
			}
			id = binary.NativeEndian.Uint64(page[pageHead+i*elementSize+8:])
		case leafFlag:
			i, exact, ok := searchPage(page, count, 4, key)
			if !ok {
				return nil, errPage
			}
			if !exact {
				return nil, nil
			}
			element := pageHead + i*elementSize
			from := element + int(binary.NativeEndian.Uint32(page[element+4:])) + len(key)
			behind := from + int(binary.NativeEndian.Uint32(page[element+12:]))
			if behind > len(page) {
				return nil, errPage
			}
			return page[from:behind:behind], nil
		default:
			return nil, errPage
		}
	}
	return nil, errPage
}

// searchPage returns the first of the page's elements whose key is not less than
// key, count when there is none, and whether it is the key. The distance and the
// key's length stand at offset in an element.
func searchPage(page []byte, count, offset int, key []byte) (i int, exact, ok bool) {
	low, high := 0, count
	for low < high {
		middle := int(uint(low+high) / 2)
		element := pageHead + middle*elementSize
		from := element + int(binary.NativeEndian.Uint32(page[element+offset:]))
		behind := from + int(binary.NativeEndian.Uint32(page[element+offset+4:]))
		if behind > len(page) {
			return 0, false, false
		}
		switch c := bytes.Compare(page[from:behind], key); {
		case c == 0:
			return middle, true, true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false, true
}

// read reads the page with the id, as long as it is, into buf.
func (p *pageReader) read(id uint64) ([]byte, error) {
	if len(p.buf) < p.size {
		p.buf = make([]byte, p.size)
	}
	b := p.buf
	at := int64(id) * int64(p.size)
	if _, err := p.file.ReadAt(b[:p.size], at); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	if binary.NativeEndian.Uint64(b) != id {
		return nil, errPage
	}
	more := int(binary.NativeEndian.Uint32(b[12:]))
	if more == 0 {
		return b[:p.size], nil
	}
	if more > maxOverflow {
		return nil, errPage
	}
	size := p.size * (1 + more)
	if len(b) < size {
		b = append(b, make([]byte, size-len(b))...)
		p.buf = b
	}
	if _, err := p.file.ReadAt(b[p.size:size], at+int64(p.size)); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	return b[:size], nil
}

// maxOverflow bounds a page: four records of the longest target take twelve
// pages of 4 KiB, and bbolt splits what is longer.
const maxOverflow = 64
