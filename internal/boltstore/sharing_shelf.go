package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// shelf is a bucket of entries that have a token and are listed in the order of
// creation.
type shelf struct {
	kind    byte // in tokens and sums
	name    string
	bucket  []byte
	missing error // for tokens that are not there
}

// The shelves.
var (
	messages    = shelf{'m', "message", headsBucket, publish.ErrNotFound}
	users       = shelf{'u', "user", usersBucket, site.ErrNotFound}
	identities  = shelf{'i', "identity", identitiesBucket, site.ErrNotFound}
	connections = shelf{'c', "connection", connectionsBucket, site.ErrNotFound}
)

// errToken is returned when a token or a site is no UUID, or when something new has a
// token that is in use.
var errToken = errors.New("no UUID, or in use")

// tokenKey is the key in tokens.
func (sh shelf) tokenKey(token uuid.UUID) []byte { return append([]byte{sh.kind}, token[:]...) }

// find returns the place of a site's token, and the value there, borrowed.
func (sh shelf) find(tx *bbolt.Tx, owner, token string) (at place, value []byte, err error) {
	siteID, known := parseID(owner)
	id, ok := parseID(token)
	if !known || !ok {
		return at, nil, sh.missing
	}
	return sh.lookup(tx, siteID, id)
}

// lookup is find with parsed tokens.
func (sh shelf) lookup(tx *bbolt.Tx, owner, token uuid.UUID) (at place, value []byte, err error) {
	found := tx.Bucket(tokensBucket).Get(sh.tokenKey(token))
	switch {
	case found == nil:
		return at, nil, sh.missing
	case len(found) != len(at):
		return at, nil, fmt.Errorf("%w: token of %s", ErrDamaged, sh.name)
	case !bytes.Equal(found[:16], owner[:]):
		return at, nil, sh.missing
	}
	at = place(found)
	if value = tx.Bucket(sh.bucket).Get(at[:]); value == nil {
		return at, nil, fmt.Errorf("%w: %s is missing", ErrDamaged, sh.name)
	}
	return at, value, nil
}

// free says whether nobody has the token, in any site.
func (sh shelf) free(tx *bbolt.Tx, token uuid.UUID) bool {
	return tx.Bucket(tokensBucket).Get(sh.tokenKey(token)) == nil
}

// enter gives a token that is free its place.
func (w *sharingWriter) enter(sh shelf, owner, token uuid.UUID) place {
	at := newPlace(owner, w.next(sh.bucket))
	w.put(tokensBucket, sh.tokenKey(token), bytes.Clone(at[:]))
	w.count(sh, at, 1)
	return at
}

// leave removes the entry and its token.
func (w *sharingWriter) leave(sh shelf, at place, token uuid.UUID) {
	w.remove(sh.bucket, at[:])
	w.remove(tokensBucket, sh.tokenKey(token))
	w.count(sh, at, -1)
}

// count adds to the sums that an entry is in.
func (w *sharingWriter) count(sh shelf, at place, n int) {
	key := sh.sumKey(uuid.UUID(at.site()))
	w.add(sumsBucket, key, n)
	w.add(sumsBucket, appendNumber(key, at.sequence()/blockSize+1), n)
}

// sumKey is the key in sums of a site's number of entries. A block's begin so.
func (sh shelf) sumKey(owner uuid.UUID) []byte { return append(owner[:], sh.kind) }

// blockSize is how many sequences are counted together, so that many entries can
// be left out at a step: with a million entries as many blocks are passed as
// entries in a block. Blocks are numbered from 1, for walk.
const blockSize = 1024

// start holds a query against its bounds and returns the site, and the sequence
// that the page begins behind. known is false when the site cannot have entries.
func (sh shelf) start(tx *bbolt.Tx, owner string, q site.ListQuery) (siteID uuid.UUID, after uint64, known bool, err error) {
	if q.Limit < 1 || q.Limit > site.MaxPage || q.Skip < 0 {
		return siteID, 0, false, fmt.Errorf("%w: limit %d, skip %d; a limit of 1 to %d is allowed", link.ErrQuery, q.Limit, q.Skip, site.MaxPage)
	}
	siteID, known = parseID(owner)
	if q.After != "" {
		at, _, err := sh.find(tx, owner, q.After)
		if err != nil {
			return siteID, 0, false, fmt.Errorf("after %q: %w", q.After, err)
		}
		after = at.sequence()
	}
	return siteID, after, known, nil
}

// browse reads one page of a shelf. parse gets borrowed values.
//
// Finding After costs one lookup, wherever it is. An entry that Skip leaves out
// costs a step in the index, some 40 ns; without After whole blocks are left out,
// so a million cost 0.1 ms.
func browse[T any](tx *bbolt.Tx, sh shelf, owner string, q site.ListQuery, parse func(value []byte) (T, error)) (page site.Page[T], err error) {
	siteID, after, known, err := sh.start(tx, owner, q)
	if err != nil || !known {
		return page, err
	}
	total, err := readNumber(tx.Bucket(sumsBucket).Get(sh.sumKey(siteID)))
	if err != nil {
		return page, fmt.Errorf("sum of %s: %w", sh.name, err)
	}
	page.Total = int(total)
	skip := q.Skip
	if q.After == "" {
		if skip >= page.Total {
			return page, nil
		}
		if after, skip, err = sh.leap(tx, siteID, skip, q.Descending); err != nil {
			return page, err
		}
	}
	for _, value := range walk(tx.Bucket(sh.bucket), siteID[:], after, q.Descending) {
		if skip > 0 {
			skip--
			continue
		}
		if len(page.Entries) == q.Limit {
			page.More = true
			break
		}
		entry, err := parse(value)
		if err != nil {
			return site.Page[T]{}, err
		}
		page.Entries = append(page.Entries, entry)
	}
	return page, nil
}

// leap passes whole blocks of entries that are left out. It returns the sequence
// to go on behind, and how many entries are left out there.
func (sh shelf) leap(tx *bbolt.Tx, owner uuid.UUID, skip int, descending bool) (after uint64, rest int, err error) {
	prefix := sh.sumKey(owner)
	for key, value := range walk(tx.Bucket(sumsBucket), prefix, 0, descending) {
		n, err := readNumber(value)
		if err != nil {
			return 0, 0, fmt.Errorf("sum of %s: %w", sh.name, err)
		}
		if n > uint64(skip) {
			break
		}
		skip -= int(n)
		after = binary.BigEndian.Uint64(key[len(prefix):])*blockSize - 1 // the block's last
		if descending {
			after -= blockSize - 1 // its first
		}
	}
	return after, skip, nil
}
