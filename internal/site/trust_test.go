package site

import (
	"net/url"
	"strings"
	"testing"
)

func TestTrusts(t *testing.T) {
	f := func(patterns, rawURL string, want bool) {
		t.Helper()
		if got := Trusts(strings.Fields(patterns), rawURL); got != want {
			t.Errorf("%s for %q: got %t; want %t", patterns, rawURL, got, want)
		}
	}
	// Nothing, everything, and what is no URL that people can follow.
	f("", "https://example.com/", false)
	f("*", "https://example.com/a?b#c", true)
	f("*", "http://[::1]:8080/", true)
	f("*", "https://user@example.com/", false)
	f("*", "https://@example.com/", false)
	f("*", "ftp://example.com/", false)
	f("*", "javascript:alert(1)", false)
	f("*", "//example.com/", false)
	f("*", "/example.com/", false)
	f("*", "example.com/", false)
	f("*", "https:example.com/", false)
	f("*", "https:/example.com/", false)
	f("*", "https:///example.com/", false)
	f("*", "https:///", false)
	f("*", " https://example.com/", false)
	f("*", "https://example.com:0x50/", false)
	f("*", "https://example.com:65536/", false)
	f("*", "https://exa mple.com/", false)
	f("*", "https://exam\tple.com/", false)
	f("*", "https://example.com/\n", false)
	f("*", "https://example.com/\xff", false)
	f("*", "https://example..com/", false)
	f("*", "https://.example.com/", false)
	f("*", "https://exa%6dple.com/", false)
	f("*", "https://[fe80::1%25eth0]/", false)
	f("*", "", false)

	// Hosts.
	f("example.com/*", "https://example.com/", true)
	f("example.com/*", "http://example.com", true)
	f("example.com/*", "HTTPS://EXAMPLE.com/A", true)
	f("EXAMPLE.COM/*", "https://example.com/", true)
	f("example.com", "https://example.com/a/b?c", true)
	f("example.com/*", "https://example.com./", true)
	f("example.com./*", "https://example.com/", true)
	f("example.com/*", "https://www.example.com/", false)
	f("example.com/*", "https://notexample.com/", false)
	f("example.com/*", "https://example.com.evil.test/", false)
	f("example.com/*", "https://evil.test/example.com/", false)
	f("example.com/*", "https://evil.test/?https://example.com/", false)
	f("example.com/*", "https://evil.test/#example.com/", false)
	f("example.com/*", "https://evil.test#@example.com/", false)
	f("example.com/*", "https://evil.test?@example.com/", false)
	f("example.com/*", "https://example.com@evil.test/", false)
	f("example.com/*", "https://example.com:443@evil.test/", false)
	f("example.com/*", "https://evil.test@example.com/", false)
	f("example.com/*", `https://evil.test\@example.com/`, false)
	f("example.com/*", `https://evil.test\.example.com/`, false)
	f("*.example.com/*", `https://evil.test\.example.com/`, false)
	f("*.example.com/*", "https://evil.test%2f.example.com/", false)
	f("example.com/*", `https:\\example.com/`, false)
	f("example.com/*", `https://example.com\evil`, false)
	f("example.com/*", `https://example.com/?a\b`, true)
	f("*.example.com/*", "https://www.example.com/", true)
	f("*.example.com/*", "https://a.b.example.com/", true)
	f("*.example.com/*", "https://example.com/", false)
	f("*.example.com/*", "https://.example.com/", false)
	f("*.example.com/*", "https://notexample.com/", false)
	f("bücher.example/*", "https://xn--bcher-kva.example/", true)
	f("xn--bcher-kva.example/*", "https://BÜCHER.example/", true)
	f("example.com/*", "https://ｅxample。com/", true)  // as browsers read it
	f("example.com/*", "https://ехample.com/", false) // Cyrillic
	f("example.com/*", "https://xn--a.example.com/", false)
	f("my_shop.example.com/*", "https://my_shop.example.com/", true)
	f("r3---sn.example.com/*", "https://r3---sn.example.com/", true)
	f("127.0.0.1/*", "http://127.0.0.1:8080/", true)
	f("127.0.0.1/*", "http://127.0.0.2/", false)
	f("[::1]/*", "http://[0:0::1]/", true)
	f("[::1]:80/*", "http://[::1]/", true)

	// Ports: any, unless the pattern has one.
	f("example.com/*", "https://example.com:8443/", true)
	f("example.com:8443/*", "https://example.com:8443/", true)
	f("example.com:8443/*", "https://example.com/", false)
	f("example.com:443/*", "https://example.com/", true)
	f("example.com:443/*", "http://example.com/", false)
	f("example.com:80/*", "http://example.com:/", true)
	f("*.example.com:80/*", "http://www.example.com/", true)

	// Paths.
	f("example.com/", "https://example.com", true)
	f("example.com/", "https://example.com/a", false)
	f("example.com/shop", "https://example.com/shop?x=1#y", true)
	f("example.com/shop", "https://example.com/shop/", false)
	f("example.com/shop/*", "https://example.com/shop/a/b.html", true)
	f("example.com/shop/*", "https://example.com/shop", false)
	f("example.com/shop/*", "https://example.com/Shop/a", false)
	f("example.com/shop/*", "https://example.com/a/shop/b", false)
	f("example.com/*/new/*.html", "https://example.com/a/b/new/c.html", true)
	f("example.com/*/new/*.html", "https://example.com/new/c.html", false)
	f("example.com/a*a", "https://example.com/a", false)
	f("example.com/a*a", "https://example.com/aa", true)
	f("example.com/a**b", "https://example.com/ab", true)
	f("example.com/café/*", "https://example.com/caf%c3%A9/1", true)
	f("example.com/caf%C3%A9/*", "https://example.com/café/1", true)
	f("example.com/shop/*", "https://example.com/shop/../private", false)
	f("example.com/shop/*", "https://example.com/shop/%2e%2E/private", false)
	f("example.com/shop/*", "https://example.com/shop/..%2fprivate", false)
	f("example.com/shop/*", "https://example.com/private/..%2fshop/", false)
	f("example.com/shop/*", "https://example.com/shop/.", false)
	f("example.com/shop/*", "https://example.com/shop/..a/.b", true)
	f("example.com/*", "https://example.com/shop/../private", true)

	// Queries count where the pattern has one.
	f("example.com/page?id=*", "https://example.com/page?id=7", true)
	f("example.com/page?id=*", "https://example.com/page?x=id=7", false)
	f("example.com/page?id=*", "https://example.com/page", false)
	f("example.com/?*", "https://example.com/#?", true)

	// Several, and those that are none.
	f("a.example/* b.example/*", "https://b.example/", true)
	f("https://b.example/* %% b.example:x/*", "https://b.example/", false)
	f("https://b.example/* b.example/*", "https://b.example/", true)
}

