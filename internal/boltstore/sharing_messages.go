package boltstore

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// Message implements publish.Store. Parts.Uploads come without Data.
func (s *Sharing) Message(ctx context.Context, siteID, token string) (m publish.Message, ps []publish.Publication, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		at, value, err := messages.find(tx, siteID, token)
		if err != nil {
			return err
		}
		var h head
		if m, h, err = readMessage(tx, at, value); err != nil {
			return err
		}
		ps, err = readPublications(tx, at, m.Token, h)
		return err
	})
	if err != nil {
		return publish.Message{}, nil, fmt.Errorf("read message %q: %w", token, err)
	}
	return m, ps, nil
}

// readMessage reads the message whose head is value.
func readMessage(tx *bbolt.Tx, at place, value []byte) (m publish.Message, h head, err error) {
	h, ok := parseHead(value)
	if !ok {
		return m, h, fmt.Errorf("%w: head", ErrDamaged)
	}
	parts, ok := parseJSON[publish.Parts](tx.Bucket(bodiesBucket).Get(at[:]))
	if !ok {
		return m, h, fmt.Errorf("%w: parts", ErrDamaged)
	}
	return h.message(at, parts), h, nil
}

// message is a head with parts.
func (h head) message(at place, parts publish.Parts) publish.Message {
	return publish.Message{
		Token: h.token.String(), Site: uuid.UUID(at.site()).String(), Created: date(h.created), LastPublished: date(h.lastPublished),
		Rounds: h.rounds, Parts: parts,
	}
}

// readPublications reads all publications of a message.
func readPublications(tx *bbolt.Tx, at place, token string, h head) ([]publish.Publication, error) {
	var ps []publish.Publication
	siteID := uuid.UUID(at.site()).String()
	c := tx.Bucket(publicationsBucket).Cursor()
	for key, value := c.Seek(at.part(0)); len(key) == len(at)+4 && bytes.HasPrefix(key, at[:]); key, value = c.Next() {
		p, ok := parsePublication(value)
		p.Site, p.Message, p.Number = siteID, token, len(ps)+1
		if !ok || !bytes.Equal(key, at.part(uint32(p.Number))) {
			return nil, fmt.Errorf("%w: publication %d", ErrDamaged, p.Number)
		}
		if ps == nil {
			ps = make([]publish.Publication, 0, min(h.publications, 1000))
		}
		ps = append(ps, p)
	}
	if len(ps) != h.publications {
		return nil, fmt.Errorf("%w: %d publications of %d", ErrDamaged, len(ps), h.publications)
	}
	return ps, nil
}

// Publication implements publish.Store.
func (s *Sharing) Publication(ctx context.Context, ref publish.Ref) (m publish.Message, p publish.Publication, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		at, value, err := messages.find(tx, ref.Site, ref.Message)
		if err != nil {
			return err
		}
		if p, _, err = readPublication(tx, at, ref); err != nil {
			return err
		}
		m, _, err = readMessage(tx, at, value)
		return err
	})
	if err != nil {
		return publish.Message{}, publish.Publication{}, fmt.Errorf("read publication %d of message %q: %w", ref.Number, ref.Message, err)
	}
	return m, p, nil
}

// readPublication reads one publication, and its record, borrowed.
func readPublication(tx *bbolt.Tx, at place, ref publish.Ref) (p publish.Publication, value []byte, err error) {
	if ref.Number < 1 || int64(ref.Number) > math.MaxUint32 {
		return p, nil, publish.ErrNotFound
	}
	value = tx.Bucket(publicationsBucket).Get(at.part(uint32(ref.Number)))
	if value == nil {
		return p, nil, publish.ErrNotFound
	}
	p, ok := parsePublication(value)
	if !ok {
		return p, nil, ErrDamaged
	}
	p.Site, p.Message, p.Number = ref.Site, ref.Message, ref.Number
	return p, value, nil
}

// Upload implements publish.Store. An index that the message does not have is
// publish.ErrNotFound.
func (s *Sharing) Upload(ctx context.Context, siteID, token string, index int) (data []byte, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		at, _, err := messages.find(tx, siteID, token)
		if err != nil {
			return err
		}
		if index < 0 || int64(index) > math.MaxUint32 {
			return publish.ErrNotFound
		}
		value := tx.Bucket(uploadsBucket).Get(at.part(uint32(index)))
		switch {
		case value == nil:
			return publish.ErrNotFound
		case len(value) == 0 || value[0] != sharingVersion:
			return ErrDamaged
		}
		data = bytes.Clone(value[1:])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read upload %d of message %q: %w", index, token, err)
	}
	return data, nil
}

