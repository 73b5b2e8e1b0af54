package redirect

import (
	"bytes"
	"net/netip"
	"unsafe"
)

// Visitor returns the address that a request came from: the peer's or, when the
// peer is a trusted proxy, the one that the proxy tells in the lines of the
// request's headers, each of which ends in "\n". It is for servers beside the
// redirect that believe the same proxies.
func Visitor(lines []byte, peer netip.Addr, trusted []netip.Prefix) netip.Addr {
	if !contained(peer, trusted) {
		return peer
	}
	return visitor(lines, peer, trusted)
}

// visitor returns the visitor's address as trusted proxies tell it, in
// X-Forwarded-For or, when that is absent, in Forwarded (RFC 7239).
//
// Each proxy appends the address that it was called from, so the chain is read
// from its right end, and the first address that is no trusted proxy's is the
// visitor's: what stands left of it is the visitor's own invention. An entry
// that is no address (unknown, _obfuscated, garbage) ends the walk at the last
// good one, which at first is the peer.
//
// X-Forwarded-For wins because nearly every proxy sets it. A proxy that sets
// Forwarded only must remove what visitors send in the other.
func visitor(raw []byte, peer netip.Addr, trusted []netip.Prefix) netip.Addr {
	last, found := walk(raw, "x-forwarded-for", peer, trusted)
	if !found {
		last, _ = walk(raw, "forwarded", peer, trusted)
	}
	return last
}

// walk reads the chain of one header, whose lines, as RFC 9110 has it, are one
// list in their order. found says whether the header is there at all.
func walk(raw []byte, name string, last netip.Addr, trusted []netip.Prefix) (addr netip.Addr, found bool) {
	for len(raw) > 0 {
		raw = bytes.TrimSuffix(raw, []byte("\n"))
		start := bytes.LastIndexByte(raw, '\n') + 1
		line := raw[start:]
		raw = raw[:start]
		list, ok := valueOf(line, name)
		if !ok {
			continue
		}
		found = true
		for len(list) > 0 {
			var entry []byte
			list, entry = lastEntry(list)
			if name == "forwarded" {
				entry = forOf(entry)
			}
			a, ok := parseNode(entry)
			if !ok {
				return last, true
			}
			if last = a; !contained(a, trusted) {
				return last, true
			}
		}
	}
	return last, found
}

// lastEntry splits the last element off a comma-separated list. A comma in a
// quoted string separates nothing.
func lastEntry(list []byte) (rest, entry []byte) {
	quoted := false
	for i := len(list) - 1; i >= 0; i-- {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			return list[:i], trimSpace(list[i+1:])
		}
	}
	return nil, trimSpace(list)
}

// forOf returns the value of the parameter "for" of an element of Forwarded;
// nil when there is none.
func forOf(element []byte) []byte {
	for len(element) > 0 {
		pair := element
		if i := bytes.IndexByte(element, ';'); i >= 0 {
			pair, element = element[:i], element[i+1:]
		} else {
			element = nil
		}
		pair = trimSpace(pair)
		if len(pair) > len("for=") && pair[3] == '=' && foldEqual(pair[:3], "for") {
			return pair[4:]
		}
	}
	return nil
}

// longestNode is the longest spelling of an address that is looked at:
// "[" 45 bytes of IPv6 "]:" port, in quotes.
const longestNode = 64

// parseNode parses an address as proxies write them: IPv4 or IPv6, with or
// without brackets, a port and double quotes. Zones are refused.
func parseNode(b []byte) (netip.Addr, bool) {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		b = b[1 : len(b)-1]
	}
	if len(b) == 0 || len(b) > longestNode || bytes.IndexByte(b, '%') >= 0 {
		return netip.Addr{}, false
	}
	bracketed := b[0] == '['
	switch {
	case bracketed:
		end := bytes.IndexByte(b, ']')
		if end < 0 || !optionalPort(b[end+1:]) {
			return netip.Addr{}, false
		}
		b = b[1:end]
	default:
		if i := bytes.IndexByte(b, ':'); i >= 0 && i == bytes.LastIndexByte(b, ':') { // one colon: a port
			if !optionalPort(b[i:]) {
				return netip.Addr{}, false
			}
			b = b[:i]
		}
	}
	if len(b) == 0 {
		return netip.Addr{}, false
	}
	// The string is seen by ParseAddr only: it keeps it in errors, which are
	// dropped here, and in zones, which are refused above.
	a, err := netip.ParseAddr(unsafe.String(&b[0], len(b)))
	if err != nil || bracketed && !a.Is6() {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// optionalPort says whether b is empty or a colon and one to five digits, or,
// as RFC 7239 allows, an obfuscated port: a colon, '_' and anything.
func optionalPort(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if b[0] != ':' || len(b) < 2 {
		return false
	}
	if b[1] == '_' {
		return true
	}
	for _, c := range b[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) <= 6
}

func contained(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
