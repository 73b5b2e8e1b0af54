package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Errors of the files themselves.
var (
	// ErrInUse is returned when another process, or another store of this one,
	// has the file open.
	ErrInUse = errors.New("in use by another process")
	// ErrFile is returned when a file is not what its name promises: it was
	// written by another program or another version, or it is damaged.
	ErrFile = errors.New("not a usable file")
	// ErrClosed is returned by every method of a store that was closed.
	ErrClosed = errors.New("store is closed")
	// ErrDamaged is returned when a record cannot be read.
	ErrDamaged = errors.New("record is damaged")
)

// lockWait is how long a file's lock is waited for: long enough for the two
// tries that bbolt makes 50 ms apart, short enough that a person who starts the
// program twice sees the reason at once.
const lockWait = 100 * time.Millisecond

// mapSize is the address space reserved for a file, 256 GiB: more than a billion
// links. bbolt has to map a file anew when it outgrows its mapping, and then
// waits for all readers and stops all new ones. With the space reserved from the
// start growing never does that. Address space is all it costs: the mapping is
// read-only and shared, so the kernel accounts only for pages that are read.
const mapSize int64 = 256 << 30

// kind is what a file holds, as its first record says: the bucket meta has under
// the key "format" the version, a big-endian uint32, followed by the name.
type kind struct {
	name    string
	version uint32
	buckets [][]byte // made when the file is new
}

// The bucket and the key that say what a file holds.
var (
	metaBucket = []byte("meta")
	formatKey  = []byte("format")
)

// openFile opens or makes the file at path. roomy says that the mapping has room
// to grow, so that readers may stay open beside a writer.
func openFile(path string, k kind) (db *bbolt.DB, roomy bool, err error) {
	roomy = mapAhead && strconv.IntSize == 64
	db, err = openBolt(path, roomy)
	if roomy && errors.Is(err, syscall.ENOMEM) {
		// A limit on address space (ulimit -v) refuses the mapping.
		roomy = false
		db, err = openBolt(path, roomy)
	}
	if err != nil {
		return nil, false, err
	}
	if err := guard(path, func() error { return k.check(db) }); err != nil {
		db.Close()
		return nil, false, err
	}
	return db, roomy, nil
}

// openBolt opens the file and turns bbolt's errors into ours.
func openBolt(path string, roomy bool) (db *bbolt.DB, err error) {
	var file *os.File
	options := &bbolt.Options{
		Timeout: lockWait,
		// Finding a run of free pages is a map access, not a scan of the list.
		FreelistType: bbolt.FreelistMapType,
		// The free list is stored: without it opening reads every page of the file.
		NoFreelistSync: false,
		// The statistics are a lock that all read transactions share.
		NoStatistics: true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	}
	if roomy {
		size := mapSize // a variable, so that this compiles where int has 32 bits
		options.InitialMmapSize = int(size)
	}
	err = guard(path, func() error {
		db, err = bbolt.Open(path, 0o600, options)
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s is %w; stop that one first", path, ErrInUse)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("%s: %w: no bbolt file, or damaged (%w); move it away or put a backup in its place", path, ErrFile, err)
	case errors.Is(err, ErrFile) && file != nil:
		file.Close() // bbolt gave up half way: this gives the lock back
	}
	return nil, err
}

// guard calls fn and turns the panics with which bbolt meets a damaged file,
// and faults in the mapping of a file that was cut short, into ErrFile.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %w: damaged (%v); put a backup in its place", path, ErrFile, p)
		}
	}()
	return fn()
}

// check says whether db holds k, and makes a new file into one that does.
func (k kind) check(db *bbolt.DB) error {
	format := append(binary.BigEndian.AppendUint32(nil, k.version), k.name...)
	fresh := false
	err := db.View(func(tx *bbolt.Tx) error {
		if info, err := os.Stat(db.Path()); err != nil {
			return err
		} else if tx.Size() > info.Size() {
			return fmt.Errorf("%s: %w: cut short, %d of %d bytes are left; put a backup in its place", db.Path(), ErrFile, info.Size(), tx.Size())
		}
		if first, _ := tx.Cursor().First(); first == nil {
			fresh = true
			return nil
		}
		var stored []byte
		if meta := tx.Bucket(metaBucket); meta != nil {
			stored = meta.Get(formatKey)
		}
		if len(stored) < 4 || string(stored[4:]) != k.name {
			return fmt.Errorf("%s: %w: it holds no %s of Herald; move it away, or name another data folder", db.Path(), ErrFile, k.name)
		}
		if version := binary.BigEndian.Uint32(stored); version != k.version {
			return fmt.Errorf("%s: %w: it has format %d, this program reads format %d; run the program that wrote it, or put a backup in its place",
				db.Path(), ErrFile, version, k.version)
		}
		for _, name := range k.buckets {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("%s: %w: bucket %s is missing; put a backup in its place", db.Path(), ErrFile, name)
			}
		}
		return nil
	})
	if err != nil || !fresh {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for _, name := range k.buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		meta, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		return meta.Put(formatKey, format)
	})
}

// closedError turns bbolt's error for a closed file into ErrClosed.
func closedError(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