// List implements publish.Store. A page costs the same wherever After is. A million
// entries that Skip leaves out cost 0.1 ms, or 40 ms when there is an After, too.
// An unknown After is publish.ErrNotFound, an impossible limit link.ErrQuery.
func (s *Sharing) List(ctx context.Context, siteID string, q site.ListQuery) (page site.Page[publish.Head], err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		page, err = browse(tx, messages, siteID, q, func(value []byte) (publish.Head, error) {
			h, ok := parseHead(value)
			if !ok {
				return publish.Head{}, fmt.Errorf("%w: head", ErrDamaged)
			}
			return publish.Head{Token: h.token.String(), Created: date(h.created), LastPublished: date(h.lastPublished)}, nil
		})
		return err
	})
	if err != nil {
		return site.Page[publish.Head]{}, fmt.Errorf("list messages: %w", err)
	}
	return page, nil
}

// Update implements publish.Store. What names the publication, and its round, stay
// whatever edit says. An edit that changes nothing costs no commit.
func (s *Sharing) Update(ctx context.Context, ref publish.Ref, edit func(*publish.Publication) error) (p publish.Publication, err error) {
	err = s.change(ctx, 4, func(w *sharingWriter) (err error) {
		p, err = w.update(ref, s.now(), edit)
		return err
	})
	if err != nil {
		return publish.Publication{}, fmt.Errorf("update publication %d of message %q: %w", ref.Number, ref.Message, err)
	}
	return p, nil
}

// update is Update in its transaction.
func (w *sharingWriter) update(ref publish.Ref, now time.Time, edit func(*publish.Publication) error) (p publish.Publication, err error) {
	at, value, err := messages.find(w.tx, ref.Site, ref.Message)
	if err != nil {
		return p, err
	}
	h, ok := parseHead(value)
	if !ok {
		return p, fmt.Errorf("%w: head", ErrDamaged)
	}
	before, record, err := readPublication(w.tx, at, ref)
	if err != nil {
		return p, err
	}
	after := before
	after.Links = slices.Clone(before.Links)
	if err := edit(&after); err != nil {
		return p, err
	}
	after.Round = before.Round
	value, p, err = encodePublication(after, ref)
	if err != nil {
		return p, err
	}
	if bytes.Equal(value, record) {
		return p, nil
	}
	if !before.LinksPut && p.LinksPut {
		w.noteLinks(at, h, p)
	}
	if before.State != publish.Published && p.State == publish.Published {
		w.countPost(at, h, p, now)
	}
	token, _ := parseID(ref.Message)
	if before.State.Final() != p.State.Final() || !before.Due.Equal(p.Due) {
		w.takeOut(at, before)
		w.queue(at, token, p)
	}
	w.put(publicationsBucket, at.part(uint32(ref.Number)), value)
	return p, nil
}

// encodePublication returns the record of p, and p as it will be read.
func encodePublication(p publish.Publication, ref publish.Ref) (value []byte, stored publish.Publication, err error) {
	value = appendPublication(nil, p)
	stored, ok := parsePublication(value)
	if !ok {
		return nil, publish.Publication{}, fmt.Errorf("there is no publication of state %q in round %d", p.State, p.Round)
	}
	stored.Site, stored.Message, stored.Number = ref.Site, ref.Message, ref.Number
	return value, stored, nil
}

// Delete implements publish.Store. Idempotency keys stay and lead to nothing.
func (s *Sharing) Delete(ctx context.Context, siteID, token string) error {
	err := s.change(ctx, 1, func(w *sharingWriter) error { return w.deleteMessage(siteID, token) })
	if err != nil {
		return fmt.Errorf("delete message %q: %w", token, err)
	}
	return nil
}

// deleteMessage is Delete in its transaction.
func (w *sharingWriter) deleteMessage(siteID, token string) error {
	at, value, err := messages.find(w.tx, siteID, token)
	if err != nil {
		return err
	}
	h, ok := parseHead(value)
	if !ok {
		return fmt.Errorf("%w: head", ErrDamaged)
	}
	ps, err := readPublications(w.tx, at, token, h)
	if err != nil {
		return err
	}
	for _, p := range ps {
		w.takeOut(at, p)
		w.remove(publicationsBucket, at.part(uint32(p.Number)))
	}
	for i := uint32(0); w.tx.Bucket(uploadsBucket).Get(at.part(i)) != nil; i++ {
		w.remove(uploadsBucket, at.part(i))
	}
	w.remove(bodiesBucket, at[:])
	w.leave(messages, at, h.token)
	return nil
}
