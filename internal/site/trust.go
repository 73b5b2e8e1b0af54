package site

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Trusts says whether one of the patterns lets a URL be shared.
//
// A pattern is "*", which stands for every http and https URL, or a host and a path
// without scheme, such as example.com/* or *.example.com/shop/*. Hosts are compared
// as the network knows them, in lower case and in IDNA's ASCII form; a leading "*."
// stands for one or more labels, so it does not match the bare domain. A port counts
// only where the pattern has one. A "*" in the path stands for anything, other
// slashes too; no path is "/*". Paths are compared decoded and with their case. The
// query counts only where the pattern has one.
//
// The URL is parsed first. One with user info is never trusted, nor one that
// browsers and servers may read differently: with a backslash before its query, and
// with dot segments where the pattern holds the path to anything. Patterns that are
// malformed match nothing.
func Trusts(patterns []string, rawURL string) bool {
	u, ok := parseShared(rawURL)
	if !ok {
		return false
	}
	for _, text := range patterns {
		if p, err := parsePattern(text); err == nil && p.matches(u) {
			return true
		}
	}
	return false
}

// sharedURL is a URL as patterns see it.
type sharedURL struct {
	host   string // canonical
	port   uint16
	path   string // decoded
	dotted bool   // the path has dot segments
	query  string // as it is
}

// parseShared reads a URL that is to be shared. What cannot be trusted whatever the
// patterns is not ok.
func parseShared(rawURL string) (s sharedURL, ok bool) {
	before := rawURL
	if i := strings.IndexAny(rawURL, "?#"); i >= 0 {
		before = rawURL[:i]
	}
	// Browsers take a backslash for a slash.
	if !utf8.ValidString(rawURL) || strings.Contains(before, `\`) {
		return s, false
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.User != nil || u.Opaque != "" || u.Host == "" {
		return s, false
	}
	switch u.Scheme {
	case "http":
		s.port = 80
	case "https":
		s.port = 443
	default:
		return s, false
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return s, false
		}
		s.port = uint16(n)
	}
	if s.host, ok = canonicalHost(u.Hostname()); !ok {
		return s, false
	}
	s.path, s.query = u.Path, u.RawQuery
	if s.path == "" {
		s.path = "/"
	}
	for segment := range strings.SplitSeq(s.path, "/") {
		s.dotted = s.dotted || segment == "." || segment == ".."
	}
	return s, true
}

// toASCII is the mapping of hosts that browsers use (UTS #46, not transitional): also
// hosts with an underscore or with hyphens where IDNA has its mark are looked up.
var toASCII = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))

// canonicalHost is the one spelling of a host: an address, or a name in lower case
// and ASCII without the last dot.
func canonicalHost(host string) (string, bool) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), addr.Zone() == ""
	}
	host, err := toASCII.ToASCII(host)
	host = strings.TrimSuffix(host, ".")
	return host, err == nil && isHost(host)
}

// isHost says whether s is a name of hosts in its canonical spelling.
func isHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// pattern is a parsed pattern.
type pattern struct {
	all       bool   // "*"; nothing below is set
	below     bool   // names below host, not host itself
	host      string // canonical
	port      uint16 // 0: any
	path      string // decoded
	query     string
	hasQuery  bool
	spelledAs string // path and query as they are written
}

// maxPattern is the longest pattern, in bytes.
const maxPattern = 1 << 10

// parsePattern reads a pattern. The error says what is wrong, to stand behind the
// pattern in a sentence.
func parsePattern(text string) (p pattern, err error) {
	switch {
	case text == "*":
		return pattern{all: true}, nil
	case len(text) > maxPattern:
		return p, errors.New("is too long")
	case strings.Contains(text, "://"):
		return p, errors.New("has a scheme; leave it out, http and https are alike")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		return p, errors.New("is no single word of text")
	case strings.ContainsAny(text, `@\#`):
		return p, errors.New("holds a character that no pattern has: '@', '#' or a backslash")
	}
	host, path, found := strings.Cut(text, "/")
	p.spelledAs = "/" + path
	if !found {
		p.spelledAs = "/*"
	}
	path, p.query, p.hasQuery = strings.Cut(p.spelledAs, "?")
	if p.path, err = url.PathUnescape(path); err != nil {
		return p, errors.New("has a '%' in its path that encodes nothing")
	}
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		port, err := strconv.ParseUint(host[i+1:], 10, 16)
		if err != nil || port == 0 {
			return p, errors.New("has a port that is none")
		}
		host, p.port = host[:i], uint16(port)
	}
	host, p.below = strings.CutPrefix(host, "*.")
	if inside, found := strings.CutPrefix(host, "["); found {
		host = strings.TrimSuffix(inside, "]")
	}
	var ok bool
	if p.host, ok = canonicalHost(host); !ok {
		return p, errors.New("has no good host; give a pattern such as example.com/* or *.example.com/*, or * for all")
	}
	if _, err := netip.ParseAddr(p.host); err == nil && p.below {
		return p, errors.New("speaks of names below an address")
	}
	return p, nil
}

// String is the one spelling of the pattern.
func (p pattern) String() string {
	if p.all {
		return "*"
	}
	var b strings.Builder
	if p.below {
		b.WriteString("*.")
	}
	if strings.Contains(p.host, ":") {
		b.WriteString("[" + p.host + "]")
	} else {
		b.WriteString(p.host)
	}
	if p.port != 0 {
		b.WriteString(":" + strconv.Itoa(int(p.port)))
	}
	b.WriteString(p.spelledAs)
	return b.String()
}

// matches says whether the pattern lets a URL be shared.
func (p pattern) matches(u sharedURL) bool {
	if p.all {
		return true
	}
	host := u.host == p.host
	if p.below {
		host = strings.HasSuffix(u.host, "."+p.host)
	}
	return host && (p.port == 0 || p.port == u.port) &&
		(p.path == "/*" || !u.dotted && glob(p.path, u.path)) &&
		(!p.hasQuery || glob(p.query, u.query))
}

// glob says whether text is pattern with something, or nothing, in place of each
// "*". It takes time in proportion to the text for each "*".
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	for _, part := range parts[1:last] {
		if !ok {
			break
		}
		_, text, ok = strings.Cut(text, part)
	}
	return ok && strings.HasSuffix(text, parts[last])
}
