package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"herald.example/internal/link"
)

// Get returns the link of ref, or an error that wraps link.ErrNotFound. A
// tombstone is returned together with an error that wraps link.ErrDeleted.
func (s *Links) Get(ref link.Ref) (l link.Link, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		id, known := s.domains.Load().ids[ref.Domain]
		if !known || ref.Slug == "" {
			return link.ErrNotFound
		}
		l, err = s.lookup(tx, id, []byte(ref.Slug))
		return err
	})
	if err == nil {
		l, err = outcome(l)
	}
	if err != nil {
		return l, fmt.Errorf("get link %s: %w", ref, err)
	}
	return l, nil
}

// ByNumber returns the link with the number; its errors are those of Get.
func (s *Links) ByNumber(number uint64) (l link.Link, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		value := tx.Bucket(feedBucket).Get(appendNumber(nil, number))
		if value == nil {
			return link.ErrNotFound
		}
		e, ok := parseEvent(value)
		switch {
		case !ok:
			return ErrDamaged
		case e.kind == changed: // the sequence of an edit is no link's number
			return link.ErrNotFound
		}
		l, err = s.lookup(tx, e.domain, e.slug)
		return err
	})
	if err == nil {
		l, err = outcome(l)
	}
	if err != nil {
		return l, fmt.Errorf("get link number %d: %w", number, err)
	}
	return l, nil
}

// lookup reads the link of a domain's id and a slug; a tombstone is a link.
func (s *Links) lookup(tx *bbolt.Tx, domain uint32, slug []byte) (link.Link, error) {
	s.mapping.touch()
	value := tx.Bucket(slugsBucket).Get(appendSlugKey(nil, domain, slug))
	if value == nil {
		return link.Link{}, link.ErrNotFound
	}
	rec, ok := parseRecord(value)
	if !ok {
		return link.Link{}, ErrDamaged
	}
	ref, ok := s.domains.Load().ref(domain, slug)
	if !ok {
		return link.Link{}, ErrDamaged
	}
	return rec.link(ref), nil
}

// Count returns how many links there are, without tombstones.
func (s *Links) Count() (n uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		n, err = countLinks(tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count links: %w", err)
	}
	return n, nil
}

// countLinks reads the number of links; a file without links may have none.
func countLinks(tx *bbolt.Tx) (uint64, error) {
	return readNumber(tx.Bucket(metaBucket).Get(linksKey))
}

// readNumber reads a number; one that is not there is 0.
func readNumber(value []byte) (uint64, error) {
	switch len(value) {
	case 0:
		return 0, nil
	case 8:
		return binary.BigEndian.Uint64(value), nil
	default:
		return 0, ErrDamaged
	}
}

// siteCountKey is the key in meta of the number of a site's links.
func siteCountKey(site string) []byte { return append(bytes.Clone(siteLinksKey), site...) }

// countSite reads the number of a site's links. When it is not known, they are
// counted.
func countSite(tx *bbolt.Tx, site string) (n uint64, known bool, err error) {
	if value := tx.Bucket(metaBucket).Get(siteCountKey(site)); value != nil {
		n, err = readNumber(value)
		return n, true, err
	}
	for range walk(tx.Bucket(sitesBucket), appendSitePrefix(nil, site), 0, false) {
		n++
	}
	return n, false, nil
}

// rememberSite writes the number of a site's links, where it was not known.
func (s *Links) rememberSite(site string) error {
	return s.changes.commit(context.Background(), &change[*writer]{cost: 1, apply: func(w *writer) error {
		w.siteLinks[site] += 0
		w.written = true
		return nil
	}})
}

// pageLimit is a page's length for the limit asked for.
func pageLimit(limit int) (int, error) {
	switch {
	case limit == 0:
		return link.DefaultPage, nil
	case limit < 0 || limit > link.MaxPage:
		return 0, fmt.Errorf("%w: limit %d, 1 to %d are allowed", link.ErrQuery, limit, link.MaxPage)
	}
	return limit, nil
}

