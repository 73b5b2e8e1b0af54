package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/link"
)

// ErrInUse is returned when another process has the ledger open.
var ErrInUse = errors.New("ledger is in use by another process")

// Options are the settings of a ledger; zero fields take the defaults.
type Options struct {
	Sync          time.Duration // how often hits are written and synced; 0: 100 ms
	Always        bool          // Append returns when the hit is synced
	FullAddresses bool          // keep addresses whole
	KeepAge       time.Duration // Prune removes older segments; 0: keeps them
	KeepBytes     int64         // Prune removes the oldest segments above this sum; 0: keeps them
	SegmentBytes  int64         // size at which a segment is ended; 0: 64 MiB
	RingBytes     int           // a power of two; 0: 16 MiB, 3 s of 30,000 hits/s
	SpillBytes    int64         // memory for hits that found no room in the ring; 0: 64 MiB
	Log           *slog.Logger
	Now           func() time.Time
}

func (o *Options) setDefaults() {
	if o.Sync <= 0 {
		o.Sync = 100 * time.Millisecond
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.KeepBytes > 0 {
		// The segment being written is never removed: it must be small beside the sum.
		o.SegmentBytes = max(min(o.SegmentBytes, o.KeepBytes/4), segmentHeader+1)
	}
	if o.RingBytes <= 0 {
		o.RingBytes = 16 << 20
	}
	if o.SpillBytes <= 0 {
		o.SpillBytes = 64 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Ledger is the open ledger of a folder. All methods are safe for concurrent use.
type Ledger struct {
	dir  string
	opts Options
	log  *slog.Logger
	open func(path string, flag int) (file, error)

	salt atomic.Pointer[salt]

	// mu protects the way in: the ring's tail, the next ordinal and the spill.
	// Nothing slow happens under it.
	mu      sync.Mutex
	ring    *ring // nil while the folder cannot be used
	next    uint64
	spill   []spilled
	spilled int64 // bytes

	// drainMu makes drains follow one another. It protects what
	// follows, to segMu.
	drainMu  sync.Mutex
	lock     *os.File
	done     bool // closed: the folder is not taken into use again
	seed     uint32
	active   file
	build    builder
	out      []byte
	ended    []file       // ended segments that wait for their sync
	segMu    sync.RWMutex // protects the next two
	source   uuid.UUID
	segments []*segment // ascending; the last one is written to

	written  atomic.Uint64 // ordinal behind the last hit in a segment
	synced   atomic.Uint64 // ordinal behind the last hit that a power loss leaves
	lost     atomic.Uint64
	atRisk   atomic.Int64 // hits in spill
	fault    atomic.Pointer[string]
	kick     chan struct{} // wakes the write loop
	syncMu   sync.Mutex    // one sync at a time
	waitMu   sync.Mutex    // protects the condition of waiters
	waitCond *sync.Cond
	closed   bool // under waitMu: nobody will sync any more
}

// spilled is a hit in memory, with its own copy of the texts.
type spilled struct{ stamped }

// Status is a ledger's state of health.
type Status struct {
	Source   uuid.UUID
	Position uint64 // hits taken
	Synced   uint64 // hits that a power loss leaves
	AtRisk   uint64 // hits in memory only, and those of the ring while they cannot be written
	Lost     uint64 // hits given up since Open, because the memory for hits at risk was full
	Fault    string // why hits cannot be written; empty when they can
	Segments int
	Bytes    int64
}

// Open opens the ledger in the folder dir, made when it is missing. Ordinals
// start at floor or above: floor is the position that the counts hold already.
//
// A folder that cannot be used does not keep Open from succeeding: hits are
// taken into memory, Status tells why, and Run tries again. Only ErrInUse is
// returned.
func Open(dir string, floor uint64, opts Options) (*Ledger, error) {
	opts.setDefaults()
	if opts.RingBytes&(opts.RingBytes-1) != 0 || opts.RingBytes < 64<<10 {
		return nil, fmt.Errorf("open ledger: ring of %d bytes, want a power of two of 64 KiB or more", opts.RingBytes)
	}
	l := &Ledger{dir: dir, opts: opts, log: opts.Log, open: openDisk, next: floor, kick: make(chan struct{}, 1)}
	l.waitCond = sync.NewCond(&l.waitMu)
	l.salt.Store(newSalt(opts.Now()))
	l.written.Store(floor)
	l.synced.Store(floor)
	l.drainMu.Lock()
	defer l.drainMu.Unlock()
	if err := l.attach(); err != nil {
		if errors.Is(err, ErrInUse) {
			return nil, err
		}
		l.setFault(err)
	}
	return l, nil
}

// Append takes a hit. It does not wait for a disk, unless Options.Always asks
// for it, and does not allocate while there is room in the ring. h and its
// texts are the caller's again when it returns.
func (l *Ledger) Append(h *link.Hit) {
	var s stamped
	l.salt.Load().stamp(&s, h, l.opts.FullAddresses)
	l.mu.Lock()
	ordinal, kept, full := l.next, true, true
	if len(l.spill) > 0 || l.ring == nil || !l.ring.append(ordinal, &s) {
		ordinal, kept = l.keep(&s)
	} else {
		l.next++
		full = l.ring.backlog() > l.ring.size/2
	}
	l.mu.Unlock()
	if full {
		l.wake()
	}
	if l.opts.Always && kept {
		l.waitSynced(ordinal)
	}
}

// keep puts a hit that found no room into memory, when there is room, and
// returns the ordinal that it will get unless an earlier process left hits that
// come first. mu is held.
func (l *Ledger) keep(s *stamped) (ordinal uint64, kept bool) {
	size := int64(s.size()) + 128 // the struct itself
	if l.spilled+size > l.opts.SpillBytes {
		l.lost.Add(1)
		return 0, false
	}
	ordinal = l.next + uint64(len(l.spill))
	c := spilled{*s}
	c.agent, c.referrer = slices.Clone(s.agent), slices.Clone(s.referrer)
	l.spill = append(l.spill, c)
	l.spilled += size
	l.atRisk.Add(1)
	return ordinal, true
}

func (l *Ledger) wake() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// waitSynced returns when the hit is synced, or when the ledger says that it
// cannot be: an answer is worth more than its durability, but never silently.
func (l *Ledger) waitSynced(ordinal uint64) {
	l.wake()
	l.waitMu.Lock()
	for l.synced.Load() <= ordinal && l.fault.Load() == nil && !l.closed {
		l.waitCond.Wait()
	}
	l.waitMu.Unlock()
}

// Drain writes all hits taken so far into segments, where a Reader finds them,
// and returns the ordinal behind the last one. They are in the hands of the
// kernel then, but not yet synced.
func (l *Ledger) Drain() (uint64, error) {
	l.drainMu.Lock()
	defer l.drainMu.Unlock()
	err := l.drain()
	l.noteFault(err)
	return l.written.Load(), err
}

func (l *Ledger) drain() error {
	if l.done {
		return fmt.Errorf("drain ledger: %w", os.ErrClosed)
	}
	if l.ring == nil {
		if err := l.attach(); err != nil {
			return err
		}
	}
	for {
		l.mu.Lock()
		next := l.next
		l.mu.Unlock()
		if err := l.drainRing(next); err != nil {
			return err
		}
		left, err := l.drainSpill()
		if err != nil || !left {
			return err
		}
	}
}

// drainRing writes the records up to the ordinal next. Their bytes belong to
// this call: Append does not touch them before setDrained gives them back.
func (l *Ledger) drainRing(next uint64) error {
	pos, ordinal := l.ring.drained()
	var h stamped
	for ordinal < next {
		l.build.reset(ordinal)
		for ordinal < next && l.build.count < blockHits {
			rec, after, ok := l.ring.at(pos, ordinal)
			if !ok {
				// Nobody but this process writes here.
				panic(fmt.Sprintf("BUG: ring record %d at %d is damaged", ordinal, pos))
			}
			h.decode(rec)
			l.build.add(&h)
			pos, ordinal = after, ordinal+1
		}
		l.flushBlock()
		if len(l.out) >= 256<<10 || ordinal == next {
			if err := l.writeOut(ordinal); err != nil {
				return err
			}
			l.ring.setDrained(pos, ordinal)
		}
	}
	return nil
}

// drainSpill writes the hits in memory, which get their ordinals now, and
// reports whether it had to leave some because the ring comes first.
func (l *Ledger) drainSpill() (left bool, err error) {
	for {
		l.mu.Lock()
		n := min(len(l.spill), blockHits)
		ringPos, drained := l.ring.drained()
		if n == 0 || drained != l.next {
			l.mu.Unlock()
			return n > 0, nil
		}
		batch := l.spill[:n]
		l.mu.Unlock()

		l.build.reset(drained)
		size := int64(0)
		for i := range batch {
			l.build.add(&batch[i].stamped)
			size += int64(batch[i].size()) + 128
		}
		l.flushBlock()
		end := drained + uint64(n)
		if err := l.writeOut(end); err != nil {
			return false, err
		}
		// While the spill is not empty nothing enters the ring, so that the
		// ordinals are still free.
		l.mu.Lock()
		l.next = end
		l.ring.setDrained(ringPos, end)
		l.spilled -= size
		if l.spill = l.spill[n:]; len(l.spill) == 0 {
			l.spill, l.spilled = nil, 0
		}
		l.mu.Unlock()
		l.atRisk.Add(-int64(n))
	}
}

// flushBlock ends the block being built and puts it into out.
func (l *Ledger) flushBlock() {
	l.out = l.build.appendTo(l.out, l.seed)
	l.build.count = 0
}

// writeOut writes the blocks in out to the last segment, or to a new one when
// that is full, and moves written to end. On an error nothing has happened.
func (l *Ledger) writeOut(end uint64) (err error) {
	out := l.out
	l.out = l.out[:0]
	first := binary.LittleEndian.Uint64(out[8:])
	now := l.opts.Now()
	l.segMu.RLock()
	var s *segment
	var at int64
	if n := len(l.segments); n > 0 {
		s = l.segments[n-1]
		at = s.size
	}
	l.segMu.RUnlock()
	tooOld := s != nil && l.opts.KeepAge > 0 && now.Sub(s.created) > max(l.opts.KeepAge/8, time.Minute)
	if s == nil || l.active == nil || at+int64(len(out)) > l.opts.SegmentBytes || tooOld {
		if s, err = l.startSegment(first, now); err != nil {
			return err
		}
		at = segmentHeader
	}
	if _, err := l.active.WriteAt(out, at); err != nil {
		// What was written of it would be taken for a torn end.
		return fmt.Errorf("write ledger: %w", errors.Join(err, l.active.Truncate(at)))
	}
	l.segMu.Lock()
	for b := out; len(b) > 0; {
		h, _ := parseHeader(b, l.seed)
		s.addMark(h.first, at)
		at += blockHeader + int64(h.payload)
		b = b[blockHeader+int(h.payload):]
	}
	s.size = at
	l.segMu.Unlock()
	l.written.Store(end)
	return nil
}

// startSegment makes the segment that begins with the hit at ordinal first.
func (l *Ledger) startSegment(first uint64, now time.Time) (*segment, error) {
	s := &segment{path: segmentPath(l.dir, first), first: first, created: now, size: segmentHeader}
	f, err := l.open(s.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, fmt.Errorf("start segment: %w", err)
	}
	if _, err := f.WriteAt(l.appendSegmentHeader(nil, first, now), 0); err != nil {
		return nil, fmt.Errorf("start segment: %w", errors.Join(err, f.Close(), os.Remove(s.path)))
	}
	if err := syncDir(l.dir); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(s.path))
	}
	if l.active != nil {
		l.ended = append(l.ended, l.active)
	}
	l.active = f
	l.segMu.Lock()
	// An empty last segment of the same name was written over.
	if n := len(l.segments); n > 0 && l.segments[n-1].first == first {
		l.segments = l.segments[:n-1]
	}
	l.segments = append(l.segments, s)
	l.segMu.Unlock()
	return s, nil
}

// Sync makes all written hits durable. Hits that were not yet drained are not
// among them.
func (l *Ledger) Sync() error {
	err := l.syncFiles()
	if err != nil {
		l.setFault(err)
	}
	return err
}

func (l *Ledger) syncFiles() error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	files, active, end := l.toSync()
	for i, f := range files {
		err := f.Sync()
		if err == nil && f != active {
			err = f.Close()
		}
		if err != nil {
			// A second sync of the same file may succeed without its data: the
			// kernel reports a failed write once. No more hits go there.
			return fmt.Errorf("sync ledger, hits %d to %d may not survive a power loss: %w",
				l.synced.Load(), end, errors.Join(err, l.abandon(files[i:])))
		}
	}
	l.waitMu.Lock()
	l.synced.Store(max(l.synced.Load(), end))
	l.waitMu.Unlock()
	l.waitCond.Broadcast()
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// locate returns the segment that holds, or held, the hit at ordinal, how many
// bytes of it are written, where the segment behind it begins, and the ordinal
// behind all written hits. seg is nil when all segments begin behind ordinal.
func (l *Ledger) locate(ordinal uint64) (seg *segment, size int64, nextFirst, written uint64) {
	written = l.written.Load()
	nextFirst = ^uint64(0)
	l.segMu.RLock()
	defer l.segMu.RUnlock()
	i, found := slices.BinarySearchFunc(l.segments, ordinal, func(s *segment, o uint64) int {
		switch {
		case s.first < o:
			return -1
		case s.first > o:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	if i+1 < len(l.segments) {
		nextFirst = l.segments[i+1].first
	}
	if i < 0 {
		return nil, 0, nextFirst, written
	}
	return l.segments[i], l.segments[i].size, nextFirst, written
}

// seekSegment returns the offset of a block of seg at or before the hit at
// ordinal, and makes the marks of a segment that has none yet.
func (l *Ledger) seekSegment(seg *segment, f io.ReaderAt, ordinal uint64) int64 {
	l.segMu.RLock()
	size, marked := seg.size, len(seg.marks) > 0
	l.segMu.RUnlock()
	if !marked && ordinal > seg.first {
		scan := segment{}
		through, buf := &window{f: f}, make([]byte, 2*blockHeader)
		for offset := int64(segmentHeader); ; {
			h, at, err := findBlock(through, offset, size, 0, l.seed, buf)
			if err != nil {
				break // the reader meets the same error, or the end
			}
			scan.addMark(h.first, at)
			offset = at + blockHeader + int64(h.payload)
		}
		l.segMu.Lock()
		if len(seg.marks) == 0 {
			seg.marks = scan.marks
		}
		l.segMu.Unlock()
	}
	l.segMu.RLock()
	defer l.segMu.RUnlock()
	return seg.seek(ordinal)
}

// Oldest is the ordinal of the oldest hit that may still be read.
func (l *Ledger) Oldest() uint64 {
	l.segMu.RLock()
	defer l.segMu.RUnlock()
	if len(l.segments) == 0 {
		return l.written.Load()
	}
	return l.segments[0].first
}

// Prune removes segments that are too old or too many by the options, but only
// those whose hits all come before ordinal folded.
func (l *Ledger) Prune(folded uint64) error {
	now := l.opts.Now()
	l.segMu.Lock()
	var total int64
	for _, s := range l.segments {
		total += s.size
	}
	var gone []string
	for len(l.segments) > 1 {
		s, behind := l.segments[0], l.segments[1]
		old := l.opts.KeepAge > 0 && now.Sub(behind.created) > l.opts.KeepAge
		many := l.opts.KeepBytes > 0 && total > l.opts.KeepBytes
		if behind.first > folded || !old && !many {
			break
		}
		gone = append(gone, s.path)
		total -= s.size
		l.segments = l.segments[1:]
	}
	l.segMu.Unlock()
	var errs []error
	for _, path := range gone {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("prune ledger: %w", err)
	}
	return nil
}

// Status returns the state of the ledger.
func (l *Ledger) Status() Status {
	written := l.written.Load() // before the others: it never passes them by
	l.mu.Lock()
	st := Status{Position: l.next + uint64(len(l.spill)), AtRisk: uint64(len(l.spill))}
	waiting := uint64(0)
	if l.ring != nil {
		waiting = l.next - min(written, l.next) // spilled hits are written first, and then numbered
	}
	l.mu.Unlock()
	st.Synced, st.Lost = l.synced.Load(), l.lost.Load()
	if f := l.fault.Load(); f != nil {
		st.Fault = *f
		st.AtRisk += waiting
	}
	l.segMu.RLock()
	st.Source, st.Segments = l.source, len(l.segments)
	for _, s := range l.segments {
		st.Bytes += s.size
	}
	l.segMu.RUnlock()
	return st
}
