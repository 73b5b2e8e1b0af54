package boltstore

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

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

// refuse returns a publication as it is to be written: refused, when the site had the
// same content lately. before are those that are decided. It writes nothing.
func (r recents) refuse(i int, p publish.Publication, before []publish.Publication) (publish.Publication, error) {
	content, ok := r.t.content(i)
	if !ok || p.State != publish.Pending {
		return p, nil
	}
	var first publish.Publication
	if j, ok := r.fresh[content]; ok {
		first = before[j]
	} else {
		var known bool
		var err error
		if first, known, err = r.first(content); err != nil {
			return p, err
		}
		if !known {
			r.fresh[content] = i
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
func (r recents) first(content [32]byte) (p publish.Publication, known bool, err error) {
	found, ok := r.w.recent.get(content)
	age := r.t.at - found.date
	if !ok || age > recentLife.Milliseconds() {
		return p, false, nil
	}
	at := newPlace(r.t.site, found.value.sequence)
	value := r.w.tx.Bucket(headsBucket).Get(at[:])
	if value == nil {
		return p, false, nil // the message was deleted
	}
	h, ok := parseHead(value)
	if !ok {
		return p, false, fmt.Errorf("%w: head", ErrDamaged)
	}
	ref := publish.Ref{Site: uuid.UUID(at.site()).String(), Message: h.token.String(), Number: found.value.number}
	p, _, err = readPublication(r.w.tx, at, ref)
	if err != nil {
		return p, false, fmt.Errorf("%w: recent content: %w", ErrDamaged, err)
	}
	old := age > r.t.Within.Milliseconds() && p.State.Final()
	return p, p.State != publish.Failed && !old, nil
}

// put makes the contents of the acceptance's publications, whose message is at a place,
// known, and forgets old ones. When the transaction fails, its writer has them read from
// the file again.
func (r recents) put(at place, ps []publish.Publication) {
	r.w.contents = true
	for content, i := range r.fresh {
		older, _ := r.w.recent.get(content)
		record := recentRecord{sequence: at.sequence(), number: ps[i].Number}
		r.w.recent.set(content, dated[recentRecord]{r.t.at, record})
		r.w.recent.write(r.w, content, r.t.at, older.date, record.append(nil))
	}
	r.w.recent.sweep(r.w, r.t.at-recentLife.Milliseconds()-1, math.MaxInt, keysSwept*max(1, len(r.fresh)))
}

// content is what the content of a publication is known by: its digest and the site's;
// ok is false when it has none.
func (t acceptance) content(i int) (content [32]byte, ok bool) {
	if i >= len(t.Digests) || t.Digests[i] == [32]byte{} {
		return content, false
	}
	return sha256.Sum256(append(t.site[:], t.Digests[i][:]...)), true
}

// recentRecord is a value of recent: where the publication is that had the content.
type recentRecord struct {
	sequence uint64
	number   int
}

func (k recentRecord) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, sharingVersion), k.sequence)
	return binary.AppendUvarint(dst, uint64(k.number))
}

func parseRecent(b []byte) (k recentRecord, ok bool) {
	r := varint.Reader{B: b}
	version := r.Byte()
	k.sequence = r.Uvarint()
	k.number = readSize(&r)
	return k, version == sharingVersion && whole(&r)
}
