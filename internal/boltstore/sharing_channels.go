package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
	"herald.example/internal/varint"
)

// maxNoted bounds the domain and the slug of a link that is noted, in bytes. They are
// part of a key.
const maxNoted = 255

// under yields the keys of b that begin with prefix, with their values.
func under(b *bbolt.Bucket, prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		c := b.Cursor()
		for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
			if !yield(key, value) {
				return
			}
		}
	}
}

// NoteLinks notes links of a site for SharedLinks, under a context ID and a provider, as
// made at a time. Links that are noted there with that time already cost no commit. What
// is too long to be a link is passed over.
func (s *Sharing) NoteLinks(ctx context.Context, siteID, cid, provider string, at time.Time, refs ...link.Ref) error {
	owner, ok := parseID(siteID)
	if !ok {
		return fmt.Errorf("note links of site %q: %w", siteID, site.ErrNotFound)
	}
	if len(refs) == 0 {
		return ctx.Err()
	}
	err := s.change(ctx, 2+len(refs), func(w *sharingWriter) error {
		channel := w.channel(owner, cid, provider)
		for _, ref := range refs {
			w.note(owner, channel, at, ref)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note links of site %q: %w", siteID, err)
	}
	return nil
}

// channel is the number of a context ID with a provider, given when there is none.
func (w *sharingWriter) channel(owner uuid.UUID, cid, provider string) uint64 {
	key := appendText(appendText(bytes.Clone(owner[:]), w.cid(owner, cid)), boundProvider(provider))
	if value := w.tx.Bucket(channelsBucket).Get(key); value != nil {
		n, err := readNumber(value)
		if w.err == nil && err != nil {
			w.err = fmt.Errorf("channel: %w", err)
		}
		return n
	}
	n := w.next(channelsBucket)
	w.put(channelsBucket, key, appendNumber(nil, n))
	return n
}

// note notes a link in a channel.
func (w *sharingWriter) note(owner uuid.UUID, channel uint64, at time.Time, ref link.Ref) {
	if len(ref.Domain) > maxNoted || len(ref.Slug) > maxNoted {
		return
	}
	key := appendDate(channelPrefix(owner, channel), at.UnixMilli())
	key = appendText(appendText(key, ref.Domain), ref.Slug)
	if w.tx.Bucket(channelLinksBucket).Get(key) == nil {
		w.put(channelLinksBucket, key, []byte{})
	}
}

// noteLinks notes the links of a publication, which are with the shortener now.
func (w *sharingWriter) noteLinks(at place, h head, p publish.Publication) {
	owner := uuid.UUID(at.site())
	var channel uint64 // they begin with 1
	for _, l := range p.Links {
		if l.Deleted {
			continue
		}
		if channel == 0 {
			channel = w.channel(owner, h.cid, p.Provider)
		}
		w.note(owner, channel, l.Created, l.Ref)
	}
}

// channelPrefix is what the keys in channellinks of one channel begin with.
func channelPrefix(owner uuid.UUID, channel uint64) []byte {
	return appendNumber(bytes.Clone(owner[:]), channel)
}

// channel is a context ID with a provider, under which links are noted.
type channel struct {
	cid, provider string
	number        uint64
}

// SharedLinks calls do with the links of a site that were noted for publications and by
// NoteLinks, and made before the end of the query's last day: with those of one context
// ID and one provider at a time, at most link.MaxBatch of them, which do may keep. Days
// before the query's first one count, and links of deleted messages stay. do is called
// outside of a transaction, and its error ends the walk. Links that are noted meanwhile
// may be missed.
func (s *Sharing) SharedLinks(ctx context.Context, siteID string, q site.ReportQuery, do func(cid, provider string, refs []link.Ref) error) error {
	return s.sharedLinks(ctx, siteID, q, link.MaxBatch, do)
}

// sharedLinks is SharedLinks with batches of a size.
func (s *Sharing) sharedLinks(ctx context.Context, siteID string, q site.ReportQuery, size int, do func(cid, provider string, refs []link.Ref) error) error {
	owner, ok := parseID(siteID)
	if !ok {
		return nil
	}
	channels, err := s.channels(ctx, owner, q)
	if err != nil {
		return fmt.Errorf("read shared links of site %q: %w", siteID, err)
	}
	until := q.To.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1).UnixMilli()
	for _, c := range channels {
		var after []byte
		for {
			var refs []link.Ref
			if refs, after, err = s.noted(ctx, owner, c.number, after, until, size); err != nil {
				return fmt.Errorf("read shared links of site %q: %w", siteID, err)
			}
			if len(refs) > 0 {
				if err := do(c.cid, c.provider, refs); err != nil {
					return err
				}
			}
			if len(refs) < size {
				break
			}
		}
	}
	return nil
}

// channels reads the channels of a site that a query selects, in the order of context
// ID and provider, whose lengths go first. They are few: providers for each of
// site.MaxCIDs.
func (s *Sharing) channels(ctx context.Context, owner uuid.UUID, q site.ReportQuery) (channels []channel, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		for key, value := range under(tx.Bucket(channelsBucket), owner[:]) {
			c, ok := parseChannel(key[len(owner):], value)
			if !ok {
				return fmt.Errorf("%w: channel", ErrDamaged)
			}
			if selects(q, c.cid, c.provider) {
				channels = append(channels, c)
			}
		}
		return nil
	})
	return channels, err
}

// parseChannel reads an entry of channels, whose key comes without the site.
func parseChannel(key, value []byte) (c channel, ok bool) {
	r := varint.Reader{B: key}
	c.cid, c.provider = string(r.String()), string(r.String())
	if !whole(&r) || len(value) != 8 {
		return c, false
	}
	c.number = binary.BigEndian.Uint64(value)
	return c, true
}

// noted reads links of a channel that were made before until, at most limit of them,
// beginning behind a key; nil: with the first. It returns the last one's key.
func (s *Sharing) noted(ctx context.Context, owner uuid.UUID, number uint64, after []byte, until int64, limit int) (refs []link.Ref, last []byte, err error) {
	prefix := channelPrefix(owner, number)
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(channelLinksBucket).Cursor()
		key, _ := c.Seek(prefix)
		if after != nil {
			if key, _ = c.Seek(after); bytes.Equal(key, after) {
				key, _ = c.Next()
			}
		}
		for ; bytes.HasPrefix(key, prefix) && len(refs) < limit; key, _ = c.Next() {
			created, ref, ok := parseNoted(key[len(prefix):])
			if !ok {
				return fmt.Errorf("%w: noted link", ErrDamaged)
			}
			if created >= until {
				break
			}
			refs = append(refs, ref)
			last = append(last[:0], key...)
		}
		return nil
	})
	return refs, last, err
}

// parseNoted reads a key of channellinks, without the site and the channel. It owns its
// strings.
func parseNoted(key []byte) (created int64, ref link.Ref, ok bool) {
	r := varint.Reader{B: key}
	if at := r.Bytes(8); !r.Bad {
		created = parseDate(at)
	}
	ref.Domain, ref.Slug = string(r.String()), string(r.String())
	return created, ref, whole(&r)
}
