package boltstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"herald.example/internal/varint"
)

const (
	// maxNonces is how many nonces are remembered, some 200 MB: 1,600 new ones a
	// second for ten minutes, more than a disk can sync.
	maxNonces = 1_000_000
	// noncesSwept is how many nonces that may be forgotten a new one removes at most:
	// more than it adds, so that they become fewer, and too few to be noticed.
	noncesSwept = 4
)

// Remember says whether a nonce is new in its scope: it was not remembered, or only
// until a time that has passed. A new one is on disk when the call returns, until the
// time given. A nonce that is not new stays as it is. Of more than a million, those
// that would be forgotten first are forgotten before their time.
func (s *Sharing) Remember(ctx context.Context, scope, nonce string, until time.Time) (fresh bool, err error) {
	hash := sha256.Sum256(append(appendText(nil, scope), nonce...))
	now := s.now().UnixMilli()
	err = s.change(ctx, 8, func(w *sharingWriter) (err error) {
		fresh, err = w.remember(hash, now, until.UnixMilli(), s.nonces)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("remember nonce: %w", err)
	}
	return fresh, nil
}

// remember is Remember in its transaction.
func (w *sharingWriter) remember(hash [32]byte, now, until int64, most uint64) (fresh bool, err error) {
	n, err := readNumber(w.tx.Bucket(metaBucket).Get(noncesKey))
	if err != nil {
		return false, fmt.Errorf("number of nonces: %w", err)
	}
	var old [][]byte // in noncetimes
	if value := w.tx.Bucket(noncesBucket).Get(hash[:]); value != nil {
		known, ok := parseNonce(value)
		switch {
		case !ok:
			return false, fmt.Errorf("%w: nonce", ErrDamaged)
		case now < known:
			return false, nil
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
	return true, nil
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
