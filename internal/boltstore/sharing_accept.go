package boltstore

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/publish"
)

const (
	// keyLife is how long an idempotency key is known.
	keyLife = 24 * time.Hour
	// keysSwept is how many keys that are known no more an acceptance removes at
	// most: more than it adds, so that they become fewer, and too few to be noticed.
	// Of digests it is as many for each that it adds.
	keysSwept = 4
)

// Accept implements publish.Store. The message in the answer is as it is now, also
// when the key was known, with the parts that a new one came with. A token that is in
// use is refused.
func (s *Sharing) Accept(ctx context.Context, a publish.Acceptance) (accepted publish.Accepted, err error) {
	t := acceptance{Acceptance: a, at: a.At.UnixMilli()}
	var known, ok bool
	t.site, known = parseID(a.Message.Site)
	t.token, ok = parseID(a.Message.Token)
	switch {
	case a.Again && (!known || !ok):
		err = publish.ErrNotFound
	case !known || !ok:
		err = errToken
	default:
		if t.cost = 6 + 2*len(a.Publications) + (2+keysSwept)*len(a.Digests); !a.Again {
			t.body = appendJSON(nil, a.Message.Parts)
			t.cost += len(t.body) / 4096
			for _, u := range a.Message.Parts.Uploads {
				t.uploads = append(t.uploads, append([]byte{sharingVersion}, u.Data...))
				t.cost += 1 + len(u.Data)/4096
			}
		}
		err = s.change(ctx, t.cost, func(w *sharingWriter) (err error) {
			accepted, err = w.accept(t)
			return err
		})
	}
	if err != nil {
		return publish.Accepted{}, fmt.Errorf("accept message %q: %w", a.Message.Token, err)
	}
	return accepted, nil
}

// acceptance is a publish.Acceptance, prepared.
type acceptance struct {
	publish.Acceptance
	at          int64
	site, token uuid.UUID
	cost        int
	body        []byte   // record of the parts of a new message
	uploads     [][]byte // records of its uploads
}

// accept is Accept in its transaction.
func (w *sharingWriter) accept(t acceptance) (publish.Accepted, error) {
	if t.Key != [32]byte{} {
		first, known, err := w.key(t)
		if err != nil {
			return publish.Accepted{}, err
		}
		if known {
			return w.repeat(t, first)
		}
	}
	m := t.Message
	at, value, err := messages.lookup(w.tx, t.site, t.token)
	var h head
	switch {
	case t.Again && err != nil:
		return publish.Accepted{}, err
	case t.Again:
		if m, h, err = readMessage(w.tx, at, value); err != nil {
			return publish.Accepted{}, err
		}
	case !messages.free(w.tx, t.token):
		return publish.Accepted{}, errToken
	default:
		if m.Created.IsZero() {
			m.Created = t.At
		}
		h = head{token: t.token, created: m.Created.UnixMilli()}
		h.share(m.Parts.Share)
	}
	h.rounds++
	h.lastPublished = t.at

	accepted := publish.Accepted{Publications: make([]publish.Publication, len(t.Publications))}
	records := make([][]byte, len(t.Publications))
	recents := w.recents(t)
	for i, p := range t.Publications {
		p.Round = h.rounds
		if p, err = recents.refuse(i, p, accepted.Publications); err != nil {
			return publish.Accepted{}, err
		}
		h.publications++
		ref := publish.Ref{Site: m.Site, Message: m.Token, Number: h.publications}
		if records[i], accepted.Publications[i], err = encodePublication(p, ref); err != nil {
			return publish.Accepted{}, err
		}
	}

	// Nothing is refused from here on.
	if !t.Again {
		at = w.enter(messages, t.site, t.token)
		w.put(bodiesBucket, at[:], t.body)
		for i, record := range t.uploads {
			w.put(uploadsBucket, at.part(uint32(i)), record)
		}
	}
	w.put(headsBucket, at[:], h.append(nil))
	for i, p := range accepted.Publications {
		w.put(publicationsBucket, at.part(uint32(p.Number)), records[i])
		w.queue(at, t.token, p)
	}
	if t.Key != [32]byte{} {
		w.putKey(t, keyRecord{fingerprint: t.Fingerprint, at: t.at, sequence: at.sequence(), round: h.rounds})
	}
	w.sweep(keyTimesBucket, keysBucket, t.at-keyLife.Milliseconds(), keysSwept)
	recents.put(at, accepted.Publications)
	accepted.Message = h.message(at, m.Parts)
	return accepted, nil
}

// appendKeyTime appends the key in keytimes.
func appendKeyTime(dst []byte, at int64, key []byte) []byte {
	return append(appendDate(dst, at), key...)
}

// idempotencyKey is the key in keys.
func (t acceptance) idempotencyKey() []byte { return append(t.site[:], t.Key[:]...) }

// key reads what is known of the acceptance's key, if it is young enough.
func (w *sharingWriter) key(t acceptance) (k keyRecord, known bool, err error) {
	value := w.tx.Bucket(keysBucket).Get(t.idempotencyKey())
	if value == nil {
		return k, false, nil
	}
	k, ok := parseKey(value)
	if !ok {
		return k, false, fmt.Errorf("%w: idempotency key", ErrDamaged)
	}
	return k, t.at-k.at < keyLife.Milliseconds(), nil
}

// putKey makes a key known. One that was known longer ago than its life is
// replaced.
func (w *sharingWriter) putKey(t acceptance, k keyRecord) {
	key := t.idempotencyKey()
	if old, ok := parseKey(w.tx.Bucket(keysBucket).Get(key)); ok {
		w.remove(keyTimesBucket, appendKeyTime(nil, old.at, key))
	}
	w.put(keysBucket, key, k.append(nil))
	w.put(keyTimesBucket, appendKeyTime(nil, k.at, key), nil)
}

// sweep removes some of the keys that are listed in times with a date that is not after
// until, in Unix milliseconds: the oldest first, at most so many.
func (w *sharingWriter) sweep(times, bucket []byte, until int64, most int) {
	var old [][]byte
	c := w.tx.Bucket(times).Cursor()
	for key, _ := c.First(); len(key) > 8 && len(old) < most && parseDate(key) <= until; key, _ = c.Next() {
		old = append(old, bytes.Clone(key))
	}
	for _, key := range old {
		w.remove(times, key)
		w.remove(bucket, key[8:])
	}
}

// repeat answers an acceptance whose key is known.
func (w *sharingWriter) repeat(t acceptance, first keyRecord) (accepted publish.Accepted, err error) {
	if first.fingerprint != t.Fingerprint {
		return accepted, publish.ErrKeyReused
	}
	at := newPlace(t.site, first.sequence)
	value := w.tx.Bucket(headsBucket).Get(at[:])
	if value == nil {
		return accepted, publish.ErrNotFound
	}
	m, h, err := readMessage(w.tx, at, value)
	if err != nil {
		return accepted, err
	}
	ps, err := readPublications(w.tx, at, m.Token, h)
	if err != nil {
		return accepted, err
	}
	accepted = publish.Accepted{Message: m, Repeated: true}
	for _, p := range ps {
		if p.Round == first.round {
			accepted.Publications = append(accepted.Publications, p)
		}
	}
	return accepted, nil
}
