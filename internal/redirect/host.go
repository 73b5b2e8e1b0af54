package redirect

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"herald.example/internal/link"
)

// domains finds the domain that a request speaks to.
type domains struct {
	bases  []link.Base
	byHost map[string]uint16
}

// maxBases is what the cache's entries have room for.
const maxBases = 1 << 16

func newDomains(bases []link.Base) (*domains, error) {
	if len(bases) == 0 || len(bases) > maxBases {
		return nil, fmt.Errorf("%d short bases: give 1 to %d", len(bases), maxBases)
	}
	d := &domains{byHost: make(map[string]uint16)}
	for i, b := range bases {
		domain, err := link.CheckDomain(b.Domain)
		if err != nil {
			return nil, fmt.Errorf("short base %q: %w", b.URL, err)
		}
		u, err := url.Parse(b.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("short base %q: want a URL like https://go.example.com", b.URL)
		}
		if _, twice := d.byHost[domain]; twice {
			return nil, fmt.Errorf("short base %q: the domain %s has one already", b.URL, domain)
		}
		d.byHost[domain] = uint16(i)
		d.bases = append(d.bases, link.Base{Domain: domain, URL: strings.TrimSuffix(b.URL, "/")})
	}
	return d, nil
}

// find returns the index of the base that a Host header names: 0, the default,
// when it is one that we do not know. ok is false when it is malformed.
//
// Nearly every request names a domain as it is configured, or a server that has
// only one: the first comparison settles that.
func (d *domains) find(host []byte) (index uint16, ok bool) {
	if string(host) == d.bases[0].Domain {
		return 0, true
	}
	name, ok := hostName(host)
	if !ok {
		return 0, false
	}
	if len(d.bases) == 1 {
		return 0, true
	}
	var lower [maxHost]byte
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	return d.byHost[string(lower[:len(name)])], true
}

// maxHost is the length of the longest DNS name, with a dot at its end.
const maxHost = 254

// hostName cuts the port, the brackets and the final dot off a Host header. ok
// is false when the rest cannot be a host: RFC 9112 wants a 400 then. An empty
// host is none, which only HTTP/1.0 may leave out, and is fine.
func hostName(host []byte) (name []byte, ok bool) {
	name = host
	if len(name) > 0 && name[0] == '[' {
		end := bytes.IndexByte(name, ']')
		if end < 0 || !optionalPort(name[end+1:]) {
			return nil, false
		}
		name = name[1:end]
		for _, c := range name {
			if !hostByte(c) && c != ':' {
				return nil, false
			}
		}
		return name, len(name) > 0 && len(name) <= maxHost
	}
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		if i+1 < len(name) && !optionalPort(name[i:]) {
			return nil, false
		}
		name = name[:i]
		if len(name) == 0 {
			return nil, false
		}
	}
	for _, c := range name {
		if !hostByte(c) {
			return nil, false
		}
	}
	return bytes.TrimSuffix(name, []byte(".")), len(name) <= maxHost
}

// hostByte says whether c may stand in a registered name. Underscores are no
// part of host names, but of names that are in use.
func hostByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_'
}

// splitAbsolute splits an absolute-form request target into host and path;
// the path begins with '/'. ok is false when it is none.
func splitAbsolute(target []byte) (host, path []byte, ok bool) {
	i := bytes.Index(target, []byte("://"))
	if i < 0 || !foldEqual(target[:i], "http") && !foldEqual(target[:i], "https") {
		return nil, nil, false
	}
	rest := target[i+3:]
	end := bytes.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, path = rest[:end], rest[end:]
	if len(path) == 0 || path[0] != '/' {
		path = []byte("/") // a query without a path: nobody's slug
	}
	return host, path, len(host) > 0
}
