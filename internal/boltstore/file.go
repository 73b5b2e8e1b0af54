package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
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
	added   [][]byte // those of buckets that files of this version may lack; made when they do
}

// The bucket and the key that say what a file holds.
var (
	metaBucket = []byte("meta")
	formatKey  = []byte("format")
)

// openFile opens or makes the file at path. roomy says that the mapping has room
// to grow, so that readers may stay open beside a writer.
func openFile(path string, k kind) (db *bbolt.DB, roomy bool, err error) {
	if err := k.look(path); err != nil {
		return nil, false, err
	}
	options := bbolt.Options{
		// Finding a run of free pages is a map access, not a scan of the list.
		FreelistType: bbolt.FreelistMapType,
		// The free list is stored: without it opening reads every page of the file.
		NoFreelistSync: false,
	}
	if mapAhead && strconv.IntSize == 64 {
		size := mapSize // a variable, so that this compiles where int has 32 bits
		options.InitialMmapSize = int(size)
		roomy = true
	}
	db, err = openBolt(path, options)
	if roomy && errors.Is(err, syscall.ENOMEM) {
		// A limit on address space (ulimit -v) refuses the mapping.
		options.InitialMmapSize, roomy = 0, false
		db, err = openBolt(path, options)
	}
	if err != nil {
		return nil, false, err
	}
	if err := db.Update(k.make); err != nil && !errors.Is(err, errUnchanged) {
		db.Close()
		return nil, false, fmt.Errorf("write %s: %w", path, err)
	}
	return db, roomy, nil
}

// look refuses the file at path if it does not hold k, before anything in it is
// changed. A file that is not there or empty is fine.
func (k kind) look(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	// Opened for reading, bbolt touches no page but the first two, which it
	// verifies; so the length of the file can be checked before it faults.
	db, err := openBolt(path, bbolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return guard(path, func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if info, err := os.Stat(path); err != nil {
				return err
			} else if tx.Size() > info.Size() {
				return fmt.Errorf("%s: %w: cut short, %d of %d bytes are left; put a backup in its place", path, ErrFile, info.Size(), tx.Size())
			}
			return k.check(path, tx)
		})
	})
}

// openBolt opens the file and turns bbolt's errors into ours.
func openBolt(path string, options bbolt.Options) (db *bbolt.DB, err error) {
	options.Timeout = lockWait
	options.NoStatistics = true // they are a lock that all read transactions share
	err = guard(path, func() error {
		db, err = bbolt.Open(path, 0o600, &options)
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s is %w; stop that one first", path, ErrInUse)
	case errors.Is(err, ErrFile):
		return nil, err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		if _, named := errors.AsType[*fs.PathError](err); named {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %w", path, errno)
	}
	return nil, fmt.Errorf("%s: %w: no bbolt file, or damaged (%w); move it away or put a backup in its place", path, ErrFile, err)
}

// guard calls fn and turns the panics with which bbolt meets a damaged file into
// ErrFile, and faults in its mapping, too.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %w: damaged (%v); put a backup in its place", path, ErrFile, p)
		}
	}()
	return fn()
}

// format is the record that says that a file holds k.
func (k kind) format() []byte {
	return append(binary.BigEndian.AppendUint32(nil, k.version), k.name...)
}

// check says whether the file at path holds k, or nothing yet.
func (k kind) check(path string, tx *bbolt.Tx) error {
	if first, _ := tx.Cursor().First(); first == nil {
		return nil
	}
	var stored []byte
	if meta := tx.Bucket(metaBucket); meta != nil {
		stored = meta.Get(formatKey)
	}
	if len(stored) < 4 || string(stored[4:]) != k.name {
		return fmt.Errorf("%s: %w: it holds no %s of Herald; move it away, or name another data folder", path, ErrFile, k.name)
	}
	if version := binary.BigEndian.Uint32(stored); version != k.version {
		return fmt.Errorf("%s: %w: it has format %d, this program reads format %d; run the program that wrote it, or put a backup in its place",
			path, ErrFile, version, k.version)
	}
	for _, name := range k.buckets {
		if tx.Bucket(name) == nil && !k.mayLack(name) {
			return fmt.Errorf("%s: %w: bucket %s is missing; put a backup in its place", path, ErrFile, name)
		}
	}
	return nil
}

// mayLack says whether a file of the version may be without a bucket.
func (k kind) mayLack(bucket []byte) bool {
	return slices.ContainsFunc(k.added, func(name []byte) bool { return bytes.Equal(name, bucket) })
}

// make turns an empty file into one that holds k, and gives one that holds it the
// buckets that were added. It returns errUnchanged when there is nothing to do.
func (k kind) make(tx *bbolt.Tx) error {
	if first, _ := tx.Cursor().First(); first != nil {
		result := errUnchanged
		for _, name := range k.added {
			if tx.Bucket(name) != nil {
				continue
			}
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
			result = nil
		}
		return result
	}
	for _, name := range k.buckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta, err := tx.CreateBucket(metaBucket)
	if err != nil {
		return err
	}
	return meta.Put(formatKey, k.format())
}

// errUnchanged rolls a transaction back in which nothing was written.
var errUnchanged = errors.New("nothing was written")

// closedError turns bbolt's error for a closed file into ErrClosed.
func closedError(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
