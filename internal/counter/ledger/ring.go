package ledger

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"herald.example/internal/link"
)

// The ring file: one header page, then the data that records go round in.
//
//	header   0  magic "HRLDRING"
//	         8  uint32 version, uint32 unused
//	        16  uint64 size of the data in bytes, a power of two
//	        24  uint64 epoch: random, new at every Open, and the seed of all checks
//	        32  uint64 drained: position behind the last record that is in a segment
//	        40  uint64 ordinal of the record at that position
//	record   0  uint32 check: CRC-32C of bytes 16 to the end, seeded by the epoch and the
//	            two fields that follow; of bytes 4 to 8 in a filler
//	         4  uint32 length in bytes, header included; 0 in a filler at the data's end
//	         8  uint64 commit word: ordinal + 1, written last
//	        16  uint64 link, int64 time (Unix ms), uint64 visitor's hashed address
//	        40  uint8 flags, uint8 length of the address, uint16 lengths of agent and referrer
//	        46  address, agent, referrer
//
// A position counts bytes since the epoch began; position modulo size is the
// place in the data. Records start at multiples of ringAlign and never wrap.
// Integers are little-endian, as the processor writes them.
const (
	ringMagic   = "HRLDRING"
	ringVersion = 1
	ringHeader  = 4096
	ringAlign   = 16
	recordFixed = 46

	maxAgent    = 512  // longer agents are cut: no browser needs more
	maxReferrer = 1024 // longer referrers are cut
	maxRecord   = (recordFixed + 16 + maxAgent + maxReferrer + ringAlign - 1) &^ (ringAlign - 1)

	// warmAhead is how far ahead of the tail pages are kept writable: 0.7 s of
	// 30,000 hits/s, because on a busy disk the warming waits, too. Going over
	// pages that are writable already takes some 25 µs.
	warmAhead = 4 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ring is the mapped file. Its methods are called with the ledger's lock held,
// except drained, setDrained and warm.
type ring struct {
	file  *os.File
	data  []byte // header and data
	size  uint64
	epoch uint64
	seed  uint32
	tail  uint64 // position behind the newest record
}

// errRing is returned for a file that is no ring.
var errRing = errors.New("not a ring of this program")

// openRing maps the file at path, made anew when it is missing or was never
// begun. A file that holds something else is errRing.
func openRing(path string, size int) (r *ring, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open ring: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error is the one to tell
		}
	}()
	old, err := ringSize(f)
	if err != nil {
		return nil, fmt.Errorf("open ring: %w", err)
	}
	if old > 0 {
		// Restored from a backup the file may be sparse; see the zeros below.
		if err = unix.Fallocate(int(f.Fd()), 0, 0, int64(ringHeader+old)); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			return nil, fmt.Errorf("preallocate ring: %w", err)
		}
		return mapRing(f, old)
	}
	// Zeros are written, not just promised: a page of a mapping that the disk
	// has no room for kills the process with SIGBUS.
	total := int64(ringHeader + size)
	err = f.Truncate(total) // what is left of another ring may be longer
	zeros := make([]byte, 1<<20)
	for off := int64(0); off < total && err == nil; off += int64(len(zeros)) {
		_, err = f.WriteAt(zeros[:min(int64(len(zeros)), total-off)], off)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, fmt.Errorf("preallocate ring: %w", errors.Join(err, f.Truncate(0)))
	}
	return mapRing(f, uint64(size))
}

