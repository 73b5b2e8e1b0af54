package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// attach takes the folder into use: lock, source, segments, ring, and the hits
// that an earlier process left in the ring. drainMu is held.
func (l *Ledger) attach() (err error) {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(l.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	defer func() {
		if err != nil {
			_ = lock.Close() // the first error is the one to tell
		}
	}()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("%w: %s", ErrInUse, l.dir)
		}
		return fmt.Errorf("lock ledger: %w", err)
	}
	if err := l.loadSource(); err != nil {
		return err
	}
	l.loadSalt(l.opts.Now())
	segs, err := l.loadSegments()
	if err != nil {
		return err
	}
	floor := l.written.Load()
	end := floor // the ordinal that comes next
	if n := len(segs); n > 0 {
		last, err := l.recoverTail(segs[n-1])
		if err != nil {
			return err
		}
		end = max(segs[n-1].first, last.end())
	}
	if err := l.syncSegments(segs, floor); err != nil {
		return err
	}
	r, err := l.openRing()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = r.close() // the first error is the one to tell
		}
	}()
	l.segMu.Lock()
	l.segments = segs
	l.segMu.Unlock()
	if len(segs) > 0 && end < floor {
		l.log.Error("the ledger ends before the counts that were made from it; the counts stand", "ledger", end, "counts", floor)
	}
	if end, err = l.recoverRing(r, max(end, floor)); err != nil {
		return err
	}
	var epoch [8]byte
	if _, err := rand.Read(epoch[:]); err != nil {
		panic("BUG: crypto/rand never fails: " + err.Error())
	}
	r.begin(binary.LittleEndian.Uint64(epoch[:]), end)
	r.warmAll()
	l.written.Store(end)
	l.synced.Store(end)
	l.lock = lock
	l.mu.Lock()
	l.ring, l.next = r, end
	l.mu.Unlock()
	return nil
}

// loadSource reads the ledger's UUID, or makes it together with the ledger.
func (l *Ledger) loadSource() error {
	path := filepath.Join(l.dir, "source")
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		source, err := uuid.ParseBytes(raw)
		if err != nil {
			return fmt.Errorf("read ledger's source from %s: %w; restore the file, its UUID stands at byte 16 of every segment", path, err)
		}
		l.setSource(source)
	case errors.Is(err, os.ErrNotExist):
		source := uuid.New()
		if err := l.storeSource(path, source); err != nil {
			return fmt.Errorf("store ledger's source: %w", err)
		}
		l.setSource(source)
	default:
		return fmt.Errorf("read ledger's source: %w", err)
	}
	return nil
}

// storeSource renames the file into place whole and synced: half a UUID, or
// none, would be an error for ever.
func (l *Ledger) storeSource(path string, source uuid.UUID) error {
	f, err := l.open(path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt([]byte(source.String()), 0); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	// The folder may be new, too.
	return errors.Join(syncDir(l.dir), syncDir(filepath.Dir(l.dir)))
}

func (l *Ledger) setSource(source uuid.UUID) {
	l.segMu.Lock()
	l.source = source
	l.segMu.Unlock()
	l.seed = crc32.Checksum(source[:], castagnoli)
}

// syncSegments makes durable what a process that died may only have written.
// What comes before floor was counted, and therefore synced.
func (l *Ledger) syncSegments(segs []*segment, floor uint64) error {
	for i, s := range segs {
		if i+1 < len(segs) && segs[i+1].first <= floor {
			continue
		}
		f, err := l.open(s.path, os.O_RDONLY)
		if err != nil {
			return fmt.Errorf("sync segment: %w", err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("sync segment: %w", err)
		}
	}
	return nil
}

// openRing opens the ring, or makes one; a file that is no ring is set aside.
func (l *Ledger) openRing() (*ring, error) {
	path := filepath.Join(l.dir, "ring")
	r, err := openRing(path, l.opts.RingBytes)
	if errors.Is(err, errRing) {
		if err := l.setAside(path, err); err != nil {
			return nil, err
		}
		return openRing(path, l.opts.RingBytes)
	}
	return r, err
}

// setAside renames a file that cannot be used, so that a person may look at it,
// and reports it. Files set aside earlier are kept.
func (l *Ledger) setAside(path string, cause error) error {
	aside := path + ".unreadable"
	for i := 2; ; i++ {
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s.unreadable.%d", path, i)
	}
	l.log.Error("file of the ledger set aside", "file", aside, "cause", cause)
	if err := os.Rename(path, aside); err != nil {
		return fmt.Errorf("set file aside: %w", err)
	}
	return nil
}

// recoverRing writes the records in the ring with ordinals from end on, which
// are in no segment, into a segment of their own, synced, and returns the
// ordinal behind the last one. Only the records are asked: of what the ring's
// header says of them nothing is needed, so that nothing depends on the moment
// at which the process died.
func (l *Ledger) recoverRing(r *ring, end uint64) (uint64, error) {
	records := r.records(end)
	if len(records) == 0 {
		return end, nil
	}
	var h stamped
	for _, rec := range records {
		if l.build.count == blockHits || l.build.count > 0 && l.build.first+uint64(l.build.count) != rec.ordinal {
			l.flushBlock()
		}
		if l.build.count == 0 {
			l.build.reset(rec.ordinal)
		}
		h.decode(rec.bytes)
		l.build.add(&h)
	}
	l.flushBlock()
	behind := records[len(records)-1].ordinal + 1
	if err := l.writeOut(behind); err != nil {
		return 0, err
	}
	if err := l.active.Sync(); err != nil {
		return 0, fmt.Errorf("sync ledger: %w", err)
	}
	l.log.Info("hits of the last process written to the ledger", "hits", len(records), "unreadable", behind-end-uint64(len(records)))
	return behind, nil
}
