package redirect

import (
	"bufio"
	"bytes"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"herald.example/internal/link"
)

func TestEvidence(t *testing.T) {
	for _, test := range []struct {
		name, raw string
		flags     link.Flags
		referrer  string
	}{
		{"nothing", "\r\n", 0, ""},
		{"referrer", "Host: x\r\nReferer: https://a.example/\r\n\r\n", 0, "https://a.example/"},
		{"two referrers", "referer:a\r\nReferer: b\r\n\r\n", 0, "a"},
		{"almost a referrer", "Referer2: a\r\nRefere: b\r\nReferer-X: c\r\n\r\n", 0, ""},
		{"continued line", "X: y\r\n Referer: a\r\n\r\n", 0, ""},
		{"prefetch", "Sec-Purpose: prefetch\r\n\r\n", link.FlagSecPurpose, ""},
		{"prerender", "sec-purpose:Prefetch;Prerender\r\n\r\n", link.FlagSecPurpose, ""},
		{"other purpose", "Sec-Purpose: drink\r\nPurpose: x\r\nX-Moz: y\r\n\r\n", 0, ""},
		{"old prefetch", "Purpose: prefetch\r\n\r\n", link.FlagPurpose, ""},
		{"preview of Safari", "X-Purpose: preview\r\n\r\n", link.FlagPurpose, ""},
		{"old Firefox", "X-Moz: prefetch\r\n\r\n", link.FlagXMoz, ""},
		{"do not track", "DNT: 1\r\n\r\n", link.FlagPrivate, ""},
		{"do track", "DNT: 0\r\nSec-GPC: 0\r\n\r\n", 0, ""},
		{"global privacy control", "Sec-GPC: 1 \r\n\r\n", link.FlagPrivate, ""},
		{"line feeds only", "DNT: 1\nReferer: a\n\n", link.FlagPrivate, "a"},
	} {
		flags, referrer := evidence([]byte(test.raw))
		if flags != test.flags || string(referrer) != test.referrer {
			t.Errorf("%s: got %b, %q; want %b, %q", test.name, flags, referrer, test.flags, test.referrer)
		}
	}
}

func FuzzEvidence(f *testing.F) {
	f.Add([]byte("Host: x\r\nReferer: https://a.example/\r\nSec-GPC: 1\r\n\r\n"))
	f.Add([]byte("DNT:1\nX-Moz: prefetch"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, referrer := evidence(raw)
		if referrer != nil && !bytes.Contains(raw, referrer) {
			t.Errorf("got referrer %q, which is no part of %q", referrer, raw)
		}
	})
}

var testProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestVisitor(t *testing.T) {
	for _, test := range []struct{ name, raw, want string }{
		{"no header", "Host: x\r\n\r\n", "10.0.0.1"},
		{"one", "X-Forwarded-For: 192.0.2.7\r\n\r\n", "192.0.2.7"},
		{"invented by the visitor", "X-Forwarded-For: 1.2.3.4, 192.0.2.7\r\n\r\n", "192.0.2.7"},
		{"behind two proxies", "X-Forwarded-For: 1.2.3.4, 192.0.2.7,10.9.9.9\r\n\r\n", "192.0.2.7"},
		{"on several lines", "X-Forwarded-For: 192.0.2.7\r\nHost: x\r\nx-forwarded-for: 10.9.9.9\r\n\r\n", "192.0.2.7"},
		{"proxies only", "X-Forwarded-For: 10.2.2.2, 10.3.3.3\r\n\r\n", "10.2.2.2"},
		{"with a port", "X-Forwarded-For: 192.0.2.7:4711\r\n\r\n", "192.0.2.7"},
		{"IPv6", "X-Forwarded-For: 2001:db8::7, fd00::1\r\n\r\n", "2001:db8::7"},
		{"IPv6 with a port", "X-Forwarded-For: [2001:db8::7]:4711\r\n\r\n", "2001:db8::7"},
		{"IPv4 in IPv6", "X-Forwarded-For: ::ffff:192.0.2.7\r\n\r\n", "192.0.2.7"},
		{"zone", "X-Forwarded-For: fe80::1%eth0\r\n\r\n", "10.0.0.1"},
		{"garbage", "X-Forwarded-For: 192.0.2.7, what\r\n\r\n", "10.0.0.1"},
		{"garbage behind a proxy", "X-Forwarded-For: 192.0.2.7, what, 10.5.5.5\r\n\r\n", "10.5.5.5"},
		{"empty", "X-Forwarded-For:\r\n\r\n", "10.0.0.1"},
		{"commas", "X-Forwarded-For: ,,\r\n\r\n", "10.0.0.1"},
		{"forwarded", "Forwarded: for=192.0.2.7;proto=https\r\n\r\n", "192.0.2.7"},
		{"forwarded, order and case", "forwarded: proto=https; For=\"192.0.2.7\"\r\n\r\n", "192.0.2.7"},
		{"forwarded IPv6", "Forwarded: for=\"[2001:db8::7]:4711\", for=10.1.1.1\r\n\r\n", "2001:db8::7"},
		{"forwarded, comma in quotes", "Forwarded: for=192.0.2.7;by=\"a,b\"\r\n\r\n", "192.0.2.7"},
		{"forwarded, obfuscated port", "Forwarded: for=\"192.0.2.7:_x\"\r\n\r\n", "192.0.2.7"},
		{"forwarded, unknown", "Forwarded: for=192.0.2.7, for=unknown\r\n\r\n", "10.0.0.1"},
		{"forwarded, obfuscated", "Forwarded: for=192.0.2.7, for=_hidden, for=10.1.1.1\r\n\r\n", "10.1.1.1"},
		{"forwarded, no for", "Forwarded: proto=https\r\n\r\n", "10.0.0.1"},
		{"both", "Forwarded: for=1.2.3.4\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n", "192.0.2.7"},
	} {
		if got := visitor([]byte(test.raw), netip.MustParseAddr("10.0.0.1"), testProxies); got.String() != test.want {
			t.Errorf("%s: got %s; want %s", test.name, got, test.want)
		}
	}
}