// ringSize returns the size of the data of the ring in f, or 0 when none was
// begun there: the file is empty, or its header is all zeros.
func ringSize(f *os.File) (uint64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var h [ringHeader]byte
	n, err := f.ReadAt(h[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if h == [ringHeader]byte{} {
		return 0, nil
	}
	size := binary.LittleEndian.Uint64(h[16:])
	switch version := binary.LittleEndian.Uint32(h[8:]); {
	case n < len(h) || string(h[:8]) != ringMagic:
		return 0, fmt.Errorf("%w: it begins with %q", errRing, h[:8])
	case version != ringVersion:
		return 0, fmt.Errorf("%w: version %d, this program knows %d", errRing, version, ringVersion)
	case size < 2*maxRecord || size&(size-1) != 0 || uint64(info.Size()) != ringHeader+size:
		return 0, fmt.Errorf("%w: %d bytes of data in a file of %d", errRing, size, info.Size())
	}
	return size, nil
}

func mapRing(f *os.File, size uint64) (*ring, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, int(ringHeader+size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map ring: %w", err)
	}
	r := &ring{file: f, data: data, size: size}
	r.setEpoch(binary.LittleEndian.Uint64(data[24:]))
	return r, nil
}

func (r *ring) setEpoch(epoch uint64) {
	r.epoch = epoch
	r.seed = crc32.Checksum(binary.LittleEndian.AppendUint64(nil, epoch), castagnoli)
}

// begin starts an epoch: all records in the ring become void, and the next one
// gets the ordinal given.
func (r *ring) begin(epoch, ordinal uint64) {
	copy(r.data, ringMagic)
	binary.LittleEndian.PutUint32(r.data[8:], ringVersion)
	binary.LittleEndian.PutUint64(r.data[16:], r.size)
	// The epoch goes last: until it is there, a crash finds the old records.
	r.setDrained(0, ordinal)
	r.word(24).Store(epoch)
	r.setEpoch(epoch)
	r.tail = 0
}

func (r *ring) word(off uint64) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&r.data[off]))
}

// drained returns the position up to which records are in segments, and the
// ordinal of the record there.
func (r *ring) drained() (pos, ordinal uint64) { return r.word(32).Load(), r.word(40).Load() }

func (r *ring) setDrained(pos, ordinal uint64) {
	r.word(40).Store(ordinal)
	r.word(32).Store(pos)
}

// backlog is the number of bytes not yet drained.
func (r *ring) backlog() uint64 { return r.tail - r.word(32).Load() }

// append copies a record and reports whether there was room.
func (r *ring) append(ordinal uint64, h *stamped) bool {
	n := h.size()
	need := (uint64(n) + ringAlign - 1) &^ (ringAlign - 1)
	at := r.tail & (r.size - 1)
	filler := uint64(0)
	if r.size-at < need {
		filler = r.size - at
	}
	if r.backlog()+filler+need > r.size {
		return false
	}
	if filler > 0 {
		// ringAlign leaves room for a filler's header, the commit word included.
		b := r.data[ringHeader+at:]
		binary.LittleEndian.PutUint32(b[4:], 0)
		binary.LittleEndian.PutUint32(b, crc32.Update(r.seed, castagnoli, b[4:8]))
		r.tail += filler
		at = 0
	}
	b := r.data[ringHeader+at : ringHeader+at+uint64(n) : ringHeader+at+uint64(n)]
	h.encode(b, ordinal, r.seed)
	// Written last, by a plain store: only the death of the process looks at the
	// order, and it finds all instructions done that came before.
	binary.LittleEndian.PutUint64(b[8:], ordinal+1)
	r.tail += need
	return true
}

// at returns the record at pos when it is whole and has the ordinal. A filler
// is skipped. next is the position behind the record.
func (r *ring) at(pos, ordinal uint64) (rec []byte, next uint64, ok bool) {
	at := pos & (r.size - 1)
	b := r.data[ringHeader+at:]
	n := uint64(binary.LittleEndian.Uint32(b[4:]))
	if n == 0 && at != 0 && binary.LittleEndian.Uint32(b) == crc32.Update(r.seed, castagnoli, b[4:8]) {
		return r.at(pos+r.size-at, ordinal)
	}
	if n < recordFixed || n > maxRecord || n > uint64(len(b)) ||
		binary.LittleEndian.Uint64(b[8:]) != ordinal+1 || !checkRecord(b[:n], r.seed) {
		return nil, 0, false
	}
	return b[:n], pos + (n+ringAlign-1)&^(ringAlign-1), true
}

// record is one in the ring, by its ordinal; bytes alias the ring.
type record struct {
	ordinal uint64
	bytes   []byte
}

// records returns the whole records of the epoch with ordinals from from on, by
// ordinal.
func (r *ring) records(from uint64) []record {
	var found []record
	for pos := uint64(0); pos < r.size; {
		// Position and place are the same here; 0 is no commit word.
		if word := binary.LittleEndian.Uint64(r.data[ringHeader+pos+8:]); word > from {
			if rec, next, ok := r.at(pos, word-1); ok {
				found = append(found, record{word - 1, rec})
				pos = next
				continue
			}
		}
		pos += ringAlign
	}
	slices.SortFunc(found, func(a, b record) int { return cmp.Compare(a.ordinal, b.ordinal) })
	return found
}

