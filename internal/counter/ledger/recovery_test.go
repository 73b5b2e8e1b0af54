package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// fill appends n hits from number first on, and drains them when told to.
func fill(t *testing.T, l *Ledger, first, n int, drain bool) {
	t.Helper()
	for i := range n {
		h := hitNumber(first + i)
		l.Append(&h)
	}
	if !drain {
		return
	}
	if _, err := l.Drain(); err != nil {
		t.Fatal(err)
	}
}

func TestFlippedBitInTheRingsPositionsCostsNothing(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10})
	defer l.Close()
	fill(t, l, 0, 60, true)
	fill(t, l, 60, 40, false)
	for bit := 32 * 8; bit < 48*8; bit++ {
		died := copyFolder(t, dir)
		if err := rewrite(filepath.Join(died, "ring"), func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b }); err != nil {
			t.Fatal(err)
		}
		again := mustOpen(t, died, 0, Options{})
		got, missing := links(t, again, 0)
		wantSequence(t, got, 100)
		if missing != 0 {
			t.Errorf("bit %d: got %d missing; want none", bit, missing)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedEndComesBackFromTheRing(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   int64 // of the flipped byte, from the beginning or, below zero, the end
	}{
		{"header of the last segment", 40},
		{"last block", -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10})
			defer l.Close()
			fill(t, l, 0, 60, true)
			fill(t, l, 60, 40, true)
			died := copyFolder(t, dir)
			if err := rewrite(segmentPath(died, 0), func(b []byte) []byte {
				b[(int(tt.at)+len(b))%len(b)] ^= 1
				return b
			}); err != nil {
				t.Fatal(err)
			}
			again := mustOpen(t, died, 0, Options{})
			defer again.Close()
			fill(t, again, 100, 10, true)
			got, _ := links(t, again, 0)
			wantSequence(t, got, 110)
		})
	}
}

func TestFilesSetAsideTwiceAreBothKept(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"one", "two"} {
		for _, name := range []string{"ring", filepath.Base(segmentPath("", 0))} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10}).Close(); err != nil {
			t.Fatal(err)
		}
	}
	aside, err := filepath.Glob(filepath.Join(dir, "*.unreadable*"))
	if err != nil || len(aside) != 4 {
		t.Errorf("got %v, %v; want two rings and two segments set aside", aside, err)
	}
}

func TestRingThatWasNeverBegunIsFresh(t *testing.T) {
	for _, size := range []int{100, ringHeader + 100, ringHeader + 64<<10} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "ring"), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10})
		fill(t, l, 0, 10, true)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if aside, err := filepath.Glob(filepath.Join(dir, "*.unreadable*")); err != nil || len(aside) != 0 {
			t.Errorf("%d zeros: got %v, %v set aside; want nothing: death may come while the ring is made", size, aside, err)
		}
	}
}

func TestSegmentThatWasNeverBegunIsRemoved(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10})
	fill(t, l, 0, 10, true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	empty := segmentPath(dir, 10) // the next one
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, 10, Options{RingBytes: 64 << 10})
	if _, err := os.Stat(empty); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v; want the empty segment removed", err)
	}
	fill(t, l, 10, 10, true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if aside, err := filepath.Glob(filepath.Join(dir, "*.unreadable*")); err != nil || len(aside) != 0 {
		t.Errorf("got %v, %v set aside; want nothing: death may come while a segment is made", aside, err)
	}
}

// A ring that is in order is never given up because the disk is full.
func TestSparseRingOnAFullDisk(t *testing.T) {
	from := t.TempDir()
	l := mustOpen(t, from, 0, Options{RingBytes: 64 << 10})
	defer l.Close()
	fill(t, l, 0, 40, false)
	ring, err := os.ReadFile(filepath.Join(from, "ring"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=48k"); err != nil {
		t.Skipf("cannot mount a small tmpfs here: %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	// A backup that leaves out zeros gives a file with holes.
	path := filepath.Join(dir, "ring")
	if err := os.WriteFile(path, ring[:ringHeader+8<<10], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(ring))); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10})
	defer again.Close()
	if st := again.Status(); st.Fault == "" {
		t.Errorf("got %+v; want the full disk told", st)
	}
	if err := unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Drain(); err != nil {
		t.Fatal(err)
	}
	got, _ := links(t, again, 0)
	wantSequence(t, got, 40)
}

// events is a disk that notes what is asked of its files.
type events struct {
	file
	name string
	seen *[]string
}

func (f events) Sync() error {
	*f.seen = append(*f.seen, f.name)
	return f.file.Sync()
}

func TestSourceIsSyncedBeforeItBearsItsName(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "ledger")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10}) // cannot use the folder yet
	defer l.Close()
	var seen []string
	l.open = func(path string, flag int) (file, error) {
		f, err := openDisk(path, flag)
		return events{f, filepath.Base(path), &seen}, err
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	fill(t, l, 0, 1, true)
	if !slices.Contains(seen, "source.new") {
		t.Errorf("got syncs of %v; want source.new among them", seen)
	}
}

// counting is a file that counts the bytes read.
type counting struct {
	file
	read *int
}

func (f counting) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.file.ReadAt(b, off)
	*f.read += n
	return n, err
}

// A quiet server writes a block for each hit: opening must not read the rest of
// the segment for each of them.
func TestSmallBlocksAreReadOnce(t *testing.T) {
	l := mustOpen(t, t.TempDir(), 0, Options{RingBytes: 64 << 10})
	defer l.Close()
	for i := range 2000 {
		fill(t, l, i, 1, true)
	}
	read := 0
	l.open = func(path string, flag int) (file, error) {
		f, err := openDisk(path, flag)
		return counting{f, &read}, err
	}
	s := *l.segments[0]
	last, err := l.recoverTail(&s)
	if err != nil || last.end() != 2000 {
		t.Fatalf("got %+v, %v; want the last block to end with hit 2000", last, err)
	}
	if most := int(s.size) + markEvery; read > most {
		t.Errorf("got %d bytes read of a segment of %d; want %d at most", read, s.size, most)
	}
}

// What a killed process had written, but not synced, is counted soon after the
// next start: it must be synced by then.
func TestSegmentsOfAKilledProcessAreSynced(t *testing.T) {
	before := mustOpen(t, t.TempDir(), 0, Options{RingBytes: 64 << 10, SegmentBytes: 4 << 10})
	defer before.Close()
	for i := range 30 {
		fill(t, before, 20*i, 20, true)
	}
	if len(before.segments) < 4 {
		t.Fatalf("got %d segments; want 4 or more", len(before.segments))
	}
	var want []string
	for _, s := range before.segments[1:] {
		want = append(want, filepath.Base(s.path))
	}
	dir := filepath.Join(t.TempDir(), "ledger")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, dir, before.segments[1].first, Options{RingBytes: 64 << 10}) // cannot use the folder yet
	defer l.Close()
	var seen []string
	l.open = func(path string, flag int) (file, error) {
		f, err := openDisk(path, flag)
		return events{f, filepath.Base(path), &seen}, err
	}
	if err := errors.Join(os.Remove(dir), os.Rename(copyFolder(t, before.dir), dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Drain(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, want) {
		t.Errorf("got syncs of %v; want %v: all but what is counted", seen, want)
	}
}
