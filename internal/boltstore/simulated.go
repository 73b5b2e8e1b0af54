package boltstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"herald.example/internal/network/simulated"
)

// Bounds of the simulated network's file.
const (
	maxSimulatedPosts = 100_000   // the newest are kept; 60 MB of ordinary posts
	maxSimulatedMedia = 256 << 20 // bytes of pictures and videos; those of the newest posts are kept
	simulatedGroup    = 1000      // cost of a commit that callers share: posts, and 64 KiB of pictures each
)

// Simulated keeps the posts of the simulated network; it is a simulated.Store. All
// methods are safe for concurrent use.
//
// Unlike the other stores of this room it does not wait for the disk: a post
// survives the death of the process, not the loss of power. It is a toy's memory,
// and thousands of posts each second shall not take the disk away from what is in
// earnest. For the same reason a file that was damaged by a loss of power is put
// aside when it is opened, and a new one begun.
//
// The newest 100,000 posts are kept, and 256 MiB of pictures.
type Simulated struct {
	db    *bbolt.DB
	queue *queue[*simulatedWriter]
	aside string

	// keep and media are maxSimulatedPosts and maxSimulatedMedia; smaller in tests.
	keep, media uint64
}

// OpenSimulated opens the simulated network's posts in the file at path, which is
// made if it is not there. It returns an error that wraps ErrInUse when another
// store has the file open. The caller ends with Close.
func OpenSimulated(path string) (*Simulated, error) {
	s := &Simulated{keep: maxSimulatedPosts, media: maxSimulatedMedia}
	db, err := openSimulated(path)
	if errors.Is(err, ErrFile) {
		s.aside = path + ".damaged"
		if err := os.Rename(path, s.aside); err != nil {
			return nil, fmt.Errorf("open simulated network: %w", err)
		}
		db, err = openSimulated(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open simulated network: %w", err)
	}
	s.db = db
	s.queue = newQueue(simulatedGroup, s.writeGroup)
	return s, nil
}

// openSimulated opens the file and looks through it when it was not closed. The
// error wraps ErrFile when it cannot be used.
func openSimulated(path string) (*bbolt.DB, error) {
	db, _, err := openFile(path, simulatedKind)
	if err != nil {
		return nil, err
	}
	err = guard(path, func() error {
		return db.Update(func(tx *bbolt.Tx) error {
			meta := tx.Bucket(metaBucket)
			if meta.Get(simulatedCleanKey) == nil {
				for err := range tx.Check() {
					return fmt.Errorf("%s: %w: damaged (%w)", path, ErrFile, err)
				}
			}
			return meta.Delete(simulatedCleanKey)
		})
	})
	if err != nil {
		db.Close()
		return nil, err
	}
	db.NoSync = true // the mark above is on disk, so whatever is lost from here on is noticed
	return db, nil
}

// Aside is where a damaged file was put when the store was opened; empty: the file
// was good.
func (s *Simulated) Aside() string { return s.aside }

// Close writes everything to the disk and closes the file. Methods called later
// return ErrClosed.
func (s *Simulated) Close() error {
	err := s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(simulatedCleanKey, []byte{1}) })
	if err == nil {
		err = s.db.Sync()
	}
	if err = errors.Join(err, s.db.Close()); err != nil {
		return fmt.Errorf("close simulated network: %w", closedError(err))
	}
	return nil
}

// Put is simulated.Store.
func (s *Simulated) Put(ctx context.Context, p simulated.Post, once bool) (kept simulated.Post, made bool, err error) {
	value, err := appendSimulated(nil, p)
	if err != nil {
		return simulated.Post{}, false, fmt.Errorf("put simulated post: %w", err)
	}
	kept = p
	err = s.queue.commit(ctx, &change[*simulatedWriter]{
		cost: 1 + mediaSize(p)>>16,
		apply: func(w *simulatedWriter) error {
			if once && p.Key != "" {
				first, known, err := w.keyed(p)
				if known || err != nil {
					kept, made = first, false
					return err
				}
			}
			kept.Number, made = w.put(p, value), true
			return nil
		},
	})
	if err != nil {
		return simulated.Post{}, false, fmt.Errorf("put simulated post: %w", err)
	}
	return kept, made, nil
}

