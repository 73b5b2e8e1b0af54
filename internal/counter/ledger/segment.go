package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// A segment file is a header and blocks. Its name is the ordinal of its first
// hit, in twenty digits, so that names sort as hits do.
//
//	0  magic "HRLDHITS"
//	8  uint32 version, uint32 CRC-32C of bytes 16 to 64
//	16 source: UUID of the ledger
//	32 uint64 ordinal of the first hit, int64 time of creation (Unix ms), zeros
const (
	segmentMagic   = "HRLDHITS"
	segmentVersion = 1
	segmentHeader  = 64
	segmentSuffix  = ".hits"

	// markEvery is the distance of the marks by which a hit is found again, in
	// bytes: at most this much is scanned.
	markEvery = 64 << 10
)

// file is what a segment needs of a file; tests lose power behind it.
type file interface {
	io.ReaderAt
	io.WriterAt
	Sync() error // data and length, not times
	Truncate(size int64) error
	Close() error
}

// diskFile is a file on disk.
type diskFile struct{ *os.File }

// Sync is fdatasync: times are of no interest, and their transaction costs as
// much as the data.
func (f diskFile) Sync() error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func openDisk(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

// segment is one file of the ledger. The fields are protected by Ledger.segMu;
// those of a segment that is no longer written to do not change, except marks.
type segment struct {
	path    string
	first   uint64 // ordinal
	created time.Time
	size    int64  // bytes that hold blocks, header included
	marks   []mark // ascending; empty when the file was not scanned since Open
}

// mark says where a block begins.
type mark struct {
	first  uint64
	offset int64
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

func (l *Ledger) appendSegmentHeader(dst []byte, first uint64, created time.Time) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, segmentHeader)...)
	h := dst[at:]
	copy(h, segmentMagic)
	binary.LittleEndian.PutUint32(h[8:], segmentVersion)
	copy(h[16:], l.source[:])
	binary.LittleEndian.PutUint64(h[32:], first)
	binary.LittleEndian.PutUint64(h[40:], uint64(created.UnixMilli()))
	binary.LittleEndian.PutUint32(h[12:], crc32.Checksum(h[16:], castagnoli))
	return dst
}

// errSegment is returned for a file that is no segment of this ledger.
var errSegment = errors.New("not a segment of this ledger")

// errNeverBegun is returned for a segment without a byte.
var errNeverBegun = errors.New("segment was never begun")

// readSegment reads the header of the file at path.
func (l *Ledger) readSegment(path string) (*segment, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return nil, errNeverBegun
	}
	var h [segmentHeader]byte
	if _, err := f.ReadAt(h[:], 0); err != nil {
		return nil, fmt.Errorf("%w: %d bytes are less than a header", errSegment, info.Size())
	}
	switch version := binary.LittleEndian.Uint32(h[8:]); {
	case string(h[:8]) != segmentMagic:
		return nil, fmt.Errorf("%w: it begins with %q", errSegment, h[:8])
	case version != segmentVersion:
		return nil, fmt.Errorf("%w: version %d, this program knows %d", errSegment, version, segmentVersion)
	case binary.LittleEndian.Uint32(h[12:]) != crc32.Checksum(h[16:], castagnoli):
		return nil, fmt.Errorf("%w: damaged header", errSegment)
	case !bytes.Equal(h[16:32], l.source[:]):
		return nil, fmt.Errorf("%w: it is of ledger %s", errSegment, uuid.UUID(h[16:32]))
	}
	s := &segment{
		path:    path,
		first:   binary.LittleEndian.Uint64(h[32:]),
		created: time.UnixMilli(int64(binary.LittleEndian.Uint64(h[40:]))),
		size:    info.Size(),
	}
	if path != segmentPath(filepath.Dir(path), s.first) {
		return nil, fmt.Errorf("%w: its header says hit %d", errSegment, s.first)
	}
	return s, nil
}

// loadSegments lists the segments of the folder. Files that bear a segment's
// name and are none are set aside under another name, and reported; an empty one is
// removed, because death may come between its making and its header.
func (l *Ledger) loadSegments() ([]*segment, error) {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	var segs []*segment
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), segmentSuffix) {
			continue
		}
		path := filepath.Join(l.dir, e.Name())
		s, err := l.readSegment(path)
		if errors.Is(err, errNeverBegun) {
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("remove segment that was never begun: %w", err)
			}
			continue
		}
		if errors.Is(err, errSegment) {
			if err := l.setAside(path, err); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read segment: %w", err)
		}
		segs = append(segs, s)
	}
	slices.SortFunc(segs, func(a, b *segment) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	return segs, nil
}