// List returns one page of links in creation order, or backwards. Every page is
// a view of its own: links made meanwhile come at their place, a link deleted
// meanwhile is missing. The cost does not depend on where After is; a link that
// Skip leaves out costs one step in an index. An impossible limit or skip is
// refused with link.ErrQuery.
func (s *Links) List(q link.ListQuery) (page link.Page, err error) {
	limit, err := pageLimit(q.Limit)
	if err == nil && q.Skip < 0 {
		err = fmt.Errorf("%w: skip %d", link.ErrQuery, q.Skip)
	}
	if err != nil {
		return page, fmt.Errorf("list links: %w", err)
	}
	counted := false // the site's links, because their number was not known
	err = s.view(func(tx *bbolt.Tx) (err error) {
		events, skip := allLinks(tx, q.After, q.Descending), q.Skip
		if q.Site != "" {
			if len(q.Site) > link.MaxOwner {
				return nil // nobody's
			}
			var known bool
			if page.Total, known, err = countSite(tx, q.Site); err != nil {
				return err
			}
			counted = !known && page.Total > 0
			events, skip = siteLinks(tx, q.Site, q.After, q.Skip, q.Descending), 0
		} else if page.Total, err = countLinks(tx); err != nil {
			return err
		}
		for value := range events {
			e, ok := parseEvent(value)
			if !ok {
				return ErrDamaged
			}
			if e.kind != created {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			if len(page.Links) == limit {
				page.Next = page.Links[limit-1].Number
				break
			}
			l, err := s.lookup(tx, e.domain, e.slug)
			if err != nil {
				return fmt.Errorf("number %d: %w", e.number, err)
			}
			page.Links = append(page.Links, l)
		}
		return nil
	})
	if err != nil {
		return link.Page{}, fmt.Errorf("list links: %w", err)
	}
	if counted {
		// The page is right also when this fails; then the next one counts again.
		_ = s.rememberSite(q.Site)
	}
	return page, nil
}

// allLinks yields the values of feed beyond after, or all when it is 0.
func allLinks(tx *bbolt.Tx, after uint64, descending bool) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, value := range walk(tx.Bucket(feedBucket), nil, after, descending) {
			if !yield(value) {
				return
			}
		}
	}
}

// siteLinks yields the values of feed that created the links of a site, beyond
// after, or all when it is 0, but for the first ones. A value is nil when it is
// missing.
func siteLinks(tx *bbolt.Tx, site string, after uint64, skip int, descending bool) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		feed := tx.Bucket(feedBucket)
		prefix := appendSitePrefix(nil, site)
		for key := range walk(tx.Bucket(sitesBucket), prefix, after, descending) {
			if skip > 0 {
				skip--
			} else if !yield(feed.Get(key[len(prefix):])) {
				return
			}
		}
	}
}

// walk yields the keys of b that are prefix and a number, with their values, in
// the order of the numbers or backwards, from the first beyond after. An after
// of 0 begins at the end that the order begins with.
func walk(b *bbolt.Bucket, prefix []byte, after uint64, descending bool) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		c := b.Cursor()
		from := appendNumber(bytes.Clone(prefix), after)
		key, value := c.Seek(from)
		step := c.Next
		switch {
		case descending:
			step = c.Prev
			if after == 0 {
				// The prefix is followed by eight bytes, so nine of the highest
				// are beyond all of its keys.
				key, _ = c.Seek(append(bytes.Clone(prefix), bytes.Repeat([]byte{0xff}, 9)...))
			}
			if key == nil {
				key, value = c.Last()
			} else {
				key, value = c.Prev()
			}
		case bytes.Equal(key, from):
			key, value = c.Next()
		}
		for ; len(key) == len(prefix)+8 && bytes.HasPrefix(key, prefix); key, value = step() {
			if !yield(key, value) {
				return
			}
		}
	}
}

// Changes returns up to limit events of the feed after the sequence given, in
// commit order; 0 begins with the first, and a limit of 0 is link.DefaultPage.
// An event carries its link as it is now, so following the feed to its end gives
// every link in its last state. An impossible limit is refused with link.ErrQuery.
func (s *Links) Changes(after uint64, limit int) (changes []link.ChangeEvent, err error) {
	limit, err = pageLimit(limit)
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	err = s.view(func(tx *bbolt.Tx) error {
		for key, value := range walk(tx.Bucket(feedBucket), nil, after, false) {
			if len(changes) == limit {
				break
			}
			sequence := binary.BigEndian.Uint64(key)
			e, ok := parseEvent(value)
			if !ok {
				return fmt.Errorf("sequence %d: %w", sequence, ErrDamaged)
			}
			l, err := s.lookup(tx, e.domain, e.slug)
			if err != nil {
				return fmt.Errorf("sequence %d: %w", sequence, err)
			}
			changes = append(changes, link.ChangeEvent{Sequence: sequence, Link: l})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	return changes, nil
}
