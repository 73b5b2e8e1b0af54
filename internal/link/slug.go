package link

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/jxskiss/base62"
)

// Lengths of slugs, in characters.
const (
	MaxSlug      = 64
	DefaultToken = 7
	MinToken     = 5  // fewer can be guessed
	MaxToken     = 11 // more is no longer short
)

// reserved slugs are paths that the redirect answers itself, or that a visitor
// could take for a part of the service.
var reserved = map[string]bool{
	"about": true, "admin": true, "api": true, "assets": true, "connections": true, "dashboard": true,
	"favicon": true, "healthz": true, "help": true, "identities": true, "index": true, "livez": true,
	"login": true, "logout": true, "metrics": true, "providers": true, "push": true, "readyz": true,
	"robots": true, "sharing": true, "shorturls": true, "static": true, "status": true, "tools": true,
	"users": true, "well-known": true, "www": true,
}

// slugByte says whether c may stand in a slug.
func slugByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// SlugLen returns how many bytes of b, from its start, may stand in a slug.
func SlugLen(b []byte) int {
	for i, c := range b {
		if !slugByte(c) {
			return i
		}
	}
	return len(b)
}

// CheckSlug holds a slug, token or alias, against the rules: 1 to MaxSlug
// letters, digits, '-' and '_', and no reserved word. A slug has one spelling:
// it is compared byte for byte, letters by case.
func CheckSlug(slug string) error {
	switch {
	case slug == "":
		return fmt.Errorf("%w: it is empty", ErrSlug)
	case len(slug) > MaxSlug:
		return fmt.Errorf("%w: %d characters, at most %d are allowed", ErrSlug, len(slug), MaxSlug)
	case reserved[strings.ToLower(slug)]:
		return fmt.Errorf("%w: %q is reserved", ErrSlug, slug)
	}
	for i := range len(slug) {
		if !slugByte(slug[i]) {
			return fmt.Errorf("%w: %q at position %d; use letters, digits, '-' and '_'", ErrSlug, slug[i], i+1)
		}
	}
	return nil
}

// NewToken makes a slug of length characters, each of the 62^length equally
// likely, from the system's random source. It panics when length is out of
// MinToken to MaxToken: settings are checked before they get here.
func NewToken(length int) string {
	if length < MinToken || length > MaxToken {
		panic(fmt.Sprintf("BUG: token length %d", length))
	}
	// 62^10 < 2^64 < 62^11, so eleven characters are drawn as ten and one.
	var buf [MaxToken]byte
	token := buf[:0]
	for left := length; left > 0; {
		n := min(left, 10)
		token = appendDigits(token, n)
		left -= n
	}
	if s := string(token); CheckSlug(s) == nil {
		return s
	}
	return NewToken(length) // a reserved word was drawn
}

// appendDigits appends n random base62 digits, n at most 10.
func appendDigits(dst []byte, n int) []byte {
	space := uint64(1)
	for range n {
		space *= 62
	}
	limit := space * ((1<<64 - 1) / space) // a draw at or above would prefer low digits
	for {
		var raw [8]byte
		rand.Read(raw[:]) // never fails: it ends the process instead
		if v := binary.LittleEndian.Uint64(raw[:]); v < limit {
			return appendNumber(dst, v%space, n)
		}
	}
}

// appendNumber appends v as exactly n base62 digits, the highest first.
func appendNumber(dst []byte, v uint64, n int) []byte {
	digits := base62.FormatUint(v)
	for range n - len(digits) {
		dst = append(dst, 'A') // the zero of this alphabet
	}
	return append(dst, digits...)
}
