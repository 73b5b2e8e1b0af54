package tree

import "unicode/utf8"

// AppendJSON appends a value as compact JSON. What is not UTF-8 becomes U+FFFD.
func AppendJSON(dst []byte, v any) []byte { return appendJSON(dst, v, false) }

// AppendScript appends a value as AppendJSON does, to stand in a script: what could end
// or break a script is escaped.
func AppendScript(dst []byte, v any) []byte { return appendJSON(dst, v, true) }

func appendJSON(dst []byte, v any, script bool) []byte {
	switch v := v.(type) {
	case Object:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, m.Key, script), ':')
			dst = appendJSON(dst, m.Value, script)
		}
		return append(dst, '}')
	case List:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e, script)
		}
		return append(dst, ']')
	case string:
		return appendString(dst, v, script)
	default:
		return appendScalar(dst, v)
	}
}

const hex = "0123456789abcdef"

// appendString appends s as a JSON string.
func appendString(dst []byte, s string, script bool) []byte {
	dst = append(dst, '"')
	done := 0 // bytes of s that are in dst
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if escaped(r, size, script) {
			dst = appendEscaped(append(dst, s[done:i]...), r)
			done = i + size
		}
		i += size
	}
	return append(append(dst, s[done:]...), '"')
}

// escaped says whether a character of so many bytes cannot stand as it is.
func escaped(r rune, size int, script bool) bool {
	switch r {
	case '"', '\\', 0x7F:
		return true
	case '<', '>', '&', '\u2028', '\u2029':
		return script
	case utf8.RuneError:
		return size == 1 // a byte that is no UTF-8
	}
	return r < ' '
}

// appendEscaped appends a character that cannot stand as it is.
func appendEscaped(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case utf8.RuneError:
		return utf8.AppendRune(dst, r)
	}
	return append(dst, '\\', 'u', hex[r>>12], hex[r>>8&0xF], hex[r>>4&0xF], hex[r&0xF])
}
