package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"herald.example/internal/link"
)

// change is what one caller wants written.
type change struct {
	cost    int      // links touched, for bounding a group
	domains []string // that need an id
	// apply looks at everything first and writes last: when it returns an error,
	// it has written nothing.
	apply func(*writer) error
	done  chan struct{} // closed when the change is decided
	err   error         // of the change; read after done
}

// errUnfinished is the error of a change whose commit panicked.
var errUnfinished = errors.New("commit did not finish")

// commit writes c, together with what others want written at the same time.
//
// A commit costs two syncs of the disk, whatever its size, so callers share
// them: everybody queues its change, one of them gets the turn and commits all
// that is queued, and what is queued meanwhile is the next group. A lone caller
// gets the turn at once; there is no timer.
//
// When ctx ends before the change was taken into a group, nothing is written and
// the context's error is returned. After that the commit is waited for.
func (s *Links) commit(ctx context.Context, c *change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.done = make(chan struct{})
	s.queueMu.Lock()
	s.queue = append(s.queue, c)
	s.queueMu.Unlock()
	for {
		select {
		case <-c.done: // before the turn, if both are ready
			return c.err
		default:
		}
		select {
		case <-c.done:
			return c.err
		case s.turn <- struct{}{}:
			s.commitGroup(s.takeGroup())
		case <-ctx.Done():
			if s.withdraw(c) {
				return ctx.Err()
			}
			<-c.done
			return c.err
		}
	}
}

// takeGroup takes the oldest changes from the queue: at least one if there is
// any, and no more when they touch as many links as a full Put.
func (s *Links) takeGroup() []*change {
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	n, cost := 0, 0
	for n < len(s.queue) && (n == 0 || cost+s.queue[n].cost <= link.MaxBatch) {
		cost += s.queue[n].cost
		n++
	}
	group := slices.Clone(s.queue[:n])
	s.queue = slices.Delete(s.queue, 0, n)
	return group
}

// withdraw takes c out of the queue, and says whether it was still there.
func (s *Links) withdraw(c *change) bool {
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	i := slices.Index(s.queue, c)
	if i < 0 {
		return false
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	return true
}

// commitGroup commits the group in one transaction, tells its callers, and hands
// the turn on. A change that is refused does not hinder the others; when the
// transaction fails, all of them fail.
func (s *Links) commitGroup(group []*change) {
	defer func() { <-s.turn }()
	if len(group) == 0 {
		return
	}
	defer func() {
		for _, c := range group {
			close(c.done)
		}
	}()
	var domains []string
	for _, c := range group {
		c.err = errUnfinished
		domains = append(domains, c.domains...)
	}
	refusals := make([]error, len(group))
	err := s.addDomains(domains)
	if err == nil {
		err = s.update(func(w *writer) {
			for i, c := range group {
				refusals[i] = c.apply(w)
			}
		})
	}
	for i, c := range group {
		c.err = refusals[i]
		if err != nil {
			c.err = closedError(err)
		}
	}
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
	links              uint64 // that are no tombstones
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
		store: s, tx: tx, links: links, domains: s.domains.Load(),
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
	w.put(w.tx.Bucket(metaBucket), linksKey, binary.BigEndian.AppendUint64(nil, w.links))
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
		if len(rec.site) > 0 && w.err == nil {
			w.err = w.sites.Delete(appendSiteKey(nil, rec))
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
