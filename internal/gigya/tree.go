package gigya

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A reply is a tree in a fixed order, rendered as JSON, JSONP or XML. A value is an
// object, a list, a string, an int, an int64, a bool or a float64.
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

// appendJSON appends v as compact JSON. In a script what could end or break the script
// is escaped.
func appendJSON(dst []byte, v any, script bool) []byte {
	switch v := v.(type) {
	case object:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendJSONString(dst, m.key, script), ':')
			dst = appendJSON(dst, m.value, script)
		}
		return append(dst, '}')
	case list:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e, script)
		}
		return append(dst, ']')
	case string:
		return appendJSONString(dst, v, script)
	default:
		return append(dst, scalar(v)...)
	}
}

// scalar is a number or a boolean, which JSON and XML write alike.
func scalar(v any) string {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		panic(fmt.Sprintf("BUG: %T in a reply", v))
	}
}

const lowerHex = "0123456789abcdef"

// appendJSONString appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendJSONString(dst []byte, s string, script bool) []byte {
	dst = append(dst, '"')
	for _, r := range s { // an invalid byte arrives as U+FFFD
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r < ' ', r == 0x7F, script && (r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029'):
			dst = append(dst, '\\', 'u', lowerHex[r>>12], lowerHex[r>>8&0xF], lowerHex[r>>4&0xF], lowerHex[r&0xF])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// appendXML appends the content of an element. The entries of a list are elements
// inside it, named in the singular; numbers and booleans are text.
func appendXML(dst *strings.Builder, name string, v any) {
	switch v := v.(type) {
	case object:
		for _, m := range v {
			appendElement(dst, m.key, m.value)
		}
	case list:
		for _, e := range v {
			appendElement(dst, singular(name), e)
		}
	case string:
		_ = xml.EscapeText(dst, []byte(v)) // a strings.Builder takes all
	default:
		dst.WriteString(scalar(v))
	}
}

// singular is the name of one of many.
func singular(name string) string {
	if stem, found := strings.CutSuffix(name, "ies"); found {
		return stem + "y"
	}
	return strings.TrimSuffix(name, "s")
}

// appendElement appends an element.
func appendElement(dst *strings.Builder, name string, v any) {
	fmt.Fprintf(dst, "<%s>", name)
	appendXML(dst, name, v)
	fmt.Fprintf(dst, "</%s>", name)
}