// mediaSize is the size of a post's pictures and videos, in bytes.
func mediaSize(p simulated.Post) int {
	size := 0
	for _, m := range p.Media {
		size += len(m.Data)
	}
	return size
}

// writeGroup commits a group of changes. The caller has the turn.
func (s *Simulated) writeGroup(_ []*change[*simulatedWriter], apply func(*simulatedWriter)) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		w := newSimulatedWriter(tx, s.keep, s.media)
		apply(w)
		return w.finish()
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// simulatedWriter writes posts in one transaction. The first failure of the storage
// is kept, and fails the transaction.
type simulatedWriter struct {
	posts, feeds, keys, pictures, meta *bbolt.Bucket

	keep, most uint64 // posts, and bytes of media
	media      uint64 // bytes that are kept
	written    bool
	err        error
}

func newSimulatedWriter(tx *bbolt.Tx, keep, most uint64) *simulatedWriter {
	w := &simulatedWriter{
		posts: tx.Bucket(simulatedPostsBucket), feeds: tx.Bucket(simulatedFeedsBucket), keys: tx.Bucket(simulatedKeysBucket),
		pictures: tx.Bucket(simulatedMediaBucket), meta: tx.Bucket(metaBucket), keep: keep, most: most,
	}
	if value := w.meta.Get(simulatedMediaTotal); len(value) == 8 {
		w.media = binary.BigEndian.Uint64(value)
	}
	w.posts.FillPercent = 1 // posts are appended, and keep their length
	w.pictures.FillPercent = 1
	return w
}

// finish ends writing.
func (w *simulatedWriter) finish() error {
	if w.err == nil && !w.written {
		return errUnchanged
	}
	w.note(w.meta.Put(simulatedMediaTotal, binary.BigEndian.AppendUint64(nil, w.media)))
	return w.err
}

// note keeps the first failure.
func (w *simulatedWriter) note(err error) {
	if w.err == nil {
		w.err = err
	}
}

// keyed reads the post that has the key of p.
func (w *simulatedWriter) keyed(p simulated.Post) (simulated.Post, bool, error) {
	number := w.keys.Get(simulatedKey(p.Provider, p.Account, p.Key))
	if number == nil {
		return simulated.Post{}, false, nil
	}
	first, err := readSimulated(w.posts, number)
	return first, true, err
}

// put writes a new post with its value, forgets what is too old, and returns the
// post's number.
func (w *simulatedWriter) put(p simulated.Post, value []byte) uint64 {
	w.written = true
	number, err := w.posts.NextSequence()
	w.note(err)
	key := binary.BigEndian.AppendUint64(nil, number)
	w.note(w.posts.Put(key, value))
	if p.Key != "" {
		w.note(w.keys.Put(simulatedKey(p.Provider, p.Account, p.Key), key))
	}
	for _, feed := range simulatedFeeds(p) {
		w.note(w.feeds.Put(append(feed, key...), nil))
	}
	for i, m := range p.Media {
		w.note(w.pictures.Put(simulatedMediaKey(number, i), m.Data))
		w.media += uint64(len(m.Data))
	}
	if number > w.keep {
		w.forget(number - w.keep)
	}
	for w.media > w.most && w.err == nil {
		c := w.pictures.Cursor()
		if first, data := c.First(); first != nil {
			w.media -= min(w.media, uint64(len(data)))
			w.note(c.Delete())
		} else {
			w.media = 0
		}
	}
	return number
}

// forget removes the post of a number.
func (w *simulatedWriter) forget(number uint64) {
	key := binary.BigEndian.AppendUint64(nil, number)
	p, err := readSimulated(w.posts, key)
	if errors.Is(err, simulated.ErrNotFound) {
		return
	} else if err != nil {
		w.note(err)
		return
	}
	w.note(w.posts.Delete(key))
	for _, feed := range simulatedFeeds(p) {
		w.note(w.feeds.Delete(append(feed, key...)))
	}
	if name := simulatedKey(p.Provider, p.Account, p.Key); string(w.keys.Get(name)) == string(key) {
		w.note(w.keys.Delete(name))
	}
	for i := range p.Media {
		name := simulatedMediaKey(number, i)
		w.media -= min(w.media, uint64(len(w.pictures.Get(name))))
		w.note(w.pictures.Delete(name))
	}
}
