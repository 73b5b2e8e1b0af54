package bluesky

import (
	"crypto/sha256"
	"encoding/binary"
)

// recordKey makes the record key of a post: a TID, which is 13 characters of 5
// bits, the highest bit zero, then 53 bits of microseconds since 1970 and 10 bits
// that tell clocks apart (atproto.com/specs/tid). The microseconds below the
// millisecond and the clock come from a hash of key, so that the same post always
// has the same record key, and two posts of the same millisecond differ in all but
// one case of a million.
func recordKey(key string, milliseconds int64) string {
	const digits = "234567abcdefghijklmnopqrstuvwxyz" // in the order of their bytes
	sum := sha256.Sum256([]byte(key))
	random := binary.BigEndian.Uint64(sum[:8])
	micros := uint64(max(milliseconds, 0))*1000 + random>>10%1000
	id := (micros&(1<<53-1))<<10 | random&(1<<10-1)
	var text [13]byte
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = digits[id&31]
		id >>= 5
	}
	return string(text[:])
}
