package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// copyFolder copies a ledger's folder as a dying process would leave it: the
// pages of the mapping are the kernel's, and reads see them.
func copyFolder(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestProcessDeathLosesNothing(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10, SegmentBytes: 16 << 10})
	defer l.Close()
	for i := range 3000 {
		h := hitNumber(i)
		l.Append(&h)
		switch r := rand.IntN(100); {
		case r == 0, i%200 == 199: // what finds no room in the ring is at risk, by promise
			if _, err := l.Drain(); err != nil {
				t.Fatal(err)
			}
		case r == 1:
			died := copyFolder(t, dir)
			for range 2 { // a further restart changes nothing
				again := mustOpen(t, died, 0, Options{})
				got, missing := links(t, again, 0)
				wantSequence(t, got, i+1)
				if missing != 0 {
					t.Fatalf("got %d missing; want none", missing)
				}
				if err := again.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestDeathBetweenBlockAndDrainedPosition(t *testing.T) {
	for _, tt := range []struct {
		name    string
		drained func(r *ring, pos, ordinal uint64)
	}{
		{"block written, nothing said", func(r *ring, pos, ordinal uint64) { r.setDrained(0, 0) }},
		{"ordinal said, position not", func(r *ring, pos, ordinal uint64) { r.setDrained(0, ordinal) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10})
			for i := range 100 {
				h := hitNumber(i)
				l.Append(&h)
			}
			if _, err := l.Drain(); err != nil {
				t.Fatal(err)
			}
			for i := range 7 {
				h := hitNumber(100 + i)
				l.Append(&h)
			}
			pos, ordinal := l.ring.drained()
			tt.drained(l.ring, pos, ordinal)
			died := copyFolder(t, dir)
			l.ring.setDrained(pos, ordinal)
			defer l.Close()
			again := mustOpen(t, died, 0, Options{})
			defer again.Close()
			got, _ := links(t, again, 0)
			wantSequence(t, got, 107)
		})
	}
}

// damagedLedger makes a ledger of n hits in several segments and closes it.
func damagedLedger(t *testing.T, n int) (dir string, segments []string) {
	t.Helper()
	dir = t.TempDir()
	l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10, SegmentBytes: 8 << 10})
	for i := range n {
		h := hitNumber(i)
		l.Append(&h)
		if i%37 == 0 {
			if _, err := l.Drain(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil || len(segments) < 3 {
		t.Fatalf("got %d segments, %v; want some", len(segments), err)
	}
	return dir, segments
}

// goesOn checks what must hold whatever happened to the files of a ledger of n
// hits that were all counted: it opens, takes new hits, gives none of the
// ordinals again, and every hit is either read in its place or told missing.
func goesOn(t *testing.T, dir string, n int) (missing uint64) {
	t.Helper()
	for round := range 2 {
		l := mustOpen(t, dir, uint64(n+10*round), Options{RingBytes: 64 << 10})
		for i := range 10 {
			h := hitNumber(n + 10*round + i)
			l.Append(&h)
		}
		end, err := l.Drain()
		if err != nil {
			t.Fatal(err)
		}
		if want := uint64(n + 10*(round+1)); end != want {
			t.Fatalf("got %d hits; want %d", end, want)
		}
		var got []uint64
		got, missing = links(t, l, 0)
		if !slices.IsSorted(got) {
			t.Fatalf("got hits out of order: %v", got)
		}
		if uint64(len(got))+missing != end {
			t.Fatalf("got %d hits and %d missing; want %d together", len(got), missing, end)
		}
		if tail := got[len(got)-10*(round+1):]; tail[0] != uint64(n)+1 {
			t.Fatalf("got new hits %v; want them from %d", tail, n+1)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return missing
}

func TestLedgerFilesTruncatedAnywhere(t *testing.T) {
	const n = 1000
	dir, segments := damagedLedger(t, n)
	for range 60 {
		died := copyFolder(t, dir)
		name := filepath.Base(segments[rand.IntN(len(segments))])
		if rand.IntN(5) == 0 {
			name = "ring"
		}
		path := filepath.Join(died, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		size := rand.Int64N(info.Size())
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s cut to %d of %d bytes: %d missing", name, size, info.Size(), goesOn(t, died, n))
	}
}

func TestLedgerFilesWithOneFlippedBit(t *testing.T) {
	const n = 1000
	dir, segments := damagedLedger(t, n)
	for range 100 {
		died := copyFolder(t, dir)
		path := filepath.Join(died, filepath.Base(segments[rand.IntN(len(segments))]))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bit := rand.IntN(len(b) * 8)
		b[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if missing := goesOn(t, died, n); missing == 0 && bit/8 > segmentHeader {
			t.Fatalf("bit %d of %s flipped: got no hit missing; want it noticed", bit, path)
		}
	}
}

func TestFlippedBitInTheRingCostsOneHit(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10})
	defer l.Close()
	const n = 100
	for i := range n {
		h := hitNumber(i)
		l.Append(&h)
	}
	tail := int(l.ring.tail)
	for range 50 {
		died := copyFolder(t, dir)
		path := filepath.Join(died, "ring")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bit := ringHeader*8 + rand.IntN(tail*8)
		b[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		again := mustOpen(t, died, 0, Options{})
		got, missing := links(t, again, 0)
		// Padding may be flipped without harm, and the last record has no
		// successor to tell that it was there.
		if len(got) < n-1 || len(got)+int(missing) > n || !slices.IsSorted(got) {
			t.Fatalf("bit %d: got %d hits, %d missing; want at least %d hits in order", bit, len(got), missing, n-1)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForeignAndMissingFiles(t *testing.T) {
	const n = 1000
	otherVersion := func(b []byte) []byte { binary.LittleEndian.PutUint32(b[8:], 99); return b }
	for _, tt := range []struct {
		name  string
		spoil func(dir string, segments []string) error
		aside int // files set aside
	}{
		{"nothing happened", func(string, []string) error { return nil }, 0},
		{"middle segment missing", func(_ string, s []string) error { return os.Remove(s[1]) }, 0},
		{"last segment missing", func(_ string, s []string) error { return os.Remove(s[len(s)-1]) }, 0},
		{"all segments missing", func(_ string, s []string) error {
			for _, path := range s {
				if err := os.Remove(path); err != nil {
					return err
				}
			}
			return nil
		}, 0},
		{"empty segment", func(_ string, s []string) error { return os.Truncate(s[1], 0) }, 0}, // nothing to keep: the gap is reported
		{"empty last segment", func(_ string, s []string) error { return os.Truncate(s[len(s)-1], 0) }, 0},
		{"segment of another version", func(_ string, s []string) error { return rewrite(s[1], otherVersion) }, 1},
		{"another program's segment", func(_ string, s []string) error {
			return os.WriteFile(s[2], bytes.Repeat([]byte("not a ledger\n"), 999), 0o600)
		}, 1},
		{"segment under another's name", func(_ string, s []string) error { return os.Rename(s[1], s[2]) }, 1},
		{"empty ring", func(dir string, _ []string) error { return os.Truncate(filepath.Join(dir, "ring"), 0) }, 0},
		{"ring of another version", func(dir string, _ []string) error { return rewrite(filepath.Join(dir, "ring"), otherVersion) }, 1},
		{"another program's ring", func(dir string, _ []string) error {
			return os.WriteFile(filepath.Join(dir, "ring"), []byte("my precious"), 0o600)
		}, 1},
		{"ring missing", func(dir string, _ []string) error { return os.Remove(filepath.Join(dir, "ring")) }, 0},
		{"salt that cannot be opened", func(dir string, _ []string) error {
			path := filepath.Join(dir, "salt")
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, 0},
		{"salt missing", func(dir string, _ []string) error { return os.Remove(filepath.Join(dir, "salt")) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, segments := damagedLedger(t, n)
			if err := tt.spoil(dir, segments); err != nil {
				t.Fatal(err)
			}
			missing := goesOn(t, dir, n)
			aside, err := filepath.Glob(filepath.Join(dir, "*.unreadable"))
			if err != nil || len(aside) != tt.aside {
				t.Errorf("got %v set aside, %v; want %d", aside, err, tt.aside)
			}
			if spoilt := strings.Contains(tt.name, "segment"); spoilt != (missing > 0) {
				t.Errorf("got %d hits missing; want some only when a segment was spoilt", missing)
			}
		})
	}
}

func rewrite(path string, f func([]byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, f(b), 0o600)
}

func TestFolderThatCannotBeUsed(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "ledger")
	if err := os.WriteFile(dir, []byte("a file is in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, dir, 40, Options{})
	defer l.Close()
	for i := range 5 {
		h := hitNumber(40 + i)
		l.Append(&h)
	}
	if _, err := l.Drain(); err == nil {
		t.Fatal("got no error; want one while a file is in the way")
	}
	if st := l.Status(); st.AtRisk != 5 || st.Fault == "" {
		t.Fatalf("got %+v; want 5 hits at risk and the reason", st)
	}
	if b, _ := l.Unwritten(40); b == nil || len(b.Records) != 5 {
		t.Errorf("got %v unwritten; want 5 hits", b)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Drain(); err != nil {
		t.Fatal(err)
	}
	if st := l.Status(); st.AtRisk != 0 || st.Fault != "" {
		t.Errorf("got %+v; want no hit at risk", st)
	}
	got, _ := links(t, l, 40)
	if want := []uint64{41, 42, 43, 44, 45}; !slices.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
}

// fullDisk is a disk with room for a number of bytes.
type fullDisk struct {
	file
	room *int
}

func (f fullDisk) WriteAt(b []byte, off int64) (int, error) {
	if *f.room < len(b) {
		n, _ := f.file.WriteAt(b[:*f.room], off)
		*f.room = 0
		return n, syscall.ENOSPC
	}
	*f.room -= len(b)
	return f.file.WriteAt(b, off)
}

func TestFullDisk(t *testing.T) {
	l := mustOpen(t, t.TempDir(), 0, Options{RingBytes: 64 << 10, SpillBytes: 400 << 10})
	defer l.Close()
	room := 10_000
	l.open = func(path string, flag int) (file, error) {
		f, err := openDisk(path, flag)
		return fullDisk{f, &room}, err
	}
	sent := 0
	send := func(n int) {
		for range n {
			h := hitNumber(sent)
			l.Append(&h)
			sent++
		}
	}
	for l.Status().Fault == "" {
		send(50)
		_, _ = l.Drain() // the fault is what is waited for
	}
	send(1000) // more than the ring holds
	if _, err := l.Drain(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v; want ENOSPC", err)
	}
	st := l.Status()
	if st.AtRisk < 1000 || st.Lost != 0 || st.Position != uint64(sent) {
		t.Errorf("got %+v; want a thousand hits at risk, none lost", st)
	}
	got, _ := links(t, l, 0)
	wantSequence(t, got, sent-int(st.AtRisk))
	if b, _ := l.Unwritten(uint64(len(got))); len(b.Records) != int(st.AtRisk) {
		t.Errorf("got %d hits unwritten; want %d", len(b.Records), st.AtRisk)
	}
	room = 1 << 30
	if _, err := l.Drain(); err != nil {
		t.Fatal(err)
	}
	got, missing := links(t, l, 0)
	wantSequence(t, got, sent)
	if st := l.Status(); st.AtRisk != 0 || st.Fault != "" || missing != 0 {
		t.Errorf("got %+v, %d missing; want all in order", st, missing)
	}
	send(10)
	if _, err := l.Drain(); err != nil {
		t.Fatal(err)
	}
	got, _ = links(t, l, 0)
	wantSequence(t, got, sent)

	room = 0
	send(5000) // more than memory may take
	if st := l.Status(); st.Lost == 0 {
		t.Errorf("got %+v; want hits told lost", st)
	}
	room = 1 << 30
}

func TestRealFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("cannot mount a small tmpfs here: %v", err)
	}
	defer unix.Unmount(dir, 0)
	l := mustOpen(t, filepath.Join(dir, "ledger"), 0, Options{RingBytes: 64 << 10})
	sent := 0
	for l.Status().Fault == "" && sent < 100_000 {
		for range 50 {
			h := hitNumber(sent)
			h.Agent = bytes.Repeat([]byte{byte('a' + sent%26)}, 200+sent%200)
			l.Append(&h)
			sent++
		}
		_, _ = l.Drain() // the fault is what is waited for
	}
	if st := l.Status(); st.AtRisk == 0 || !strings.Contains(st.Fault, "no space") {
		t.Errorf("got %+v; want hits at risk for want of space", st)
	}
	if err := unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Drain(); err != nil {
		t.Fatal(err)
	}
	got, _ := links(t, l, 0)
	wantSequence(t, got, sent)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// volatile is a file whose writes reach the disk when it is synced.
type volatile struct {
	file
	path  string
	power *power
}

type write struct {
	off  int64
	data []byte
}

// power keeps, for each file, what is on the disk and what is on its way.
type power struct {
	durable map[string][]byte
	pending map[string][]write
}

func (f volatile) WriteAt(b []byte, off int64) (int, error) {
	f.power.pending[f.path] = append(f.power.pending[f.path], write{off, slices.Clone(b)})
	return f.file.WriteAt(b, off)
}

func (f volatile) Sync() error {
	for _, w := range f.power.pending[f.path] {
		f.power.durable[f.path] = apply(f.power.durable[f.path], w)
	}
	delete(f.power.pending, f.path)
	return f.file.Sync()
}

func apply(b []byte, w write) []byte {
	if need := int(w.off) + len(w.data); need > len(b) {
		b = append(b, make([]byte, need-len(b))...)
	}
	copy(b[w.off:], w.data)
	return b
}

// cut writes the segments as they might be after the power failed: synced bytes
// and any sectors of those on their way. The ring keeps any of its pages, old
// or new.
func (p *power) cut(t *testing.T, dir string, oldRing []byte) string {
	t.Helper()
	died := copyFolder(t, dir)
	for path := range p.pending {
		b := slices.Clone(p.durable[path])
		for _, w := range p.pending[path] {
			for off := 0; off < len(w.data); off += 512 {
				if rand.IntN(2) == 0 {
					b = apply(b, write{w.off + int64(off), w.data[off:min(off+512, len(w.data))]})
				}
			}
		}
		if err := os.WriteFile(filepath.Join(died, filepath.Base(path)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ring, err := os.ReadFile(filepath.Join(died, "ring"))
	if err != nil {
		t.Fatal(err)
	}
	for off := 0; off < len(ring); off += 4096 {
		if rand.IntN(2) == 0 {
			copy(ring[off:off+4096], oldRing[off:])
		}
	}
	if err := os.WriteFile(filepath.Join(died, "ring"), ring, 0o600); err != nil {
		t.Fatal(err)
	}
	return died
}

func TestPowerLossLeavesWhatWasSynced(t *testing.T) {
	dir := t.TempDir()
	p := &power{durable: make(map[string][]byte), pending: make(map[string][]write)}
	l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10, SegmentBytes: 16 << 10})
	defer l.Close()
	l.open = func(path string, flag int) (file, error) {
		f, err := openDisk(path, flag)
		return volatile{f, path, p}, err
	}
	oldRing, err := os.ReadFile(filepath.Join(dir, "ring"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4000 {
		h := hitNumber(i)
		l.Append(&h)
		switch r := rand.IntN(200); {
		case r < 8:
			if _, err := l.Drain(); err != nil {
				t.Fatal(err)
			}
		case r < 10:
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
		case r == 10:
			if oldRing, err = os.ReadFile(filepath.Join(dir, "ring")); err != nil {
				t.Fatal(err)
			}
		case r < 13:
			synced := l.Status().Synced
			again := mustOpen(t, p.cut(t, dir, oldRing), synced, Options{})
			got, missing := links(t, again, 0)
			if len(got) < int(synced) || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Fatalf("got %d hits, %d missing; want the %d synced ones, each once", len(got), missing, synced)
			}
			wantSequence(t, got[:synced], int(synced))
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func FuzzBlock(f *testing.F) {
	var b builder
	b.reset(7)
	var s stamped
	salt := newSalt(hitTime)
	for i := range 20 {
		h := hitNumber(i)
		salt.stamp(&s, &h, i%2 == 0)
		b.add(&s)
	}
	f.Add(b.appendTo(nil, 1), true)
	f.Add([]byte("HBLK"), false)
	f.Fuzz(func(t *testing.T, raw []byte, sign bool) {
		if sign && len(raw) >= blockHeader {
			// Past the checksums, into the parser.
			raw = slices.Clone(raw)
			binary.LittleEndian.PutUint32(raw, blockMagic)
			binary.LittleEndian.PutUint32(raw[20:], uint32(len(raw)-blockHeader))
			binary.LittleEndian.PutUint32(raw[24:], crcOf(raw[blockHeader:], 0))
			binary.LittleEndian.PutUint32(raw[4:], crcOf(raw[8:blockHeader], 1))
		}
		h, ok := parseHeader(raw, 1)
		if !ok {
			return
		}
		var blk Block
		if err := blk.decode(&h, raw[blockHeader:]); err == nil && len(blk.Records) != int(h.count) {
			t.Errorf("got %d records; want %d", len(blk.Records), h.count)
		}
		if _, _, err := findBlock(bytes.NewReader(raw), 0, int64(len(raw)), 0, 1, make([]byte, 4096)); err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

func crcOf(b []byte, seed uint32) uint32 { return crc32.Update(seed, castagnoli, b) }