// FuzzForwarded holds the walk over X-Forwarded-For against one that is written
// with the standard library, and over Forwarded against its promises.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"1.2.3.4, 10.0.0.2", "[2001:db8::1]:80,10.0.0.1:1", "unknown", "for=1.2.3.4;by=x, for=\"[::1]\"", "::ffff:10.0.0.1", "\"a,b\",1.2.3.4", ",", "1.2.3.4:_p"} {
		f.Add(s, "")
		f.Add("9.9.9.9", s)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		peer := netip.MustParseAddr("10.0.0.1")
		if strings.ContainsAny(first+second, "\r\n") {
			return
		}
		raw := []byte("X-Forwarded-For: " + first + "\r\nHost: x\r\nX-Forwarded-For: " + second + "\r\n\r\n")
		got := visitor(raw, peer, testProxies)
		if want, comparable := slowVisitor(raw, peer); comparable && got != want {
			t.Errorf("%q, %q: got %s; want %s", first, second, got, want)
		}
		raw = []byte("Forwarded: " + first + "\r\nForwarded: " + second + "\r\n\r\n")
		kept := bytes.Clone(raw)
		got = visitor(raw, peer, testProxies)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q: got %s", raw, got)
		}
		if !bytes.Equal(raw, kept) {
			t.Errorf("%q was changed to %q", kept, raw)
		}
		mangle(raw)
		_ = got.String()
	})
}

// slowVisitor is the walk over X-Forwarded-For without regard to speed. It has
// no answer for what is no header, and for quotes, which have a table of their own.
func slowVisitor(raw []byte, last netip.Addr) (_ netip.Addr, ok bool) {
	header, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(raw))).ReadMIMEHeader()
	if err != nil {
		return last, false
	}
	lines := header["X-Forwarded-For"]
	slices.Reverse(lines)
	for _, line := range lines {
		if strings.Contains(line, `"`) {
			return last, false
		}
		entries := strings.Split(line, ",")
		if line = strings.Trim(line, " \t"); line == "" {
			continue
		}
		slices.Reverse(entries)
		for i, e := range entries {
			e = strings.Trim(e, " \t")
			if e == "" && i == len(entries)-1 {
				continue // nothing before the first comma
			}
			if len(e) > longestNode {
				return last, true
			}
			a, err := netip.ParseAddr(e)
			if err != nil {
				host, port, bracketed := e, "", strings.HasPrefix(e, "[")
				if bracketed {
					host, port, _ = strings.Cut(e[1:], "]")
					if !strings.Contains(e, "]") {
						return last, true
					}
				} else if strings.Count(e, ":") == 1 {
					host, port, _ = strings.Cut(e, ":")
					port = ":" + port
				}
				if port != "" && !optionalPort([]byte(port)) {
					return last, true
				}
				if a, err = netip.ParseAddr(host); err != nil || bracketed && !a.Is6() {
					return last, true
				}
			}
			if a.Zone() != "" {
				return last, true
			}
			if last = a.Unmap(); !contained(last, testProxies) {
				return last, true
			}
		}
	}
	return last, true
}
