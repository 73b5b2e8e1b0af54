package boltstore

import (
	"bytes"
	"sync"

	"go.etcd.io/bbolt"
)

// lately is a bucket of what is known for a while. Its keys begin with the date up to
// which an entry counts, or from which, in Unix milliseconds: so the file grows at the
// end and is swept at the beginning, and does not get a page anywhere dirty for each
// entry. What is there is kept in memory, where it is found. It is safe for concurrent
// use.
type lately[V any] struct {
	bucket []byte
	parse  func(record []byte) (V, bool)

	mu    sync.Mutex // protects known
	known map[[32]byte]dated[V]
}

// dated is an entry.
type dated[V any] struct {
	date  int64
	value V
}

func newLately[V any](bucket []byte, parse func([]byte) (V, bool)) *lately[V] {
	return &lately[V]{bucket: bucket, parse: parse, known: make(map[[32]byte]dated[V])}
}

// load makes known what the file has, and nothing else. Entries that are damaged are left
// for the sweep: they would have been forgotten soon.
func (l *lately[V]) load(tx *bbolt.Tx) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.known)
	c := tx.Bucket(l.bucket).Cursor()
	for key, record := c.First(); key != nil; key, record = c.Next() {
		if len(key) != 8+32 {
			continue
		}
		if value, ok := l.parse(record); ok {
			l.known[[32]byte(key[8:])] = dated[V]{parseDate(key), value}
		}
	}
}

// get finds an entry.
func (l *lately[V]) get(key [32]byte) (d dated[V], known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, known = l.known[key]
	return d, known
}

// set makes an entry known in memory.
func (l *lately[V]) set(key [32]byte, d dated[V]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[key] = d
}

// forget takes an entry of a date out of the memory: one that came in its place stays.
func (l *lately[V]) forget(key [32]byte, date int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d, known := l.known[key]; known && d.date == date {
		delete(l.known, key)
	}
}

// lost forgets an entry whose commit failed, unless the file has it: when a disk fails at
// the very end of a commit, what was written may be there.
func (l *lately[V]) lost(tx *bbolt.Tx, key [32]byte, date int64) {
	wanted := latelyKey(date, key)
	if found, _ := tx.Bucket(l.bucket).Cursor().Seek(wanted); !bytes.Equal(found, wanted) {
		l.forget(key, date)
	}
}

// size is how many entries are in memory.
func (l *lately[V]) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.known)
}

// write writes an entry that is known, in the place of one of an older date; 0: of none.
func (l *lately[V]) write(w *sharingWriter, key [32]byte, date, older int64, record []byte) {
	if older != 0 && older != date {
		w.remove(l.bucket, latelyKey(older, key))
	}
	w.put(l.bucket, latelyKey(date, key), record)
}

// sweep forgets the entries of the earliest dates: at most so many, as long as more
// than keep are known, or a date is not after until. A key that is none goes, too: it
// would hold up the sweep for ever.
func (l *lately[V]) sweep(w *sharingWriter, until int64, keep, most int) {
	over := l.size() - keep
	var old [][]byte
	c := w.tx.Bucket(l.bucket).Cursor()
	for key, _ := c.First(); key != nil && len(old) < most && (len(key) != 8+32 || len(old) < over || parseDate(key) <= until); key, _ = c.Next() {
		old = append(old, bytes.Clone(key))
	}
	for _, key := range old {
		w.remove(l.bucket, key)
		if len(key) == 8+32 {
			l.forget([32]byte(key[8:]), parseDate(key))
		}
	}
}

// latelyKey is a key of the bucket.
func latelyKey(date int64, key [32]byte) []byte { return append(appendDate(nil, date), key[:]...) }
