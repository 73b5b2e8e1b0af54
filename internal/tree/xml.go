package tree

import (
	"strings"
	"unicode/utf8"
)

// AppendXML appends a value as an element. The entries of a list are elements inside
// it, named in the singular; numbers and booleans are text.
func AppendXML(dst []byte, name string, v any) []byte {
	dst = append(append(append(dst, '<'), name...), '>')
	dst = AppendContent(dst, name, v)
	return append(append(append(dst, '<', '/'), name...), '>')
}

// AppendContent appends what stands inside the element of a name.
func AppendContent(dst []byte, name string, v any) []byte {
	switch v := v.(type) {
	case Object:
		for _, m := range v {
			dst = AppendXML(dst, m.Key, m.Value)
		}
		return dst
	case List:
		entry := Singular(name)
		for _, e := range v {
			dst = AppendXML(dst, entry, e)
		}
		return dst
	case string:
		return appendText(dst, v)
	default:
		return appendScalar(dst, v)
	}
}

// Singular is the name of what a list of that name holds.
func Singular(name string) string {
	if stem, found := strings.CutSuffix(name, "ies"); found {
		return stem + "y"
	}
	return strings.TrimSuffix(name, "s")
}

// appendText appends s as the text of an element. Characters that cannot stand in XML
// 1.0, which are most control characters, and what is not UTF-8 become U+FFFD.
func appendText(dst []byte, s string) []byte {
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
