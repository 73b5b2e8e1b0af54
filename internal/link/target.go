package link

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxTarget is the length of the longest target, in bytes.
const MaxTarget = 8 << 10

// CheckTarget holds a target against the rules: an absolute http or https URL
// with a host and without user info, at most MaxTarget bytes of UTF-8 without
// spaces and control characters. A target that passes is kept byte for byte.
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
	u, err := url.Parse(target)
	if err != nil {
		// url.Error repeats the target, which may be long and is the caller's anyway.
		return fmt.Errorf("%w: %s", ErrTarget, strings.TrimPrefix(err.Error(), fmt.Sprintf("parse %q: ", target)))
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: give an absolute URL that starts with http:// or https://", ErrTarget)
	case u.Opaque != "" || u.Hostname() == "":
		return fmt.Errorf("%w: it has no host", ErrTarget)
	case u.User != nil:
		return fmt.Errorf("%w: user info before the host is not allowed", ErrTarget)
	}
	return nil
}

// CheckDomain returns host as links carry it: lower case, without port. It
// wants a DNS name of ASCII letters, digits, '-' and '.', or an IP address
// (IPv6 with or without brackets).
func CheckDomain(host string) (string, error) {
	bad := fmt.Errorf("%w: %q; give a host name such as go.example.com", ErrDomain, host)
	name := strings.ToLower(host)
	if i := strings.LastIndexByte(name, ':'); i >= 0 && strings.Count(name, ":") == 1 {
		name = name[:i]
	}
	if strings.HasPrefix(name, "[") {
		inside, _, closed := strings.Cut(name[1:], "]")
		if !closed {
			return "", bad
		}
		name = inside
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.WithZone("").String(), nil
	}
	if name == "" || len(name) > 253 {
		return "", bad
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 {
			return "", bad
		}
		for i := range len(label) {
			if c := label[i]; c == '_' || !slugByte(c) {
				return "", bad
			}
		}
	}
	return strings.TrimSuffix(name, "."), nil
}
