package boltstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// Sharing is the store of sites with their people and places, of messages and of the
// outbox, of nonces, and of what reports count: a site.Store, a publish.Store, a
// publish.Outbox and a publish.BasesStore. All methods are safe for concurrent use.
// Times are kept in whole milliseconds, UTC, and are answered so by the call that writes
// them, too.
//
// Sites, tokens and keys are UUIDs in their canonical spelling, 36 characters in
// lower case. Nobody has a token that is none: it is not found. Whether a site is
// there is not looked at; a site of which nothing is known has empty lists.
type Sharing struct {
	db      *bbolt.DB
	mapping *mapping
	changes *queue[*sharingWriter]

	now    func() time.Time // for nonces and tallies
	nonces nonces
	recent *lately[recentRecord] // contents, by when they were accepted; changed by whoever commits
}

var (
	_ site.Store         = (*Sharing)(nil)
	_ publish.Store      = (*Sharing)(nil)
	_ publish.Outbox     = (*Sharing)(nil)
	_ publish.BasesStore = (*Sharing)(nil)
)

// sharingGroup bounds what a commit takes together: records, and pages of bodies
// and uploads.
const sharingGroup = 10_000

// OpenSharing opens the store in the file at path, which is made if it is not
// there. It returns an error that wraps ErrInUse when another store has the file
// open, and one that wraps ErrFile when it holds something else.
//
// The caller runs Run while the store is in use, and ends with Close.
func OpenSharing(path string) (*Sharing, error) {
	db, _, err := openFile(path, sharingKind)
	if err != nil {
		return nil, fmt.Errorf("open sharing: %w", err)
	}
	s := &Sharing{db: db, mapping: newMapping(db, defaultResident), now: time.Now}
	s.nonces.most, s.nonces.pending = maxNonces, maxPending
	s.nonces.lately = newLately(nonceTimesBucket, parseNonce)
	s.recent = newLately(recentBucket, parseRecent)
	err = db.View(func(tx *bbolt.Tx) error {
		s.nonces.load(tx)
		s.recent.load(tx)
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sharing: %w", err), db.Close())
	}
	s.changes = newQueue(sharingGroup, s.writeGroup)
	return s, nil
}

// Close closes the file. Methods called later return ErrClosed; it waits for
// those that run. Run must have returned.
func (s *Sharing) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close sharing: %w", err)
	}
	return nil
}

// Run gives mapped memory back when more than 64 MiB are held, until ctx is
// done; then it returns nil. It is called once at a time. Without it the store
// works, and holds more memory.
func (s *Sharing) Run(ctx context.Context) error {
	return s.mapping.run(ctx, func() {})
}

// view calls fn in a read transaction of its own.
func (s *Sharing) view(ctx context.Context, fn func(tx *bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mapping.touch()
	return closedError(s.db.View(fn))
}

// change commits what apply writes; see change.apply for its rules. Cost is the
// number of records.
func (s *Sharing) change(ctx context.Context, cost int, apply func(*sharingWriter) error) error {
	s.mapping.touch()
	return s.changes.commit(ctx, &change[*sharingWriter]{cost: cost, apply: apply})
}

// writeGroup commits a group of changes. The caller has the turn.
func (s *Sharing) writeGroup(_ []*change[*sharingWriter], apply func(*sharingWriter)) (err error) {
	w := &sharingWriter{recent: s.recent}
	err = errUnfinished // by a panic
	defer func() {
		if err == nil || !w.contents {
			return
		}
		// A commit that failed may be in the file or not: what is known is what is there.
		_ = s.db.View(func(tx *bbolt.Tx) error { // fails when it is closed: then nobody asks any more
			s.recent.load(tx)
			return nil
		})
	}()
	err = s.db.Update(func(tx *bbolt.Tx) error {
		w.tx = tx
		// Entries are appended for each site and keep their length.
		tx.Bucket(headsBucket).FillPercent = 0.9
		tx.Bucket(bodiesBucket).FillPercent = 0.9
		apply(w)
		if w.err == nil && !w.written {
			return errUnchanged
		}
		return w.err
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// sharingWriter writes in one transaction. The first failure of the storage is
// kept, and fails the transaction.
type sharingWriter struct {
	tx      *bbolt.Tx
	recent  *lately[recentRecord]
	written bool
	// contents says that recent was changed, which is not undone with the transaction.
	contents bool
	err      error
}

// put writes one pair. bbolt keeps value until the transaction ends.
func (w *sharingWriter) put(bucket, key, value []byte) {
	w.written = true
	if w.err == nil {
		w.err = w.tx.Bucket(bucket).Put(key, value)
	}
}

// remove removes a pair.
func (w *sharingWriter) remove(bucket, key []byte) {
	w.written = true
	if w.err == nil {
		w.err = w.tx.Bucket(bucket).Delete(key)
	}
}

// next draws the next sequence of a bucket.
func (w *sharingWriter) next(bucket []byte) uint64 {
	w.written = true
	n, err := w.tx.Bucket(bucket).NextSequence()
	if w.err == nil {
		w.err = err
	}
	return n
}

// add changes a number by delta.
func (w *sharingWriter) add(bucket, key []byte, delta int) {
	n, err := readNumber(w.tx.Bucket(bucket).Get(key))
	if w.err == nil {
		w.err = err
	}
	w.put(bucket, key, binary.BigEndian.AppendUint64(nil, n+uint64(delta)))
}

// Bases implements publish.BasesStore.
func (s *Sharing) Bases(ctx context.Context) (bases link.Bases, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		value := tx.Bucket(metaBucket).Get(basesKey)
		if value == nil {
			return nil
		}
		records, ok := parseJSON[[]baseRecord](value)
		if !ok {
			return ErrDamaged
		}
		for _, r := range records {
			bases = append(bases, link.Base(r))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read bases: %w", err)
	}
	return bases, nil
}

// PutBases implements publish.BasesStore. Bases that are known already cost no
// commit.
func (s *Sharing) PutBases(ctx context.Context, bases link.Bases) error {
	value := appendJSON(nil, newBaseRecords(bases))
	err := s.change(ctx, 1, func(w *sharingWriter) error {
		if string(w.tx.Bucket(metaBucket).Get(basesKey)) != string(value) {
			w.put(metaBucket, basesKey, value)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write bases: %w", err)
	}
	return nil
}
