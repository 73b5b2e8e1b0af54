package oneall

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An answer is a tree in a fixed order, rendered as JSON or as XML. A value is an
// object, a list, a string, an int, a uint64 or a bool.
type (
	object []member
	list   []any
	member struct {
		key   string // the name of an XML element too
		value any
	}
)

// with returns o with one more member when set is true.
func (o object) with(set bool, key string, value any) object {
	if set {
		return append(o, member{key, value})
	}
	return o
}

// withText returns o with one more member unless text is empty.
func (o object) withText(key, text string) object { return o.with(text != "", key, text) }

// appendJSON appends v as compact JSON.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendJSONString(dst, m.key), ':')
			dst = appendJSON(dst, m.value)
		}
		return append(dst, '}')
	case list:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e)
		}
		return append(dst, ']')
	case string:
		return appendJSONString(dst, v)
	default:
		return appendScalar(dst, v)
	}
}

// appendScalar appends a number or a boolean, which JSON and XML write alike.
func appendScalar(dst []byte, v any) []byte {
	switch v := v.(type) {
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case bool:
		return strconv.AppendBool(dst, v)
	default:
		panic(fmt.Sprintf("BUG: %T in an answer", v))
	}
}

const hex = "0123456789abcdef"

// appendJSONString appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0 // bytes of s that are in dst
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[done:i]...), "\uFFFD"...)
				done = i + size
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7F {
			i++
			continue
		}
		dst = append(dst, s[done:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
		}
		i++
		done = i
	}
	return append(append(dst, s[done:]...), '"')
}

// appendXML appends v as an element. The entries of a list are elements inside it,
// named in the singular; numbers and booleans are text.
func appendXML(dst []byte, name string, v any) []byte {
	dst = append(append(append(dst, '<'), name...), '>')
	switch v := v.(type) {
	case object:
		for _, m := range v {
			dst = appendXML(dst, m.key, m.value)
		}
	case list:
		entry := singular(name)
		for _, e := range v {
			dst = appendXML(dst, entry, e)
		}
	case string:
		dst = appendXMLText(dst, v)
	default:
		dst = appendScalar(dst, v)
	}
	return append(append(append(dst, '<', '/'), name...), '>')
}

// singular is the name of what a list of that name holds.
func singular(name string) string {
	if stem, found := strings.CutSuffix(name, "ies"); found {
		return stem + "y"
	}
	return strings.TrimSuffix(name, "s")
}

// appendXMLText appends s as the text of an element. Characters that cannot stand in
// XML 1.0, which are most control characters, and what is not UTF-8 become U+FFFD.
func appendXMLText(dst []byte, s string) []byte {
	for _, r := range s { // an invalid byte arrives as U+FFFD
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>': // for "]]>"
			dst = append(dst, "&gt;"...)
		case r == '\r': // a bare one would be read as a line feed
			dst = append(dst, "&#13;"...)
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
			dst = append(dst, "\uFFFD"...)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
