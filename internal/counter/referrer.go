package counter

import (
	"bytes"
	"net/netip"
)

// maxReferrer is the length of the longest host that ReferrerHost returns, in
// bytes. Real hosts are shorter; DNS would allow 253.
const maxReferrer = 100

// ReferrerHost returns the host of the page that a Referer header names, as a
// dashboard shows it: in lower case, without port, user info and trailing dot,
// and without a leading "www.", because nobody means two sites by the two
// spellings. Other subdomains stay: l.facebook.com and m.facebook.com are
// different doors of one house, and grouping them is the reader's choice.
//
// Apps name themselves as android-app://com.google.android.gm/ and
// ios-app://544007664/; of them the package name or number is returned.
// International names stay in punycode, as browsers send them: one spelling,
// and no letters that look like others. Of a host of more than 100 bytes the
// last labels are returned, which hold the site.
//
// The result is empty when there is no referrer, or none of these forms: the
// set of values is whatever visitors send, but each is an IPv6 address or made
// of ASCII letters, digits, '-', '_' and '.' only. Referrer is borrowed.
func ReferrerHost(referrer []byte) string {
	var buf [maxReferrer]byte
	return string(appendReferrerHost(buf[:0], referrer))
}

// appendReferrerHost appends ReferrerHost(referrer), at most maxReferrer bytes,
// to dst.
func appendReferrerHost(dst, referrer []byte) []byte {
	scheme, rest, ok := bytes.Cut(referrer, []byte("://"))
	if !ok {
		return dst
	}
	page := false
	switch {
	case bytes.EqualFold(scheme, []byte("https")), bytes.EqualFold(scheme, []byte("http")):
		page = true
	case bytes.EqualFold(scheme, []byte("android-app")), bytes.EqualFold(scheme, []byte("ios-app")):
	default:
		return dst
	}
	host := rest
	if end := bytes.IndexAny(host, `/\?#`); end >= 0 { // browsers read '\' as '/'
		host = host[:end]
	}
	host = host[bytes.LastIndexByte(host, '@')+1:]

	if len(host) > 0 && host[0] == '[' {
		return appendIPv6Host(dst, host)
	}
	if colon := bytes.IndexByte(host, ':'); colon >= 0 {
		if !portOnly(host[colon+1:]) {
			return dst
		}
		host = host[:colon]
	}
	host = bytes.TrimSuffix(host, []byte("."))
	if !hostName(host) {
		return dst
	}
	if page && len(host) > 4 && bytes.EqualFold(host[:4], []byte("www.")) && bytes.IndexByte(host[4:], '.') >= 0 {
		host = host[4:]
	}
	for len(host) > maxReferrer {
		host = host[bytes.IndexByte(host, '.')+1:] // a label is shorter than maxReferrer
	}
	for _, c := range host {
		dst = append(dst, lowerByte(c))
	}
	return dst
}

// appendIPv6Host appends the address of a host in brackets, with or without a
// port, and nothing when it is none.
func appendIPv6Host(dst, host []byte) []byte {
	inside, port, ok := bytes.Cut(host[1:], []byte("]"))
	if !ok || len(inside) > 45 || len(port) > 0 && (port[0] != ':' || !portOnly(port[1:])) {
		return dst
	}
	addr, err := netip.ParseAddr(string(inside))
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return dst
	}
	return addr.AppendTo(dst)
}

// portOnly says whether b is a port, which may be empty.
func portOnly(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) <= 5
}

// hostName says whether b is labels of 1 to 63 letters, digits, '-' and '_',
// with dots between them, at most 253 bytes. DNS has no '_' in host names, but
// the web has.
func hostName(b []byte) bool {
	if len(b) > 253 {
		return false
	}
	label := 0
	for _, c := range b {
		switch {
		case c == '.' && label > 0:
			label = 0
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			if label++; label > 63 {
				return false
			}
		default:
			return false
		}
	}
	return label > 0
}

// lowerByte is the lower-case form of an ASCII letter, and any other byte itself.
func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
