package redirect

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"herald.example/internal/link"
)

// cutQuery cuts the query and the fragment off: they are not ours. Networks
// and mailers hang their own parameters on every link they touch.
func cutQuery(path []byte) []byte {
	if i := bytes.IndexAny(path, "?#"); i >= 0 {
		return path[:i]
	}
	return path
}

// splitPath splits what follows the first '/' of a path, without query, into
// the slug and the tail behind it.
func splitPath(path []byte) (slug, tail []byte) {
	n := link.SlugLen(path)
	return path[:n], path[n:]
}

// isPreview says whether a tail asks where the link leads: "+", as a browser
// sends it, or percent-encoded, as some clients do.
func isPreview(tail []byte) bool {
	return string(tail) == "+" || len(tail) == 3 && foldEqual(tail, "%2b")
}

// maxTail is the longest tail that is looked at, in bytes. Four characters of
// three bytes each, percent-encoded, are 36.
const maxTail = 64

// isPunctuation says whether a tail consists of punctuation only, the kind
// that stands behind a link in a text and that software takes for a part of it:
// ").", "”", "。" and so on, plain or percent-encoded, in valid UTF-8. An
// encoded letter, digit or slash is a spelling of some other path.
func isPunctuation(tail []byte) bool {
	if len(tail) == 0 || len(tail) > maxTail {
		return false
	}
	var buf [maxTail]byte
	text := buf[:0]
	for i := 0; i < len(tail); i++ {
		c := tail[i]
		if c == '%' {
			if i+2 >= len(tail) {
				return false
			}
			high, low := unhex(tail[i+1]), unhex(tail[i+2])
			if high > 15 || low > 15 {
				return false
			}
			c = high<<4 | low
			i += 2
		}
		text = append(text, c)
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError || !unicode.IsPunct(r) && !unicode.IsSymbol(r) {
			return false
		}
		text = text[size:]
	}
	return true
}

// unhex is the value of a hexadecimal digit; 255 when c is none.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// trimDashes cuts the '-' and '_' at a slug's end off, which may be the text's
// and not the slug's: "_https://go.example/8WEtk2a_".
func trimDashes(slug []byte) []byte { return bytes.TrimRight(slug, "-_") }
