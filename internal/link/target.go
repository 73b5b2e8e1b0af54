package link

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxTarget is the length of the longest target, in bytes.
const MaxTarget = 8 << 10

// CheckTarget holds a target against the rules: an absolute http or https URL
// with a host and without user info, at most MaxTarget bytes of UTF-8 without
// spaces and control characters. What follows the host is not looked into: a
// stray '%' or a backslash there is the visitor's browser's to judge. A target
// that passes is kept byte for byte.
func CheckTarget(target string) error {
	if len(target) > MaxTarget {
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTarget, len(target), MaxTarget)
	}
	if !utf8.ValidString(target) {
		return fmt.Errorf("%w: it is not valid UTF-8", ErrTarget)
	}
	for i, r := range target {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return fmt.Errorf("%w: control character or space %U at byte %d; percent-encode it", ErrTarget, r, i)
		}
	}
	u, err := url.Parse(origin(target))
	if err != nil {
		if parse, ok := errors.AsType[*url.Error](err); ok {
			err = parse.Err // without the target, which is the caller's anyway
		}
		return fmt.Errorf("%w: %w", ErrTarget, err)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: give an absolute URL that starts with http:// or https://", ErrTarget)
	case u.Opaque != "" || u.Hostname() == "":
		return fmt.Errorf("%w: it has no host", ErrTarget)
	case strings.ContainsAny(u.Host, `<>"`): // net/url lets them pass, browsers do not
		return fmt.Errorf("%w: invalid character in the host", ErrTarget)
	case u.User != nil:
		return fmt.Errorf("%w: user info before the host is not allowed", ErrTarget)
	}
	return nil
}

// origin is the part of a URL that the rules speak of: everything before its
// path, query and fragment. Without "://" it is the whole.
func origin(target string) string {
	before, after, found := strings.Cut(target, "://")
	if !found {
		return target
	}
	if end := strings.IndexAny(after, "/?#"); end >= 0 {
		return target[:len(before)+len("://")+end]
	}
	return target
}

// Lengths of a host name and of its labels, in bytes (RFC 1035, section 2.3.4).
const (
	maxHost  = 253
	maxLabel = 63
)

// CheckDomain returns host as links carry it: lower case, without port. It
// wants a DNS name of ASCII letters, digits, '-' and '.', or an IP address
// (IPv6 with or without brackets, in brackets when a port follows). The answer
// is the only spelling: CheckDomain returns it as it is.
func CheckDomain(host string) (string, error) {
	bad := func() (string, error) {
		return "", fmt.Errorf("%w: %q; give a host name such as go.example.com", ErrDomain, host)
	}
	name, port, bracketed := host, "", false
	if inside, found := strings.CutPrefix(host, "["); found {
		name, port, bracketed = strings.Cut(inside, "]")
		if !bracketed {
			return bad()
		}
	} else if i := strings.IndexByte(host, ':'); i >= 0 && strings.LastIndexByte(host, ':') == i {
		name, port = host[:i], host[i:]
	}
	if !checkPort(port) {
		return bad()
	}
	addr, err := netip.ParseAddr(name)
	switch {
	case err == nil && (addr.Is6() || !bracketed):
		return addr.WithZone("").String(), nil
	case err == nil || bracketed:
		return bad()
	}
	name = strings.TrimSuffix(name, ".")
	if len(name) > maxHost {
		return bad()
	}
	for label := range strings.SplitSeq(name, ".") {
		if !checkLabel(label) {
			return bad()
		}
	}
	return strings.ToLower(name), nil
}

// checkPort accepts nothing, a lone colon, and a colon with a port number.
func checkPort(port string) bool {
	if port == "" || port == ":" {
		return true
	}
	digits, found := strings.CutPrefix(port, ":")
	_, err := strconv.ParseUint(digits, 10, 16)
	return found && err == nil
}

// checkLabel holds one part of a host name against the rules.
func checkLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; c == '_' || !slugByte(c) {
			return false
		}
	}
	return true
}
