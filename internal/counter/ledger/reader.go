package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Reader goes over the written hits in order. It is not safe for concurrent
// use, but any number of readers may go on while the ledger is written.
type Reader struct {
	l       *Ledger
	next    uint64
	missing uint64
	seg     *segment
	f       file
	offset  int64
	blk     Block
	buf     []byte
	payload []byte
}

// NewReader returns a reader whose first block begins with the hit at ordinal
// from, or with the next one that can be read.
func (l *Ledger) NewReader(from uint64) *Reader {
	return &Reader{l: l, next: from, buf: make([]byte, 32<<10)}
}

// Position is the ordinal of the next hit to be read.
func (r *Reader) Position() uint64 { return r.next }

// Missing is the number of hits that were passed over since the reader was
// made because they cannot be read.
func (r *Reader) Missing() uint64 { return r.missing }

// Close gives the reader's file back.
func (r *Reader) Close() error {
	if r.f == nil {
		return nil
	}
	f := r.f
	r.f, r.seg = nil, nil
	return f.Close()
}

// Next returns the next block, trimmed to hits not yet read, or io.EOF when all
// written hits were read; later it may be called again. The block is the
// reader's and valid until the next call.
func (r *Reader) Next() (*Block, error) {
	for {
		seg, size, nextFirst, written := r.l.locate(r.next)
		if r.next >= written {
			return nil, io.EOF
		}
		if seg == nil || seg.first > r.next {
			// The segment that held the hit is gone.
			r.skipTo(min(nextFirst, written))
			continue
		}
		if seg != r.seg {
			if err := r.enter(seg); err != nil {
				return nil, err
			}
			if r.seg != seg {
				// Pruned since it was located, or removed by a person.
				r.skipTo(min(nextFirst, written))
				continue
			}
		}
		h, at, err := findBlock(r.f, r.offset, size, r.next, r.l.seed, r.buf)
		if errors.Is(err, io.EOF) {
			r.skipTo(min(nextFirst, written))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read segment: %w", err)
		}
		r.offset = at + blockHeader + int64(h.payload)
		if h.first > r.next {
			r.skipTo(h.first)
		}
		r.payload = slices.Grow(r.payload[:0], int(h.payload))[:h.payload]
		if _, err := r.f.ReadAt(r.payload, at+blockHeader); err != nil {
			return nil, fmt.Errorf("read segment: %w", err)
		}
		if err := r.blk.decode(&h, r.payload); err != nil {
			r.l.log.Error("hits of the ledger cannot be read", "file", seg.path, "cause", err)
			r.skipTo(h.end())
			continue
		}
		if skip := r.next - h.first; skip > 0 {
			r.blk.First, r.blk.Records = r.next, r.blk.Records[skip:]
		}
		r.next = h.end()
		return &r.blk, nil
	}
}

// skipTo gives up the hits before ordinal.
func (r *Reader) skipTo(ordinal uint64) {
	if ordinal > r.next {
		r.missing += ordinal - r.next
		r.next = ordinal
	}
}

func (r *Reader) enter(seg *segment) error {
	if err := r.Close(); err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	f, err := r.l.open(seg.path, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	r.f, r.seg, r.offset = f, seg, r.l.seekSegment(seg, f, r.next)
	return nil
}

// Seek makes the hit at ordinal the next one. Going forward within a segment
// costs nothing.
func (r *Reader) Seek(ordinal uint64) {
	if ordinal < r.next && r.seg != nil {
		if ordinal >= r.seg.first {
			r.offset = r.l.seekSegment(r.seg, r.f, ordinal)
		} else {
			_ = r.Close() // only read
		}
	}
	r.next = ordinal
}

// Unwritten returns the hits from ordinal from on that no segment holds yet; nil
// when there are none. It is for the time when segments cannot be written; ok is
// false when hits from from on were written meanwhile and are to be read first.
func (l *Ledger) Unwritten(from uint64) (b *Block, ok bool) {
	l.drainMu.Lock() // the ring's records stay until it is given back
	defer l.drainMu.Unlock()
	if l.written.Load() > from {
		return nil, false
	}
	l.mu.Lock()
	next := l.next
	spill := l.spill
	l.mu.Unlock()
	b = &Block{First: from}
	agents, referrers := make(map[string]int), make(map[string]int)
	index := func(known map[string]int, list *[][]byte, text []byte) int {
		i, ok := known[string(text)]
		if !ok {
			i = len(*list)
			known[string(text)] = i
			*list = append(*list, slices.Clone(text))
		}
		return i
	}
	add := func(h *stamped) {
		b.Records = append(b.Records, Record{
			Link: h.link, Time: h.time, Visitor: withAgent(h.visitor, agentHash(h.agent)), Flags: h.flags,
			Agent: index(agents, &b.Agents, h.agent), Referrer: index(referrers, &b.Referrers, h.referrer),
			Addr: address(h.addr[:h.addrLen]),
		})
	}
	if l.ring != nil {
		var h stamped
		for pos, ordinal := l.ring.drained(); ordinal < next; ordinal++ {
			rec, after, ok := l.ring.at(pos, ordinal)
			if !ok {
				break
			}
			h.decode(rec)
			add(&h)
			pos = after
		}
	}
	for i := range spill {
		add(&spill[i].stamped)
	}
	if len(b.Records) == 0 {
		return nil, true
	}
	return b, true
}
