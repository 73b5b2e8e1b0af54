package boltstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"herald.example/internal/varint"
)

const (
	// maxNonces is how many nonces are remembered, some 200 MB: 1,600 new ones a
	// second for ten minutes, more than a disk can sync.
	maxNonces = 1_000_000
	// maxPending is how many nonces wait for their commit: more than there are calls at
	// a time, 5 MB.
	maxPending = 100_000
	// noncesSwept is how many nonces that may be forgotten a new one removes at most:
	// more than it adds, so that they become fewer, and too few to be noticed.
	noncesSwept = 4
)

// nonces are what is known of nonces beside the file.
type nonces struct {
	most    uint64 // of them are remembered
	pending int    // of them wait for their commit, at most

	mu sync.Mutex // protects what follows
	// waiting are those that were told to be new and are not in the file yet.
	waiting map[[32]byte]bool
}

// errNonces is returned when too many nonces wait for their commit.
var errNonces = errors.New("too many nonces wait to be written")

// Remember says whether a nonce is new in its scope: it was not remembered, or only
// until a time that has passed. Of several calls at one time, only one is told so. A
// nonce that is not new stays as it is. Of more than a million, those that would be
// forgotten first are forgotten before their time.
//
// A new nonce is on disk, until the time given, when settle returns nil; and before any
// change of the store that begins after Remember returned, in the same commit or an
// earlier one. So settle, called after such a change, costs nothing. When ctx ends
// before the nonce is written, settle returns the error of ctx, and the nonce is written
// with the next change of anybody. When it could not be written, settle returns why,
// and the nonce is forgotten. settle is nil unless the nonce is new; it can be called
// more than once.
func (s *Sharing) Remember(ctx context.Context, scope, nonce string, until time.Time) (fresh bool, settle func(context.Context) error, err error) {
	hash := sha256.Sum256(append(appendText(nil, scope), nonce...))
	now := s.now().UnixMilli()
	fresh, err = s.reserve(ctx, hash, now)
	if err != nil {
		return false, nil, fmt.Errorf("remember nonce: %w", err)
	}
	if !fresh {
		return false, nil, nil
	}
	c := &change[*sharingWriter]{
		cost:    8,
		apply:   func(w *sharingWriter) error { return w.remember(hash, now, until.UnixMilli(), s.nonces.most) },
		decided: func(error) { s.nonces.release(hash) },
	}
	s.mapping.touch()
	s.changes.enqueue(c)
	return true, func(ctx context.Context) error {
		if !s.changes.wait(ctx, c) {
			return fmt.Errorf("write nonce: %w", ctx.Err())
		}
		if c.err != nil {
			return fmt.Errorf("write nonce: %w", c.err)
		}
		return nil
	}, nil
}

// reserve says whether a nonce is new, and makes it known to those that come later.
func (s *Sharing) reserve(ctx context.Context, hash [32]byte, now int64) (fresh bool, err error) {
	if fresh, err = s.nonces.take(hash); !fresh {
		return false, err
	}
	// Whoever was here before is in the file by now: a nonce is taken from those that
	// wait after its commit, and this transaction begins later.
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		value := tx.Bucket(noncesBucket).Get(hash[:])
		if value == nil {
			return nil
		}
		known, ok := parseNonce(value)
		if !ok {
			return fmt.Errorf("%w: nonce", ErrDamaged)
		}
		fresh = now >= known
		return nil
	})
	if err != nil || !fresh {
		s.nonces.release(hash)
		return false, err
	}
	return true, nil
}

// take puts a nonce among those that wait, and says whether it was not there.
func (n *nonces) take(hash [32]byte) (fresh bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.waiting[hash] {
		return false, nil
	}
	if len(n.waiting) >= n.pending {
		return false, errNonces
	}
	n.waiting[hash] = true
	return true, nil
}

// release is the inverse of take.
func (n *nonces) release(hash [32]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.waiting, hash)
}

// remember writes a nonce that is new.
func (w *sharingWriter) remember(hash [32]byte, now, until int64, most uint64) error {
	n, err := readNumber(w.tx.Bucket(metaBucket).Get(noncesKey))
	if err != nil {
		return fmt.Errorf("number of nonces: %w", err)
	}
	var old [][]byte // in noncetimes
	if value := w.tx.Bucket(noncesBucket).Get(hash[:]); value != nil {
		known, ok := parseNonce(value)
		if !ok {
			return fmt.Errorf("%w: nonce", ErrDamaged)
		}
		old = append(old, nonceTimeKey(known, hash))
	}
	c := w.tx.Bucket(nonceTimesBucket).Cursor()
	for key, _ := c.First(); len(key) == 8+len(hash) && len(old) < noncesSwept; key, _ = c.Next() {
		if tooMany := n+1 > most+uint64(len(old)); !tooMany && now < parseDate(key) {
			break
		}
		if len(old) == 0 || !bytes.Equal(key, old[0]) {
			old = append(old, bytes.Clone(key))
		}
	}

	// Nothing is refused from here on.
	for _, key := range old {
		w.remove(nonceTimesBucket, key)
		w.remove(noncesBucket, key[8:])
	}
	w.put(noncesBucket, bytes.Clone(hash[:]), appendNonce(nil, until))
	w.put(nonceTimesBucket, nonceTimeKey(until, hash), nil)
	w.add(metaBucket, noncesKey, 1-len(old))
	return nil
}

// nonceTimeKey is the key in noncetimes.
func nonceTimeKey(until int64, hash [32]byte) []byte {
	return append(appendDate(nil, until), hash[:]...)
}

// appendNonce appends the record of a nonce.
func appendNonce(dst []byte, until int64) []byte {
	return binary.AppendVarint(append(dst, sharingVersion), until)
}

// parseNonce is the inverse of appendNonce.
func parseNonce(b []byte) (until int64, ok bool) {
	r := varint.Reader{B: b}
	version := r.Byte()
	until = r.Varint()
	return until, version == sharingVersion && whole(&r)
}
