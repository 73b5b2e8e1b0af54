package boltstore

import (
	"encoding/binary"
	"slices"
	"time"

	"herald.example/internal/link"
)

// The format of links.db. Integers in keys are big-endian, uint64 unless said;
// in values they are varints (encoding/binary) in their shortest spelling, so
// that a record has one spelling. Every record starts with its version. Dates
// are Unix times in milliseconds.
//
//	meta      "format"                    version (uint32), then the text "links"
//	          "links"                     links that are no tombstones (uint64)
//	          "site/", site               the same of one site (uint64)
//
//	domains   name                        id (uint32); ids are dense, from 0
//
//	slugs     id (uint32), slug           1, method and state (4 bits each), number (uvarint), created (varint),
//	                                      edited - created (varint), length of the site (byte), site,
//	                                      length of the publication (byte), publication, target
//
//	feed      sequence                    1, kind (byte), number (uvarint), id (uint32), slug
//
//	sites     length of the site (byte),  nothing
//	          site, number
//
// slugs is all that a redirect reads: one get gives number, state, method and
// target. Method 0, which all links had once, leaves the byte that it shares to the
// state; a program that knows no other finds those links damaged. A
// tombstone keeps its record, with state Deleted and no target, for ever: that
// its key is there is what keeps the slug from being issued again.
//
// feed holds every event in commit order; its next sequence is the bucket's
// sequence, which bbolt stores. A link's number is the sequence of its creation,
// so the creations in feed are the index from number to link and the listing in
// creation order at once. An edit or a delete appends an event of kind changed;
// a delete also turns the kind of the creation from created to buried, so that
// listings pass over tombstones without looking them up.
//
// sites lists the links of a site in creation order, without tombstones. Links
// of no site are not in it. Their number in meta is missing in files of programs
// that did not keep it: then it is counted when the site is next listed or
// written to.
const recordVersion = 1

// linksKind is what links.db says that it holds.
var linksKind = kind{name: "links", version: 1, buckets: [][]byte{domainsBucket, slugsBucket, feedBucket, sitesBucket}}

// The buckets beside meta, and the key of the number of links in meta.
var (
	domainsBucket = []byte("domains")
	slugsBucket   = []byte("slugs")
	feedBucket    = []byte("feed")
	sitesBucket   = []byte("sites")
	linksKey      = []byte("links")
	siteLinksKey  = []byte("site/") // and the site
)

// record is a value of slugs. The slices of a parsed record are borrowed from
// the transaction that it was read in.
type record struct {
	state             link.State
	method            link.Method
	number            uint64
	created, edited   int64 // Unix milliseconds
	site, publication []byte
	target            []byte // empty if and only if state is Deleted
}

// methodShift is where the method stands in the byte that it shares with the state.
const methodShift = 4

// append appends the record's bytes. Site and publication are at most
// link.MaxOwner bytes long.
func (r record) append(dst []byte) []byte {
	dst = slices.Grow(dst, 4+3*binary.MaxVarintLen64+len(r.site)+len(r.publication)+len(r.target))
	dst = append(dst, recordVersion, byte(r.method)<<methodShift|byte(r.state))
	dst = binary.AppendUvarint(dst, r.number)
	dst = binary.AppendVarint(dst, r.created)
	dst = binary.AppendVarint(dst, r.edited-r.created)
	dst = append(append(dst, byte(len(r.site))), r.site...)
	dst = append(append(dst, byte(len(r.publication))), r.publication...)
	return append(dst, r.target...)
}

