package redirect

import (
	"bytes"

	"herald.example/internal/link"
)

// evidence reads, in one pass over a request's raw header lines, what the
// ledger wants to know beside the agent: the flags that speak of machines and
// of privacy, and the referrer. referrer is a part of raw.
//
// It reads the raw lines instead of asking fasthttp for each name, which would
// search all headers six times, or iterating over them, which parses cookies.
func evidence(raw []byte) (flags link.Flags, referrer []byte) {
	for len(raw) > 0 {
		line := raw
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			line, raw = raw[:i], raw[i+1:]
		} else {
			raw = nil
		}
		if len(line) < len("dnt:1") {
			continue
		}
		// Few headers begin with one of these letters, and fewer have their
		// colon in the right place.
		switch line[0] | 0x20 {
		case 'r':
			if v, ok := valueOf(line, "referer"); ok && referrer == nil {
				referrer = v
			}
		case 's':
			if v, ok := valueOf(line, "sec-purpose"); ok {
				if contains(v, "prefetch") || contains(v, "prerender") {
					flags |= link.FlagSecPurpose
				}
			} else if v, ok := valueOf(line, "sec-gpc"); ok && string(v) == "1" {
				flags |= link.FlagPrivate
			}
		case 'p':
			if v, ok := valueOf(line, "purpose"); ok && speculative(v) {
				flags |= link.FlagPurpose
			}
		case 'x':
			if v, ok := valueOf(line, "x-moz"); ok {
				if contains(v, "prefetch") {
					flags |= link.FlagXMoz
				}
			} else if v, ok := valueOf(line, "x-purpose"); ok && speculative(v) {
				flags |= link.FlagPurpose
			}
		case 'd':
			if v, ok := valueOf(line, "dnt"); ok && string(v) == "1" {
				flags |= link.FlagPrivate
			}
		}
	}
	return flags, referrer
}

// speculative says whether a Purpose means that nobody is looking yet.
func speculative(v []byte) bool { return contains(v, "prefetch") || contains(v, "preview") }

// valueOf returns the value of a header line when its name, given in lower
// case, is the one asked for.
func valueOf(line []byte, name string) (value []byte, ok bool) {
	if len(line) <= len(name) || line[len(name)] != ':' || !foldEqual(line[:len(name)], name) {
		return nil, false
	}
	return trimSpace(line[len(name)+1:]), true
}

// trimSpace cuts the white space that may surround a header's value.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 {
		if c := b[len(b)-1]; c != ' ' && c != '\t' && c != '\r' {
			break
		}
		b = b[:len(b)-1]
	}
	return b
}

// foldEqual compares without regard to the case of ASCII letters; lower is in
// lower case.
func foldEqual(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// contains says whether word, in lower case, is in v in any case.
func contains(v []byte, word string) bool {
	for ; len(v) >= len(word); v = v[1:] {
		if foldEqual(v[:len(word)], word) {
			return true
		}
	}
	return false
}
