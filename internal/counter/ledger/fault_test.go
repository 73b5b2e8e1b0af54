package ledger

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestSegmentRemovedWhileTheLedgerIsInUse(t *testing.T) {
	l := mustOpen(t, t.TempDir(), 0, Options{RingBytes: 64 << 10, SegmentBytes: 4 << 10})
	defer l.Close()
	for i := range 50 {
		fill(t, l, 20*i, 20, true)
	}
	if err := os.Remove(l.segments[1].path); err != nil {
		t.Fatal(err)
	}
	gone := l.segments[2].first - l.segments[1].first
	if got, missing := links(t, l, 0); missing != gone || uint64(len(got))+missing != 1000 {
		t.Errorf("got %d hits and %d missing; want %d missing of 1000", len(got), missing, gone)
	}
}

// syncing is a file whose Sync is asked first.
type syncing struct {
	file
	sync func() error
}

func (f *syncing) Sync() error {
	if err := f.sync(); err != nil {
		return err
	}
	return f.file.Sync()
}

func TestSyncFailsWhileTheNextSegmentIsStarted(t *testing.T) {
	l := mustOpen(t, t.TempDir(), 0, Options{RingBytes: 64 << 10, SegmentBytes: 4 << 10})
	defer l.Close()
	var synced []string
	sent := 0
	l.open = func(path string, flag int) (file, error) {
		f, err := openDisk(path, flag)
		return &syncing{f, func() error {
			for len(l.segments) == 1 { // the first sync fails, and meanwhile the segment is full
				fill(t, l, sent, 20, true)
				if sent += 20; len(l.segments) == 2 {
					return syscall.EIO
				}
			}
			synced = append(synced, path)
			return nil
		}}, err
	}
	fill(t, l, sent, 1, true)
	sent++
	if err := l.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v; want %v", err, syscall.EIO)
	}
	if err := l.Sync(); err != nil {
		t.Errorf("got %v; want the other segment synced", err)
	}
	if second := l.segments[1].path; !slices.Contains(synced, second) {
		t.Errorf("got syncs of %v; want one of %s", synced, second)
	}
	if st := l.Status(); st.Segments != 2 || st.Synced != uint64(sent) {
		t.Errorf("got %+v; want %d hits synced in two segments", st, sent)
	}
}

func TestAlwaysWaitsAlsoWithoutRoomInTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustOpen(t, t.TempDir(), 0, Options{RingBytes: 64 << 10, Always: true})
		defer l.Close()
		const n = 100 // of 1,600 bytes
		var answered atomic.Int32
		for i := range n {
			h := hitNumber(i)
			h.Agent, h.Referrer = bytes.Repeat([]byte("a"), maxAgent), bytes.Repeat([]byte("r"), maxReferrer)
			go func() {
				l.Append(&h)
				answered.Add(1)
			}()
		}
		synctest.Wait()
		if st := l.Status(); st.AtRisk == 0 || answered.Load() != 0 {
			t.Errorf("got %+v and %d answers; want hits beside the ring, and no answer before the sync", st, answered.Load())
		}
		if _, err := l.Drain(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if answered.Load() != 0 {
			t.Errorf("got %d answers; want none before the sync", answered.Load())
		}
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if answered.Load() != n {
			t.Errorf("got %d answers; want %d", answered.Load(), n)
		}
	})
}

func TestHitsAtRiskWhileRecoveryFails(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "ledger")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, dir, 0, Options{})
	defer l.Close()
	before := mustOpen(t, t.TempDir(), 0, Options{RingBytes: 64 << 10})
	defer before.Close()
	fill(t, before, 0, 40, false)
	if err := errors.Join(os.Remove(dir), os.Rename(copyFolder(t, before.dir), dir)); err != nil {
		t.Fatal(err)
	}
	disk := syscall.EIO
	l.open = func(path string, flag int) (file, error) {
		f, err := openDisk(path, flag)
		return &syncing{f, func() error {
			if disk != 0 && strings.HasSuffix(path, segmentSuffix) {
				return disk
			}
			return nil
		}}, err
	}
	fill(t, l, 40, 3, false)
	if _, err := l.Drain(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v; want %v", err, syscall.EIO)
	}
	if st := l.Status(); st.AtRisk != 3 {
		t.Errorf("got %d hits at risk; want the 3 in memory", st.AtRisk)
	}
	disk = 0
	fill(t, l, 43, 2, true)
	got, missing := links(t, l, 0)
	wantSequence(t, got, 45)
	if missing != 0 {
		t.Errorf("got %d missing; want none", missing)
	}
}

func TestUnwrittenHitsThatWereWrittenMeanwhile(t *testing.T) {
	l := mustOpen(t, t.TempDir(), 0, Options{RingBytes: 64 << 10})
	defer l.Close()
	fill(t, l, 0, 5, false)
	if b, ok := l.Unwritten(0); !ok || len(b.Records) != 5 {
		t.Errorf("got %v, %t; want 5 hits", b, ok)
	}
	fill(t, l, 5, 2, true)
	if b, ok := l.Unwritten(0); ok {
		t.Errorf("got %v; want to be told that segments hold them now", b)
	}
	if b, ok := l.Unwritten(7); !ok || b != nil {
		t.Errorf("got %v, %t; want nothing", b, ok)
	}
}

func TestSecondOpenerIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, 0, Options{})
	if _, err := Open(dir, 0, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v; want %v", err, ErrInUse)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, 0, Options{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDrainAfterClose(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, 0, Options{RingBytes: 64 << 10})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Drain(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v; want %v", err, os.ErrClosed)
	}
	// The folder is free.
	if err := mustOpen(t, dir, 0, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSyncThatGoesOnFailingIsTriedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustOpen(t, t.TempDir(), 0, Options{RingBytes: 64 << 10})
		l.open = func(path string, flag int) (file, error) {
			f, err := openDisk(path, flag)
			return &syncing{f, func() error { return syscall.EIO }}, err
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		const seconds = 5
		for i := range seconds * 10 {
			fill(t, l, i, 1, false)
			time.Sleep(100 * time.Millisecond)
		}
		stop()
		t.Logf("Run ended with: %v", <-done) // the hits of its last moment may be synced or not
		if st := l.Status(); st.Segments > seconds+2 {
			t.Errorf("got %d segments; want about one a second", st.Segments)
		}
		_ = l.Close() // cannot sync either
	})
}
