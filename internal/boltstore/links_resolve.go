package boltstore

import (
	"bytes"
	"math/rand/v2"
	"sync"

	"go.etcd.io/bbolt"

	"herald.example/internal/link"
)

// reader is a read transaction that is kept between lookups, with what it takes
// to find slugs. Beginning a transaction and finding the bucket cost as much as
// the lookup itself, and nine allocations.
type reader struct {
	mu         sync.Mutex    // protects all fields
	tx         *bbolt.Tx     // nil: none
	cursor     *bbolt.Cursor // on slugs
	mapped     bool          // look through cursor, not pages
	root       uint64        // page of slugs; 0: the bucket is so small that it has none
	pages      pageReader
	generation uint64 // of the store when tx began
	key        []byte // reused
	closed     bool   // for good
}

// renew makes tx at least as new as the commits that have returned.
func (r *reader) renew(s *Links) error {
	// The generation is read before the transaction begins: at worst it is too
	// old, and the next lookup renews once more.
	generation := s.generation.Load()
	if r.tx != nil && r.generation == generation {
		return nil
	}
	r.release()
	if r.closed {
		return ErrClosed
	}
	tx, err := s.db.Begin(false)
	if err != nil {
		return closedError(err)
	}
	r.tx, r.generation = tx, generation
	slugs := tx.Bucket(slugsBucket)
	r.cursor, r.root = slugs.Cursor(), uint64(slugs.Root())
	return nil
}

// release ends the transaction.
func (r *reader) release() {
	if r.tx != nil {
		_ = r.tx.Rollback() // fails only when ended already
		r.tx, r.cursor = nil, nil
	}
}

// value returns the record of the slug in key; nil when there is none.
func (r *reader) value() ([]byte, error) {
	if !r.mapped && r.root != 0 {
		return r.pages.get(r.tx.ID(), r.root, r.key)
	}
	key, value := r.cursor.Seek(r.key)
	if !bytes.Equal(key, r.key) {
		return nil, nil
	}
	return value, nil
}

// borrow returns a reader, locked.
func (s *Links) borrow() *reader {
	n := uint32(len(s.readers))
	start := rand.Uint32N(n)
	for i := range n {
		if r := s.readers[(start+i)%n]; r.mu.TryLock() {
			return r
		}
	}
	r := s.readers[start]
	r.mu.Lock()
	return r
}

// Resolve finds where a slug leads, for the redirect. It appends the target to
// dst, which stays the caller's, and does not keep slug. A disabled link comes
// with its target and a tombstone without one; Route.State tells them. Without a
// record of the slug the error is link.ErrNotFound. The errors are fixed values:
// a lookup does not allocate but for growing dst, and for a new transaction
// after a commit.
//
// Every commit that returned before the call is seen.
func (s *Links) Resolve(domain string, slug, dst []byte) (link.Route, []byte, error) {
	id, known := s.domains.Load().ids[domain]
	if !known || len(slug) == 0 || len(slug) > link.MaxSlug {
		return link.Route{}, dst, link.ErrNotFound
	}
	r := s.borrow()
	defer r.mu.Unlock()
	if err := r.renew(s); err != nil {
		return link.Route{}, dst, err
	}
	if !s.keep {
		defer r.release()
	}
	r.key = appendSlugKey(r.key[:0], id, slug)
	value, err := r.value()
	if err != nil {
		return link.Route{}, dst, err
	}
	if value == nil {
		return link.Route{}, dst, link.ErrNotFound
	}
	rec, ok := parseRecord(value)
	if !ok {
		return link.Route{}, dst, ErrDamaged
	}
	return link.Route{Number: rec.number, State: rec.state, Method: rec.method}, append(dst, rec.target...), nil
}
