package redirect

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"herald.example/internal/link"
)

func TestIsPunctuation(t *testing.T) {
	for _, test := range []struct {
		tail string
		want bool
	}{
		{"", false}, {")", true}, {").", true}, {",;:!", true}, {`'"*]}>/`, true}, {"%22", true},
		{"%E2%80%9D", true}, {"”", true}, {"’", true}, {"»", true}, {"。", true}, {"、", true}, {"）", true}, {"…", true}, {"%e2%80%a6.", true},
		{"=", true}, {"$", true},
		{"a", false}, {")a", false}, {"%41", false}, {"%20", false}, {" ", false}, {"é", false}, {"%C3%A9", false},
		{"%", false}, {"%2", false}, {"%zz", false}, {"%00", false}, {"%0D%0A", false}, {"%E2%80", false}, {"\xe2\x80", false}, {"%C0%AF", false}, {"\ufffd", false},
		{strings.Repeat(")", maxTail), true}, {strings.Repeat(")", maxTail+1), false},
	} {
		if got := isPunctuation([]byte(test.tail)); got != test.want {
			t.Errorf("isPunctuation(%q): got %t; want %t", test.tail, got, test.want)
		}
	}
}

func FuzzSlugFromPath(f *testing.F) {
	for _, s := range []string{"8WEtk2a", "8WEtk2a).", "8WEtk2a+", "8WEtk2a%2b", "a_-%E2%80%9D?x#y", "%38", "", "a/../b", "a%00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		cut := cutQuery(path)
		if !bytes.HasPrefix(path, cut) || bytes.ContainsAny(cut, "?#") {
			t.Fatalf("cutQuery(%q): got %q", path, cut)
		}
		slug, tail := splitPath(cut)
		if string(slug)+string(tail) != string(cut) || link.SlugLen(slug) != len(slug) {
			t.Fatalf("splitPath(%q): got %q, %q", cut, slug, tail)
		}
		if trimmed := trimDashes(slug); strings.TrimRight(string(slug), "_-") != string(trimmed) {
			t.Errorf("trimDashes(%q): got %q", slug, trimmed)
		}
		if got, want := isPreview(tail), string(tail) == "+" || strings.EqualFold(string(tail), "%2B"); got != want {
			t.Errorf("isPreview(%q): got %t; want %t", tail, got, want)
		}
		text, err := url.PathUnescape(string(tail))
		want := err == nil && len(tail) > 0 && len(tail) <= maxTail && utf8.ValidString(text) &&
			!strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPunct(r) && !unicode.IsSymbol(r) })
		if got := isPunctuation(tail); got != want {
			t.Errorf("isPunctuation(%q): got %t; want %t", tail, got, want)
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"go.example.com", "GO.example.com:80", "x.example.org.", "[::1]:80", "", ":80", "a:b", "[", "a..b", "é"} {
		f.Add([]byte(s))
	}
	d, err := newDomains([]link.Base{{Domain: testDomain, URL: "https://" + testDomain}, {Domain: otherDomain, URL: "https://" + otherDomain}, {Domain: "::1", URL: "http://[::1]"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host []byte) {
		i, ok := d.find(host)
		if !ok {
			if u, err := link.CheckDomain(string(host)); err == nil && !strings.Contains(string(host), ":") {
				t.Errorf("find(%q): got malformed; want it taken, as a link's domain is (%s)", host, u)
			}
			return
		}
		if bytes.ContainsAny(host, "\x00\r\n\t /?#@\\%") {
			t.Errorf("find(%q): got well-formed", host)
		}
		if domain, err := link.CheckDomain(string(host)); err == nil {
			want, known := d.byHost[domain]
			if known && i != want {
				t.Errorf("find(%q): got %d; want %d", host, i, want)
			}
		}
	})
}
