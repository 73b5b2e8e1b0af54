package boltstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

const (
	// maxNonces is how many nonces are remembered, some 100 MB in memory: 1,600 new ones
	// a second for ten minutes, more than a disk can sync.
	maxNonces = 1_000_000
	// maxPending is how many nonces wait for their commit: more than there are calls at
	// a time.
	maxPending = 100_000
	// noncesSwept is how many nonces that may be forgotten a new one removes at most:
	// more than it adds, so that they become fewer, and too few to be noticed.
	noncesSwept = 4
)

// nonces are those that are known until their dates, also while they wait for their
// commit.
type nonces struct {
	*lately[struct{}]
	most    int          // of them are remembered
	pending int          // of them wait for their commit, at most
	waiting atomic.Int64 // of them wait
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
// and the nonce is forgotten, unless the file has it nevertheless. settle is nil unless
// the nonce is new; it can be called more than once.
func (s *Sharing) Remember(ctx context.Context, scope, nonce string, until time.Time) (fresh bool, settle func(context.Context) error, err error) {
	if err := s.view(ctx, func(*bbolt.Tx) error { return nil }); err != nil { // it is closed, or the caller has gone
		return false, nil, fmt.Errorf("remember nonce: %w", err)
	}
	hash := sha256.Sum256(append(appendText(nil, scope), nonce...))
	now, date := s.now().UnixMilli(), until.UnixMilli()
	older, fresh, err := s.nonces.take(hash, now, date)
	if err != nil {
		return false, nil, fmt.Errorf("remember nonce: %w", err)
	}
	if !fresh {
		return false, nil, nil
	}
	c := &change[*sharingWriter]{
		cost: 8,
		apply: func(w *sharingWriter) error {
			s.nonces.sweep(w, now, s.nonces.most, noncesSwept) // before it is written: it stays, whatever its date
			s.nonces.write(w, hash, date, older, nil)
			return nil
		},
		decided: func(err error) {
			s.nonces.waiting.Add(-1)
			if err != nil {
				_ = s.db.View(func(tx *bbolt.Tx) error { // fails when it is closed: then nobody asks any more
					s.nonces.lost(tx, hash, date)
					return nil
				})
			}
		},
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

// take says whether a nonce is new at a time, and makes it known until date. older is
// until when it was known before; 0: it was not.
func (n *nonces) take(hash [32]byte, now, date int64) (older int64, fresh bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known, ok := n.known[hash]; ok {
		if now < known.date {
			return 0, false, nil
		}
		older = known.date
	}
	if n.waiting.Add(1) > int64(n.pending) {
		n.waiting.Add(-1)
		return 0, false, errNonces
	}
	n.known[hash] = dated[struct{}]{date: date}
	return older, true, nil
}

// parseNonce reads the record of a nonce, which says nothing.
func parseNonce(record []byte) (struct{}, bool) { return struct{}{}, len(record) == 0 }
