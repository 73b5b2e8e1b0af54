package boltstore

import (
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"

	"herald.example/internal/publish"
	"herald.example/internal/varint"
)

// recentLife is how long a content is known, and so the longest Within: twice the
// longest that anybody asks for, since a publication may take longer than that.
const recentLife = 2 * publish.BriefTime

// recents holds the publications of an acceptance against those that had the same
// content lately.
type recents struct {
	w     *sharingWriter
	t     acceptance
	fresh map[[32]byte]int // index of the publication of this acceptance with a content
}

func (w *sharingWriter) recents(t acceptance) recents {
	return recents{w: w, t: t, fresh: make(map[[32]byte]int, len(t.Digests))}
}

// digest is that of the content of a publication; ok is false when there is none.
func (r recents) digest(i int) (digest [32]byte, ok bool) {
	if i < len(r.t.Digests) {
		digest = r.t.Digests[i]
	}
	return digest, digest != [32]byte{}
}

// refuse returns a publication as it is to be written: refused, when the site had the
// same content lately. before are those that are decided. It writes nothing.
func (r recents) refuse(i int, p publish.Publication, before []publish.Publication) (publish.Publication, error) {
	digest, ok := r.digest(i)
	if !ok || p.State != publish.Pending {
		return p, nil
	}
	var first publish.Publication
	if j, ok := r.fresh[digest]; ok {
		first = before[j]
	} else {
		var known bool
		var err error
		if first, known, err = r.first(digest); err != nil {
			return p, err
		}
		if !known {
			r.fresh[digest] = i
			return p, nil
		}
	}
	p.State, p.Links, p.LinksPut = publish.Failed, nil, false
	if r.t.Duplicate != nil {
		p.Refusal = r.t.Duplicate(first)
	}
	return p, nil
}

// first finds the publication that had a content lately, and did not fail.
func (r recents) first(digest [32]byte) (p publish.Publication, known bool, err error) {
	value := r.w.tx.Bucket(recentBucket).Get(r.key(digest))
	if value == nil {
		return p, false, nil
	}
	found, ok := parseRecent(value)
	if !ok {
		return p, false, fmt.Errorf("%w: recent content", ErrDamaged)
	}
	age := r.t.at - found.at
	if age > recentLife.Milliseconds() {
		return p, false, nil
	}
	at := newPlace(r.t.site, found.sequence)
	value = r.w.tx.Bucket(headsBucket).Get(at[:])
	if value == nil {
		return p, false, nil // the message was deleted
	}
	h, ok := parseHead(value)
	if !ok {
		return p, false, fmt.Errorf("%w: head", ErrDamaged)
	}
	ref := publish.Ref{Site: uuid.UUID(at.site()).String(), Message: h.token.String(), Number: found.number}
	p, _, err = readPublication(r.w.tx, at, ref)
	if err != nil {
		return p, false, fmt.Errorf("%w: recent content: %w", ErrDamaged, err)
	}
	old := age > r.t.Within.Milliseconds() && p.State.Final()
	return p, p.State != publish.Failed && !old, nil
}

// put makes the contents of the acceptance's publications, whose message is at a place,
// known, and forgets old ones.
func (r recents) put(at place, ps []publish.Publication) {
	for digest, i := range r.fresh {
		key := r.key(digest)
		if old, ok := parseRecent(r.w.tx.Bucket(recentBucket).Get(key)); ok {
			r.w.remove(recentTimesBucket, appendKeyTime(nil, old.at, key))
		}
		record := recentRecord{at: r.t.at, sequence: at.sequence(), number: ps[i].Number}
		r.w.put(recentBucket, key, record.append(nil))
		r.w.put(recentTimesBucket, appendKeyTime(nil, r.t.at, key), nil)
	}
	r.w.sweep(recentTimesBucket, recentBucket, r.t.at-recentLife.Milliseconds()-1, keysSwept*max(1, len(r.fresh)))
}

// key is the key in recent.
func (r recents) key(digest [32]byte) []byte { return append(r.t.site[:], digest[:]...) }

// recentRecord is a value of recent.
type recentRecord struct {
	at       int64
	sequence uint64
	number   int
}

func (k recentRecord) append(dst []byte) []byte {
	dst = binary.AppendVarint(append(dst, sharingVersion), k.at)
	dst = binary.AppendUvarint(dst, k.sequence)
	return binary.AppendUvarint(dst, uint64(k.number))
}

func parseRecent(b []byte) (k recentRecord, ok bool) {
	r := varint.Reader{B: b}
	version := r.Byte()
	k.at = r.Varint()
	k.sequence = r.Uvarint()
	k.number = readSize(&r)
	return k, version == sharingVersion && whole(&r)
}
