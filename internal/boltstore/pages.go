package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// pageReader finds keys in a bucket by reading the file's pages instead of looking at
// them through bbolt's mapping.
//
// With links all over a file of gigabytes nearly every lookup meets a page that
// is not in the process's page tables. The fault maps 16 pages to use one: 5 µs,
// and the process is soon said to hold the whole file; giving the mapping back
// again costs as much once more. Reading the two pages that differ from lookup to
// lookup costs 1 µs, and the process holds none of them. Measured at 30,000
// redirects/s over ten million links: 10 µs a redirect less than a mapping held
// to 64 MiB, 5 µs less than one without bound that is not yet warm.
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
// transaction that can reach it is open; the caller keeps one.
type pageReader struct {
	file io.ReaderAt
	size int // of a page
	// upper holds pages near the root, by id, until the transaction changes. The
	// levels that are kept have few pages: 150 where there are 50 million links.
	upper [upperPages]upperPage
	buf   []byte
}

type upperPage struct {
	id    uint64 // 0: none; pages 0 and 1 are never a bucket's
	bytes []byte
}

const (
	upperPages  = 256
	upperLevels = 2

	pageHead    = 16
	elementSize = 16
	branchFlag  = 0x01
	leafFlag    = 0x02
	// maxDepth is more than any tree has: ten levels of two elements each would
	// do for a damaged file that leads in circles.
	maxDepth = 32
)

var errPage = fmt.Errorf("%w: page of the file", ErrDamaged)

// forget drops what a transaction that ended could reach.
func (p *pageReader) forget() {
	for i := range p.upper {
		p.upper[i].id = 0
	}
}

// get returns the value of key in the bucket whose root is the page root; nil
// when it has none. The value is valid until the next call.
func (p *pageReader) get(root uint64, key []byte) ([]byte, error) {
	id := root
	for level := range maxDepth {
		page, err := p.page(id, level)
		if err != nil {
			return nil, err
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

// page returns the page with the id, valid until the next call.
func (p *pageReader) page(id uint64, level int) ([]byte, error) {
	if level >= upperLevels {
		return p.read(id, &p.buf)
	}
	kept := &p.upper[id%upperPages]
	if kept.id == id {
		return kept.bytes, nil
	}
	kept.id = 0
	page, err := p.read(id, &kept.bytes)
	if err == nil {
		kept.id = id
	}
	return page, err
}

// read reads the page with the id, as long as it is, into buf.
func (p *pageReader) read(id uint64, buf *[]byte) ([]byte, error) {
	if len(*buf) < p.size {
		*buf = make([]byte, p.size)
	}
	b := *buf
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
		*buf = b
	}
	if _, err := p.file.ReadAt(b[p.size:size], at+int64(p.size)); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	return b[:size], nil
}

// maxOverflow bounds a page: four records of the longest target take twelve
// pages of 4 KiB, and bbolt splits what is longer.
const maxOverflow = 64
