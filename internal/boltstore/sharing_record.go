package boltstore

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/link"
	"herald.example/internal/publish"
	"herald.example/internal/site"
	"herald.example/internal/varint"
)

// parseID reads a UUID in its one spelling.
func parseID(s string) (id uuid.UUID, ok bool) {
	if len(s) != 36 { // uuid.Parse takes other spellings, too
		return id, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil && id.String() == s
}

// place is the key of an entry on a shelf: site, sequence.
type place [24]byte

func newPlace(owner uuid.UUID, sequence uint64) (at place) {
	copy(at[:], owner[:])
	binary.BigEndian.PutUint64(at[16:], sequence)
	return at
}

func (at place) site() []byte     { return at[:16] }
func (at place) sequence() uint64 { return binary.BigEndian.Uint64(at[16:]) }

// part is the key of a numbered part of a message: an upload, a publication.
func (at place) part(n uint32) []byte { return binary.BigEndian.AppendUint32(at[:], n) }

// appendDate appends a date as a key.
func appendDate(dst []byte, ms int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(ms)^1<<63)
}

// parseDate is the inverse of appendDate.
func parseDate(key []byte) int64 { return int64(binary.BigEndian.Uint64(key) ^ 1<<63) }

// date is a date of a record.
func date(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// appendText appends a text.
func appendText[S string | []byte](dst []byte, s S) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// whole says whether a record was read to its end, and no further.
func whole(r *varint.Reader) bool { return !r.Bad && len(r.B) == 0 }

// readID reads a UUID.
func readID(r *varint.Reader) (id uuid.UUID) {
	copy(id[:], r.Bytes(16))
	return id
}

// readSize reads an unsigned integer that is no more than 31 bits long.
func readSize(r *varint.Reader) int {
	n := r.Uvarint()
	if n > math.MaxInt32 {
		r.B, r.Bad = nil, true
		return 0
	}
	return int(n)
}

// head is a value of heads.
type head struct {
	token                  uuid.UUID
	created, lastPublished int64
	rounds, publications   int
	shared                 bool // the message has a Share; what follows is of it
	status                 bool // reports count it as a status update
	cid                    string
}

func (h head) append(dst []byte) []byte {
	version := byte(sharingVersion)
	if h.shared {
		version = headVersion
	}
	dst = append(append(dst, version), h.token[:]...)
	dst = binary.AppendVarint(dst, h.created)
	dst = binary.AppendVarint(dst, h.lastPublished)
	dst = binary.AppendUvarint(dst, uint64(h.rounds))
	dst = binary.AppendUvarint(dst, uint64(h.publications))
	if h.shared {
		status := byte(0)
		if h.status {
			status = 1
		}
		dst = appendText(append(dst, status), h.cid)
	}
	return dst
}

func parseHead(b []byte) (h head, ok bool) {
	r := varint.Reader{B: b}
	version := r.Byte()
	h.token = readID(&r)
	h.created = r.Varint()
	h.lastPublished = r.Varint()
	h.rounds = readSize(&r)
	h.publications = readSize(&r)
	status := byte(0)
	if version == headVersion {
		status = r.Byte()
		h.shared, h.status, h.cid = true, status == 1, string(r.String())
	}
	return h, (version == sharingVersion || version == headVersion) && status <= 1 && whole(&r)
}

// share notes what reports need of a message's Share.
func (h *head) share(share *publish.Share) {
	if share == nil {
		return
	}
	h.shared, h.status = true, share.Kind == publish.StatusShare || share.Kind == publish.CheckinShare
	h.cid = boundCID(share.CID)
}

// The flags of a publication.
const (
	flagLinksPut = 1 << iota
	flagRefusal
	flagBrief

	flagsAll = flagLinksPut | flagRefusal | flagBrief
)

// states are the states that a publication can be stored in.
var states = []publish.State{publish.Pending, publish.Sending, publish.Published, publish.Failed, publish.Unknown}

// appendPublication appends the record of a publication. Site, Message and Number
// are not in it: they are the key.
func appendPublication(dst []byte, p publish.Publication) []byte {
	size := 160 + len(p.Receipt.ID) + len(p.Receipt.URL) + len(p.Receipt.Note)
	for _, l := range p.Links {
		size += 20 + len(l.Ref.Domain) + len(l.Ref.Slug) + len(l.Target)
	}
	dst = slices.Grow(dst, size)
	var flags byte
	if p.LinksPut {
		flags |= flagLinksPut
	}
	if p.Refusal != nil {
		flags |= flagRefusal
	}
	if p.Brief {
		flags |= flagBrief
	}
	dst = append(dst, sharingVersion, flags)
	dst = binary.AppendUvarint(dst, uint64(p.Round))
	dst = appendText(dst, string(p.State))
	dst = appendText(dst, p.Provider)
	dst = appendText(dst, p.User)
	dst = appendText(dst, p.Identity)
	dst = binary.AppendVarint(dst, p.Created.UnixMilli())
	dst = binary.AppendVarint(dst, p.Sent.UnixMilli())
	dst = binary.AppendVarint(dst, p.Due.UnixMilli())
	dst = binary.AppendVarint(dst, int64(p.Tries))
	dst = binary.AppendUvarint(dst, uint64(len(p.Links)))
	for _, l := range p.Links {
		deleted := byte(0)
		if l.Deleted {
			deleted = 1
		}
		dst = appendText(append(dst, deleted), l.Ref.Domain)
		dst = appendText(dst, l.Ref.Slug)
		dst = appendText(dst, l.Target)
		dst = binary.AppendVarint(dst, l.Created.UnixMilli())
	}
	dst = appendText(dst, p.Receipt.ID)
	dst = appendText(dst, p.Receipt.URL)
	dst = appendText(dst, p.Receipt.Note)
	dst = binary.AppendVarint(dst, p.Receipt.At.UnixMilli())
	if f := p.Refusal; f != nil {
		dst = appendText(dst, string(f.Kind))
		dst = appendText(dst, f.Message)
		dst = binary.AppendVarint(dst, int64(f.Status))
		dst = appendText(dst, f.Code)
		dst = appendText(dst, f.Trace)
		dst = binary.AppendVarint(dst, f.At.UnixMilli())
	}
	return dst
}

// parsePublication reads a record into a publication, whose Site, Message and
// Number the caller gives. It owns its strings.
func parsePublication(b []byte) (p publish.Publication, ok bool) {
	r := varint.Reader{B: b}
	text := func() string { return string(r.String()) }
	day := func() time.Time { return date(r.Varint()) }
	version, flags := r.Byte(), r.Byte()
	p.LinksPut, p.Brief = flags&flagLinksPut != 0, flags&flagBrief != 0
	p.Round = readSize(&r)
	p.State = publish.State(text())
	p.Provider, p.User, p.Identity = text(), text(), text()
	p.Created, p.Sent, p.Due = day(), day(), day()
	p.Tries = int(r.Varint())
	const shortest = 5 // bytes of a link: five fields of one byte
	n := r.Uvarint()
	if n > uint64(len(r.B)/shortest) {
		return p, false
	}
	if n > 0 {
		p.Links = make([]publish.TrackedLink, n)
	}
	for i := range p.Links {
		deleted := r.Byte()
		if deleted > 1 {
			return p, false
		}
		p.Links[i] = publish.TrackedLink{
			Deleted: deleted == 1, Ref: link.Ref{Domain: text(), Slug: text()}, Target: text(), Created: day(),
		}
	}
	p.Receipt = publish.Receipt{ID: text(), URL: text(), Note: text(), At: day()}
	if flags&flagRefusal != 0 {
		p.Refusal = &publish.Refusal{
			Kind: publish.Kind(text()), Message: text(), Status: int(r.Varint()), Code: text(), Trace: text(), At: day(),
		}
	}
	return p, version == sharingVersion && flags&^flagsAll == 0 && slices.Contains(states, p.State) && whole(&r)
}

// keyRecord is a value of keys.
type keyRecord struct {
	fingerprint [32]byte
	at          int64
	sequence    uint64
	round       int
}

func (k keyRecord) append(dst []byte) []byte {
	dst = append(append(dst, sharingVersion), k.fingerprint[:]...)
	dst = binary.AppendVarint(dst, k.at)
	dst = binary.AppendUvarint(dst, k.sequence)
	return binary.AppendUvarint(dst, uint64(k.round))
}

func parseKey(b []byte) (k keyRecord, ok bool) {
	r := varint.Reader{B: b}
	version := r.Byte()
	copy(k.fingerprint[:], r.Bytes(32))
	k.at = r.Varint()
	k.sequence = r.Uvarint()
	k.round = readSize(&r)
	return k, version == sharingVersion && whole(&r)
}

// appendUser appends the record of a user.
func appendUser(dst []byte, token uuid.UUID, u site.User) []byte {
	dst = append(append(dst, userVersion), token[:]...)
	dst = binary.AppendVarint(dst, u.Created.UnixMilli())
	dst = binary.AppendVarint(dst, u.LastLogin.UnixMilli())
	dst = binary.AppendVarint(dst, int64(u.Logins))
	return appendText(dst, u.UID)
}

// parseUser reads the record of a user, without the token as text: a filter does
// not need it.
func parseUser(b []byte) (token uuid.UUID, u site.User, ok bool) {
	r := varint.Reader{B: b}
	version := r.Byte()
	token = readID(&r)
	u.Created, u.LastLogin = date(r.Varint()), date(r.Varint())
	u.Logins = int(r.Varint())
	if version == userVersion {
		u.UID = string(r.String())
	}
	return token, u, (version == userVersion || version == sharingVersion) && whole(&r)
}

// appendConnection appends the record of a connection.
func appendConnection(dst []byte, token uuid.UUID, c site.Connection) []byte {
	dst = append(append(dst, sharingVersion), token[:]...)
	dst = binary.AppendVarint(dst, c.Created.UnixMilli())
	return appendText(appendText(appendText(dst, c.User), c.Identity), c.Source)
}

func parseConnection(b []byte) (c site.Connection, ok bool) {
	r := varint.Reader{B: b}
	version := r.Byte()
	c.Token = readID(&r).String()
	c.Created = date(r.Varint())
	c.User, c.Identity, c.Source = string(r.String()), string(r.String()), string(r.String())
	return c, version == sharingVersion && whole(&r)
}

// appendJSON appends a record in JSON.
func appendJSON(dst []byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a record that JSON cannot hold: " + err.Error())
	}
	return append(append(dst, sharingVersion), b...)
}

// parseJSON reads a record in JSON.
func parseJSON[T any](b []byte) (v T, ok bool) {
	if len(b) == 0 || b[0] != sharingVersion {
		return v, false
	}
	return v, json.Unmarshal(b[1:], &v) == nil
}