// parseRecord reads a value of slugs and says whether it is one: whole, and in
// the one spelling that append writes.
func parseRecord(b []byte) (r record, ok bool) {
	f := fields{rest: b}
	version := f.byte()
	how := f.byte()
	r.state, r.method = link.State(how&(1<<methodShift-1)), link.Method(how>>methodShift)
	r.number = f.uvarint()
	r.created = f.varint()
	r.edited = r.created + f.varint()
	r.site = f.bytes(int(f.byte()))
	r.publication = f.bytes(int(f.byte()))
	r.target = f.rest
	ok = !f.bad && version == recordVersion && r.number != 0 &&
		link.Active <= r.state && r.state <= link.Deleted && r.method <= link.Script && (r.state == link.Deleted) == (len(r.target) == 0)
	return r, ok
}

// link is the record as the world sees it. It owns its strings.
func (r record) link(ref link.Ref) link.Link {
	return link.Link{
		Ref:         ref,
		Number:      r.number,
		Target:      string(r.target),
		State:       r.state,
		Site:        string(r.site),
		Publication: string(r.publication),
		Method:      r.method,
		Created:     time.UnixMilli(r.created).UTC(),
		Edited:      time.UnixMilli(r.edited).UTC(),
	}
}

// eventKind says what an entry of feed tells.
type eventKind byte

// The kinds. Zero is none, so that an empty entry is noticed.
const (
	created eventKind = 1 // a link came into being
	buried  eventKind = 2 // the same, and it was deleted since
	changed eventKind = 3 // a link was edited or deleted
)

// event is a value of feed. The slug of a parsed event is borrowed from the
// transaction that it was read in.
type event struct {
	kind   eventKind
	number uint64 // of the link; for a creation the sequence itself
	domain uint32
	slug   []byte
}

// append appends the event's bytes.
func (e event) append(dst []byte) []byte {
	dst = slices.Grow(dst, 6+binary.MaxVarintLen64+len(e.slug))
	dst = append(dst, recordVersion, byte(e.kind))
	dst = binary.AppendUvarint(dst, e.number)
	dst = binary.BigEndian.AppendUint32(dst, e.domain)
	return append(dst, e.slug...)
}

// parseEvent reads a value of feed and says whether it is one.
func parseEvent(b []byte) (e event, ok bool) {
	f := fields{rest: b}
	version := f.byte()
	e.kind = eventKind(f.byte())
	e.number = f.uvarint()
	e.domain = f.uint32()
	e.slug = f.rest
	ok = !f.bad && version == recordVersion && e.number != 0 && created <= e.kind && e.kind <= changed &&
		1 <= len(e.slug) && len(e.slug) <= link.MaxSlug
	return e, ok
}

// appendSlugKey appends the key of slugs.
func appendSlugKey[S string | []byte](dst []byte, domain uint32, slug S) []byte {
	return append(binary.BigEndian.AppendUint32(dst, domain), slug...)
}

// appendSitePrefix appends what the keys in sites of one site begin with. The
// length in front keeps a site from being the prefix of another.
func appendSitePrefix[S string | []byte](dst []byte, site S) []byte {
	return append(append(dst, byte(len(site))), site...)
}

// appendNumber appends a number as a key.
func appendNumber(dst []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(dst, n) }

// fields reads a record from its start. After the first field that is not there
// bad is true, and all others are zero.
type fields struct {
	rest []byte
	bad  bool
}

// bytes reads n bytes, borrowed.
func (f *fields) bytes(n int) []byte {
	if n > len(f.rest) {
		f.rest, f.bad = nil, true
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

// byte reads one byte.
func (f *fields) byte() byte {
	if len(f.rest) == 0 {
		f.bad = true
		return 0
	}
	b := f.rest[0]
	f.rest = f.rest[1:]
	return b
}

// uint32 reads a big-endian integer.
func (f *fields) uint32() uint32 {
	if b := f.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// uvarint reads a varint. One with leading zeros is refused.
func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 || n > 1 && f.rest[n-1] == 0 {
		f.rest, f.bad = nil, true
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

// varint reads a signed varint.
func (f *fields) varint() int64 {
	v := f.uvarint()
	return int64(v>>1) ^ -int64(v&1) // zigzag, as binary.Varint
}