// findBlock returns the header of the first block at or behind offset that lies
// within limit and ends behind ordinal from, and where it is. Bytes that are no
// block are searched for the next one. io.EOF is returned when there is none.
// buf is scratch.
func findBlock(f io.ReaderAt, offset, limit int64, from uint64, seed uint32, buf []byte) (header, int64, error) {
	buf = buf[:cap(buf)]
	for offset+blockHeader <= limit {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), limit-offset)], offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return header{}, 0, err
		}
		b := buf[:n]
		if len(b) < blockHeader {
			break
		}
		for len(b) >= blockHeader {
			h, ok := parseHeader(b, seed)
			size := int64(blockHeader) + int64(h.payload)
			switch {
			case !ok || offset+size > limit:
				// Search: the next place where a block could begin.
				skip := bytes.Index(b[1:], blockMagicBytes)
				if skip < 0 {
					skip = len(b) - blockHeader
				}
				offset += int64(skip) + 1
				b = b[skip+1:]
			case h.end() > from:
				return h, offset, nil
			default:
				offset += size
				b = b[min(size, int64(len(b))):]
			}
		}
	}
	return header{}, 0, io.EOF
}

var blockMagicBytes = binary.LittleEndian.AppendUint32(nil, blockMagic)

// window reads a file from front to back through a buffer, so that many small
// reads make few large ones. Bytes that may still change are not for it.
type window struct {
	f   io.ReaderAt
	off int64 // of buf in the file
	buf []byte
}

// ReadAt implements io.ReaderAt.
func (w *window) ReadAt(b []byte, off int64) (int, error) {
	if off < w.off || off+int64(len(b)) > w.off+int64(len(w.buf)) {
		w.buf = slices.Grow(w.buf[:0], max(len(b), markEvery))
		n, err := w.f.ReadAt(w.buf[:cap(w.buf)], off)
		w.off, w.buf = off, w.buf[:n]
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
	}
	n := copy(b, w.buf[off-w.off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// recoverTail finds where the whole blocks of the last segment end, cuts off
// what follows, and returns the header of its last block, or a zero header when
// it has none.
func (l *Ledger) recoverTail(s *segment) (last header, err error) {
	f, err := l.open(s.path, os.O_RDWR)
	if err != nil {
		return header{}, fmt.Errorf("recover segment: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	scan, buf := &window{f: f}, make([]byte, 2*blockHeader)
	// The offsets of the last blocks are remembered, to step back over torn ones.
	type place struct {
		h  header
		at int64
	}
	var places []place
	end := int64(segmentHeader)
	for {
		h, at, err := findBlock(scan, end, s.size, 0, l.seed, buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return header{}, fmt.Errorf("recover segment: %w", err)
		}
		s.addMark(h.first, at)
		end = at + blockHeader + int64(h.payload)
		if len(places) == 256 {
			places = append(places[:0], places[128:]...)
		}
		places = append(places, place{h, at})
	}
	// A torn write leaves whole headers in front of missing payloads.
	end = segmentHeader
	if len(places) > 0 {
		end = places[0].at
	}
	payload := make([]byte, 0, 64<<10)
	for i := len(places) - 1; i >= 0; i-- {
		p := places[i]
		payload = slices.Grow(payload[:0], int(p.h.payload))[:p.h.payload]
		if _, err := f.ReadAt(payload, p.at+blockHeader); err == nil && crc32.Checksum(payload, castagnoli) == p.h.crc {
			last, end = p.h, p.at+blockHeader+int64(p.h.payload)
			break
		}
	}
	if torn := s.size - end; torn > 0 {
		l.log.Warn("torn end of the ledger cut off", "file", s.path, "bytes", torn)
		if err := f.Truncate(end); err != nil {
			return header{}, fmt.Errorf("cut torn segment: %w", err)
		}
		s.size = end
		s.marks = slices.DeleteFunc(s.marks, func(m mark) bool { return m.offset >= end })
	}
	return last, nil
}

func (s *segment) addMark(first uint64, offset int64) {
	if n := len(s.marks); n == 0 || offset-s.marks[n-1].offset >= markEvery {
		s.marks = append(s.marks, mark{first, offset})
	}
}

// seek returns the offset of a block at or before the one that holds ordinal.
func (s *segment) seek(ordinal uint64) int64 {
	i, found := slices.BinarySearchFunc(s.marks, ordinal, func(m mark, o uint64) int {
		switch {
		case m.first < o:
			return -1
		case m.first > o:
			return 1
		}
		return 0
	})
	switch {
	case found:
		return s.marks[i].offset
	case i > 0:
		return s.marks[i-1].offset
	}
	return segmentHeader
}
