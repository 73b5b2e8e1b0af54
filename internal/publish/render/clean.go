package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes a text plain: valid UTF-8, \n between lines, no other control
// characters, and nothing that Unicode says is no character. A tab is a space.
func clean(text string) string {
	if plain(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i, r := range text {
		switch {
		case r == '\r' && strings.HasPrefix(text[i+1:], "\n"):
		case r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029:
			b.WriteByte('\n')
		case r == '\t':
			b.WriteByte(' ')
		case !unwanted(r):
			b.WriteRune(r) // invalid bytes become U+FFFD
		}
	}
	return b.String()
}

// plain says whether clean has nothing to do.
func plain(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if r < ' ' && r != '\n' || r >= 0x7f && (unwanted(r) || r == 0x2028 || r == 0x2029) {
			return false
		}
	}
	return true
}

// unwanted says whether r is a control character, a byte order mark, or one of the
// code points that are no characters; X refuses these.
func unwanted(r rune) bool {
	return unicode.IsControl(r) || r == 0xfeff || 0xfdd0 <= r && r <= 0xfdef || r&0xfffe == 0xfffe
}

// visible says whether there is anything to see in a text.
func visible(text string) bool {
	for _, r := range text {
		if !unicode.IsSpace(r) && !unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me) {
			return true
		}
	}
	return false
}