func TestParsePattern(t *testing.T) {
	for text, want := range map[string]string{
		"*": "*", "example.com": "example.com/*", "EXAMPLE.com./Shop/*?A": "example.com/Shop/*?A", "*.Bücher.example:080/": "*.xn--bcher-kva.example:80/",
		"[0::1]:8080": "[::1]:8080/*", "10.0.0.1/": "10.0.0.1/",
		"": "", "/": "", "/*": "", "**": "", "*/*": "", "*.": "", "*.*.com/": "", "*example.com/": "", "www.*.com/": "", "example.*/": "", "https://example.com/": "",
		"a@example.com/": "", "example.com/#a": "", `example.com\*`: "", "example.com/a b": "", "example.com/\x00": "", "example.com/\xff": "", "example.com/%zz": "",
		"example.com:/": "", "example.com:0/": "", "example.com:65536/": "", "example.com:*/": "", "[::1/": "", "[::1": "", "::1]/": "", "*.10.0.0.1/": "", "exa mple.com/": "",
		"example.com?a": "", "-\u00a0": "", strings.Repeat("a", 64) + ".example": "", "example.com/" + strings.Repeat("a", maxPattern): "",
	} {
		p, err := parsePattern(text)
		if got := p.String(); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%.100q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func FuzzTrusts(f *testing.F) {
	for _, s := range []struct{ pattern, url string }{
		{"*", "https://example.com/"}, {"example.com/*", "https://example.com@evil.test/"}, {"*.example.com/a*b", `https://a.example.com\/a/../b`},
		{"[::1]:80/?a*", "http://[0::1]/?ab"}, {"bücher.example", "HTTP://xn--bcher-kva.example:8/%2e"}, {"example.com/*/*", "https://ex。ample.com./"},
	} {
		f.Add(s.pattern, s.url)
	}
	f.Fuzz(func(t *testing.T, text, rawURL string) {
		trusted := Trusts([]string{text}, rawURL)
		p, err := parsePattern(text)
		if err != nil {
			if trusted {
				t.Fatalf("pattern %q is malformed (%v) and lets %q be shared", text, err, rawURL)
			}
			return
		}
		// What is stored is what was given, and is its own one spelling.
		again, err := parsePattern(p.String())
		if err != nil || again != p || Trusts([]string{p.String()}, rawURL) != trusted || again.String() != p.String() {
			t.Fatalf("pattern %q: stored as %q, which is %+v, %v; want %+v", text, p, again, err, p)
		}
		if !trusted {
			return
		}
		u, err := url.Parse(rawURL)
		if err != nil || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			t.Fatalf("%q is trusted: got %+v, %v; want a URL of the web without user info", rawURL, u, err)
		}
		if p.all {
			return
		}
		host, _ := canonicalHost(u.Hostname())
		if rest, below := strings.CutSuffix(host, "."+p.host); below != p.below || !below && host != p.host || below && rest == "" {
			t.Fatalf("%q is trusted by %q: got host %q; want %q", rawURL, text, host, p.host)
		}
		// No other host is meant by a reader who takes the authority for what stands
		// between the slashes.
		authority, _, _ := strings.Cut(strings.SplitN(rawURL, "//", 2)[1], "/")
		authority, _, _ = strings.Cut(authority, "?")
		authority, _, _ = strings.Cut(authority, "#")
		if strings.ContainsAny(authority, `@\`) {
			t.Fatalf("%q is trusted by %q: got authority %q; want one without '@' and backslash", rawURL, text, authority)
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b**c", "axbycbc")
	f.Add("*", "")
	f.Add("a*a", "a")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		pattern, text = pattern[:min(len(pattern), 50)], text[:min(len(text), 50)]
		if got, want := glob(pattern, text), slowGlob(pattern, text); got != want {
			t.Errorf("glob(%q, %q): got %t; want %t", pattern, text, got, want)
		}
	})
}

// slowGlob is glob by its definition: reached[i] says whether the pattern so far can
// stand for the first i bytes.
func slowGlob(pattern, text string) bool {
	reached := make([]bool, len(text)+1)
	reached[0] = true
	for _, c := range []byte(pattern) {
		next := make([]bool, len(text)+1)
		for i := range reached {
			if c == '*' {
				next[i] = reached[i] || i > 0 && next[i-1]
			} else {
				next[i] = i > 0 && reached[i-1] && text[i-1] == c
			}
		}
		reached = next
	}
	return reached[len(text)]
}
