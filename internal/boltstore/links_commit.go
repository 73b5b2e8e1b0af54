package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"

	"herald.example/internal/link"
)

// writeGroup commits a group of changes. The caller has the turn.
func (s *Links) writeGroup(group []*change[*writer], apply func(*writer)) error {
	var domains []string
	for _, c := range group {
		domains = append(domains, c.domains...)
	}
	if err := s.addDomains(domains); err != nil {
		return err
	}
	return s.update(apply)
}

// update calls fn with a writer and commits what it wrote. The caller has the
// turn.
func (s *Links) update(fn func(*writer)) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		w, err := s.newWriter(tx)
		if err != nil {
			return err
		}
		fn(w)
		return w.finish()
	})
	switch {
	case err == nil:
		s.generation.Add(1)
	case errors.Is(err, errUnchanged):
		err = nil
	}
	return err
}

// writer writes links in one transaction. The first failure of the storage is
// kept, and fails the transaction.
type writer struct {
	store              *Links
	tx                 *bbolt.Tx
	slugs, feed, sites *bbolt.Bucket
	cursor             *bbolt.Cursor // on slugs; a Seek sees what was written
	key                []byte        // reused: bbolt copies keys
	domains            *domainTable
	links              uint64         // that are no tombstones
	siteLinks          map[string]int // how many more than before, by site
	written            bool
	err                error
}

// newWriter begins writing in tx.
func (s *Links) newWriter(tx *bbolt.Tx) (*writer, error) {
	links, err := countLinks(tx)
	if err != nil {
		return nil, err
	}
	w := &writer{
		store: s, tx: tx, links: links, siteLinks: make(map[string]int), domains: s.domains.Load(),
		slugs: tx.Bucket(slugsBucket), feed: tx.Bucket(feedBucket), sites: tx.Bucket(sitesBucket),
	}
	w.cursor = w.slugs.Cursor()
	w.feed.FillPercent = 1 // entries are appended and keep their length
	return w, nil
}

// finish ends writing.
func (w *writer) finish() error {
	if w.err == nil && !w.written {
		return errUnchanged
	}
	meta := w.tx.Bucket(metaBucket)
	w.put(meta, linksKey, binary.BigEndian.AppendUint64(nil, w.links))
	for site, more := range w.siteLinks {
		n, known, err := countSite(w.tx, site) // counted anew, it has the links of this transaction
		if err != nil {
			return err
		}
		if known {
			n += uint64(more)
		}
		w.put(meta, siteCountKey(site), binary.BigEndian.AppendUint64(nil, n))
	}
	return w.err
}

// put writes one pair. bbolt keeps value until the transaction ends.
func (w *writer) put(b *bbolt.Bucket, key, value []byte) {
	w.written = true
	if w.err == nil {
		w.err = b.Put(key, value)
	}
}

// find reads the record under a key of slugs. Its slices are borrowed until the
// next write.
func (w *writer) find(key []byte) (rec record, found bool, err error) {
	w.store.mapping.touch()
	at, value := w.cursor.Seek(key)
	if !bytes.Equal(at, key) {
		return record{}, false, nil
	}
	rec, ok := parseRecord(value)
	if !ok {
		return record{}, false, ErrDamaged
	}
	return rec, true, nil
}

// next draws the next sequence of the feed.
func (w *writer) next() uint64 {
	n, err := w.feed.NextSequence()
	if w.err == nil {
		w.err = err
	}
	return n
}

// create writes a link that is not there yet under key, the key of slugs, and
// returns its number. A record of state Deleted makes a tombstone.
func (w *writer) create(key []byte, rec record) uint64 {
	rec.number = w.next()
	e := event{kind: created, number: rec.number, domain: binary.BigEndian.Uint32(key), slug: key[4:]}
	if rec.state == link.Deleted {
		e.kind = buried
	} else {
		w.links++
		if len(rec.site) > 0 {
			w.key = appendSiteKey(w.key[:0], rec)
			w.put(w.sites, w.key, nil)
			w.siteLinks[string(rec.site)]++
		}
	}
	w.put(w.slugs, key, rec.append(nil))
	w.putEvent(rec.number, e)
	return rec.number
}

// edit writes a link that is there, alive, under key.
func (w *writer) edit(key []byte, rec record) {
	e := event{kind: changed, number: rec.number, domain: binary.BigEndian.Uint32(key), slug: key[4:]}
	w.putEvent(w.next(), e)
	if rec.state == link.Deleted {
		w.links--
		if len(rec.site) > 0 {
			if w.err == nil {
				w.err = w.sites.Delete(appendSiteKey(nil, rec))
			}
			w.siteLinks[string(rec.site)]--
		}
		e.kind = buried
		w.putEvent(rec.number, e)
	}
	w.put(w.slugs, key, rec.append(nil))
}

// putEvent writes an entry of feed.
func (w *writer) putEvent(sequence uint64, e event) {
	w.key = appendNumber(w.key[:0], sequence)
	w.put(w.feed, w.key, e.append(nil))
}

// appendSiteKey appends the record's key in sites.
func appendSiteKey(dst []byte, rec record) []byte {
	return appendNumber(appendSitePrefix(dst, rec.site), rec.number)
}