// warm makes the pages ahead of the tail writable from behind, so that no
// Append waits in a page fault for the file system: the kernel's write-back
// protects pages again, and the fault that lifts the protection starts a
// transaction of the file system, which on a busy disk takes as long as the
// disk does. idle says that nothing was appended since the last call: then only
// the next two pages are kept warm, so that an idle ring is not written again
// and again.
func (r *ring) warm(tail uint64, idle bool) {
	ahead := min(warmAhead, r.size)
	if idle {
		ahead = 8 << 10
	}
	from := ringHeader + tail&(r.size-1)&^4095
	r.populate(from, min(from+ahead, uint64(len(r.data))))
	if over := from + ahead; over > uint64(len(r.data)) {
		r.populate(ringHeader, min(ringHeader+over-uint64(len(r.data)), uint64(len(r.data))))
	}
}

// warmAll makes all pages writable, before the first Append.
func (r *ring) warmAll() { r.populate(0, uint64(len(r.data))) }

func (r *ring) populate(from, to uint64) {
	// Kernels before 5.14 do not know the advice; then the fault is taken by a
	// request, as it would be without warming.
	_ = unix.Madvise(r.data[from:to], unix.MADV_POPULATE_WRITE)
}

func (r *ring) close() error {
	return errors.Join(unix.Munmap(r.data), r.file.Close())
}

// stamped is a hit as the ledger keeps it: address cut and hashed, texts
// bounded. The texts are still the caller's.
type stamped struct {
	link     uint64
	time     int64
	visitor  uint64
	flags    link.Flags
	addrLen  uint8
	addr     [16]byte
	agent    []byte
	referrer []byte
}

func (h *stamped) size() int {
	return recordFixed + int(h.addrLen) + len(h.agent) + len(h.referrer)
}

// encode fills b, which is h.size() long, except for the commit word.
func (h *stamped) encode(b []byte, ordinal uint64, seed uint32) {
	_ = b[recordFixed-1]
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	binary.LittleEndian.PutUint64(b[16:], h.link)
	binary.LittleEndian.PutUint64(b[24:], uint64(h.time))
	binary.LittleEndian.PutUint64(b[32:], h.visitor)
	b[40] = byte(h.flags)
	b[41] = h.addrLen
	binary.LittleEndian.PutUint16(b[42:], uint16(len(h.agent)))
	binary.LittleEndian.PutUint16(b[44:], uint16(len(h.referrer)))
	n := recordFixed + copy(b[recordFixed:], h.addr[:h.addrLen])
	n += copy(b[n:], h.agent)
	copy(b[n:], h.referrer)
	binary.LittleEndian.PutUint32(b, recordCheck(b, ordinal+1, seed))
}

// recordCheck is the check of a record with the commit word given, whether it
// stands in b already or not. The fixed header is mixed into the seed instead of
// going through the CRC: one call is cheaper than two.
func recordCheck(b []byte, word uint64, seed uint32) uint32 {
	seed ^= uint32(word) ^ uint32(word>>32) ^ uint32(len(b))<<16
	return crc32.Update(seed, castagnoli, b[16:])
}

func checkRecord(b []byte, seed uint32) bool {
	agent, referrer := int(binary.LittleEndian.Uint16(b[42:])), int(binary.LittleEndian.Uint16(b[44:]))
	return b[41] <= 16 && recordFixed+int(b[41])+agent+referrer == len(b) &&
		binary.LittleEndian.Uint32(b) == recordCheck(b, binary.LittleEndian.Uint64(b[8:]), seed)
}

// decode is the inverse of encode for a record that checkRecord accepts; the
// texts alias b.
func (h *stamped) decode(b []byte) {
	h.link = binary.LittleEndian.Uint64(b[16:])
	h.time = int64(binary.LittleEndian.Uint64(b[24:]))
	h.visitor = binary.LittleEndian.Uint64(b[32:])
	h.flags = link.Flags(b[40])
	h.addrLen = b[41]
	n := recordFixed + copy(h.addr[:], b[recordFixed:recordFixed+int(h.addrLen)])
	agent := int(binary.LittleEndian.Uint16(b[42:]))
	h.agent = b[n : n+agent]
	h.referrer = b[n+agent:]
}
