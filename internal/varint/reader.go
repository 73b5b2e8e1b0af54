// Package varint takes integers and byte strings from the front of Herald's own
// records, never past their end. It knows no other room.
package varint

import "encoding/binary"

// Reader reads B from the front. A read past the end returns zero, empties B
// and sets Bad, so that a record is checked once, behind its last field.
type Reader struct {
	B   []byte
	Bad bool
}

func (r *Reader) fail() {
	r.B, r.Bad = nil, true
}

// Uvarint reads an unsigned integer as encoding/binary writes it.
func (r *Reader) Uvarint() uint64 {
	if len(r.B) > 0 && r.B[0] < 0x80 {
		v := r.B[0]
		r.B = r.B[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.B)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.B = r.B[n:]
	return v
}

// Varint reads a signed integer as encoding/binary writes it.
func (r *Reader) Varint() int64 {
	v := r.Uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.B) == 0 {
		r.fail()
		return 0
	}
	v := r.B[0]
	r.B = r.B[1:]
	return v
}

// Bytes reads n bytes, which alias the record.
func (r *Reader) Bytes(n uint64) []byte {
	if n > uint64(len(r.B)) {
		r.fail()
		return nil
	}
	v := r.B[:n:n]
	r.B = r.B[n:]
	return v
}

// String reads a length and as many bytes, which alias the record.
func (r *Reader) String() []byte { return r.Bytes(r.Uvarint()) }
