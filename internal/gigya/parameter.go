package gigya

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a request's parameters. Those of the sharing methods are a dozen, and the
// longest is a UserAction of a few kilobytes.
const (
	maxParameters = 500
	maxName       = 256       // bytes, decoded
	maxValue      = 256 << 10 // bytes, decoded
)

// parameter is a pair as it came, decoded and with its own spelling: the signature
// covers both.
type parameter struct {
	name, value string
}

// parameters are those of one request. Methods read them by name in any case. An empty
// value is as good as none, except under the signature.
type parameters struct {
	list  []parameter // in the order of arrival: the query, then the body
	names map[string]int
	named []values // those with a value
}

// values is what one name stands for.
type values struct {
	spelling string
	first    string
	more     []string
}

// parseParameters reads the forms of a request, the query first. After an error the
// parameters hold what was read until then, so that the answer can take the form that
// was asked for.
func parseParameters(forms ...string) (*parameters, error) {
	p := new(parameters)
	n := len(forms)
	for _, form := range forms {
		n += strings.Count(form, "&")
	}
	p.list = make([]parameter, 0, min(n, maxParameters))
	var failed error
	for _, form := range forms {
		if failed = p.parse(form); failed != nil {
			break
		}
	}
	if err := p.index(); failed == nil {
		failed = err
	}
	return p, failed
}

// parse appends the pairs of one form. Unlike net/url it takes ';' for the character
// that it is: clients send it raw.
func (p *parameters) parse(form string) error {
	for form != "" {
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		if pair == "" {
			continue
		}
		if len(p.list) == maxParameters {
			return faultf(codeFormat, "There are more than %d parameters.", maxParameters)
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, ok := unescape(rawName)
		if !ok {
			return faultf(codeFormat, "The name of parameter %d is not percent-encoded UTF-8.", len(p.list)+1)
		}
		switch {
		case len(name) > maxName:
			return faultf(codeFormat, "The name of parameter %d is longer than %d bytes.", len(p.list)+1, maxName)
		case strings.ContainsAny(name, "&="):
			// Names stand bare in the base string: with these, one signature would fit
			// several lists of parameters.
			return faultf(codeFormat, "The name of parameter %d contains '&' or '='.", len(p.list)+1)
		}
		value, ok := unescape(rawValue)
		if !ok {
			return faultf(codeFormat, "The value of %s is not percent-encoded UTF-8.", quote(name))
		}
		if len(value) > maxValue {
			return faultf(codeTooLarge, "The value of %s is longer than %d bytes.", quote(name), maxValue)
		}
		p.list = append(p.list, parameter{name, value})
	}
	return nil
}

// index makes the parameters readable by name. One name in two spellings is refused:
// which of them was meant cannot be told. Several values of one spelling are joined
// with commas when they are read, which makes a list of them.
func (p *parameters) index() error {
	var failed error
	p.names = make(map[string]int, len(p.list))
	p.named = make([]values, 0, len(p.list))
	for _, pair := range p.list {
		key := lower(pair.name)
		at, known := p.names[key]
		if !known {
			p.names[key] = len(p.named)
			p.named = append(p.named, values{spelling: pair.name, first: pair.value})
			continue
		}
		v := &p.named[at]
		switch {
		case v.spelling != pair.name:
			if failed == nil {
				failed = faultf(codeValue, "The parameter %s also came as %s; send one of them.", quote(v.spelling), quote(pair.name))
			}
		case v.first == "":
			v.first = pair.value
		case pair.value != "" && pair.value != v.first:
			v.more = append(v.more, pair.value)
		}
	}
	return failed
}

// get is the value of a parameter, whose name is given in lower case; empty when it is
// absent.
func (p *parameters) get(name string) string {
	at, known := p.names[name]
	if !known {
		return ""
	}
	v := p.named[at]
	if v.more == nil {
		return v.first
	}
	return strings.Join(slices.Concat([]string{v.first}, v.more), ",")
}

// unescape decodes a name or a value of a form. It is not ok when the encoding is
// malformed or the result is not UTF-8.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, utf8.ValidString(s)
	}
	decoded := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			decoded = append(decoded, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			high, low := unhex[s[i+1]], unhex[s[i+2]]
			if high < 0 || low < 0 {
				return "", false
			}
			decoded = append(decoded, byte(high)<<4|byte(low))
			i += 2
		default:
			decoded = append(decoded, c)
		}
	}
	return string(decoded), utf8.Valid(decoded)
}

// unhex is the value of a hexadecimal digit, -1 for other bytes.
var unhex = func() (table [256]int8) {
	for c := range table {
		table[c] = -1
		if at := strings.IndexByte("0123456789abcdef", byte(c)); at >= 0 {
			table[c] = int8(at)
		} else if at := strings.IndexByte("ABCDEF", byte(c)); at >= 0 {
			table[c] = int8(10 + at)
		}
	}
	return table
}()

// lower is s with the letters of ASCII in lower case. Other letters stay: the Kelvin
// sign is no k.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
