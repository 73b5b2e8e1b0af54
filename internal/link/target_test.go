package link

import (
	"bufio"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// realURLs reads the URLs of testdata, in their order.
func realURLs(t testing.TB) []string {
	t.Helper()
	f, err := os.Open("testdata/urls.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var urls []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		urls = append(urls, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return urls
}

func TestCheckTargetAcceptsRealURLs(t *testing.T) {
	urls := realURLs(t)
	if got, want := len(urls), 4841; got != want {
		t.Errorf("got %d URLs; want %d", got, want)
	}
	for _, target := range urls {
		if err := CheckTarget(target); err != nil {
			t.Errorf("CheckTarget(%q): got %v; want nil", target, err)
		}
	}
}

func TestCheckTarget(t *testing.T) {
	long := func(n int) string { return "http://a.example/" + strings.Repeat("x", n-len("http://a.example/")) }
	for _, tt := range []struct {
		name, target string
		want         error
	}{
		{"plain", "https://example.com/", nil},
		{"no path", "https://example.com", nil},
		{"scheme in capitals", "HTTPS://example.com/", nil},
		{"host in capitals", "https://EXAMPLE.com/", nil},
		{"port", "https://example.com:8443/x", nil},
		{"IPv4", "http://192.0.2.1/", nil},
		{"IPv6", "http://[2001:db8::1]:80/", nil},
		{"IDN host", "https://bücher.example/straße?q=ü#é", nil},
		{"IDN host without Latin", "https://例え.テスト/", nil},
		{"punycode", "https://xn--bcher-kva.example/", nil},
		{"encoded slash", "https://example.com/a%2Fb", nil},
		{"double slash", "https://example.com//a//b", nil},
		{"dot segments", "https://example.com/a/../b", nil},
		{"stray percent in the path", "https://example.com/100%", nil},
		{"stray percent in the query", "https://example.com/?q=100%&r=%zz", nil},
		{"stray percent in the fragment", "https://example.com/#100%", nil},
		{"URL inside a query", "https://example.com/?u=http://user:pw@other.example/", nil},
		{"at sign in the path", "https://example.com/@name", nil},
		{"query without path", "https://example.com?a=b", nil},
		{"fragment without path", "https://example.com#@other.example", nil},
		{"backslash in the path", `https://example.com/a\b`, nil},
		{"exactly the longest", long(MaxTarget), nil},

		{"empty", "", ErrTarget},
		{"one byte too long", long(MaxTarget + 1), ErrTarget},
		{"relative", "a/b", ErrTarget},
		{"absolute path", "/a/b", ErrTarget},
		{"relative with a URL in its query", "a?u=http://example.com/", ErrTarget},
		{"without scheme", "//example.com/", ErrTarget},
		{"host only", "example.com", ErrTarget},
		{"javascript", "javascript:alert(1)", ErrTarget},
		{"javascript with slashes", "javascript://example.com/%0aalert(1)", ErrTarget},
		{"data", "data:text/html,<script>alert(1)</script>", ErrTarget},
		{"data with a URL", "data:text/html,http://example.com/", ErrTarget},
		{"mailto", "mailto:someone@example.com", ErrTarget},
		{"ftp", "ftp://example.com/", ErrTarget},
		{"file", "file:///etc/passwd", ErrTarget},
		{"long s in the scheme", "httpſ://example.com/", ErrTarget},
		{"no host", "http:///path", ErrTarget},
		{"nothing after the slashes", "http://", ErrTarget},
		{"query in place of a host", "http://?q", ErrTarget},
		{"port without host", "http://:80/", ErrTarget},
		{"one slash", "http:/example.com/", ErrTarget},
		{"no slashes", "http:example.com", ErrTarget},
		{"host after a query", "http:?://example.com", ErrTarget},
		{"user", "http://user@example.com/", ErrTarget},
		{"user and password", "http://user:pw@example.com/", ErrTarget},
		{"empty user", "http://@example.com/", ErrTarget},
		{"empty user and password", "http://:@example.com/", ErrTarget},
		{"backslashes for slashes", `http:\\example.com\`, ErrTarget},
		{"backslash before user info", `http://good.example\@evil.example/`, ErrTarget},
		{"backslash ends the host", `http://good.example\.evil.example/`, ErrTarget},
		{"backslash first", `http://\good.example/`, ErrTarget},
		{"encoded slash before user info", "http://good.example%2F@evil.example/", ErrTarget},
		{"encoded NUL in the host", "http://good.example%00.evil.example/", ErrTarget},
		{"angle bracket in the host", "http://exa<mple.com/", ErrTarget},
		{"bad port", "http://example.com:port/", ErrTarget},
		{"open bracket", "http://[::1/", ErrTarget},
		{"leading space", " http://example.com/", ErrTarget},
		{"space in the host", "http://exa mple.com/", ErrTarget},
		{"space in the path", "http://example.com/a b", ErrTarget},
		{"trailing newline", "http://example.com/\n", ErrTarget},
		{"header injection", "http://example.com/\r\nSet-Cookie: a=b", ErrTarget},
		{"tab in the scheme", "ht\ttp://example.com/", ErrTarget},
		{"NUL", "http://example.com/\x00", ErrTarget},
		{"escape", "http://example.com/\x1b[2J", ErrTarget},
		{"delete", "http://example.com/\x7f", ErrTarget},
		{"C1 control", "http://example.com/\u0085", ErrTarget},
		{"line separator", "http://example.com/\u2028", ErrTarget},
		{"no-break space", "http://example.com/\u00a0", ErrTarget},
		{"invalid UTF-8", "http://example.com/\xff", ErrTarget},
		{"cut UTF-8", "http://example.com/\xc3", ErrTarget},
		{"overlong UTF-8", "http://example.com/\xc0\xaf", ErrTarget},
		{"surrogate in UTF-8", "http://example.com/\xed\xa0\x80", ErrTarget},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := CheckTarget(tt.target)
			if !errors.Is(got, tt.want) {
				t.Errorf("CheckTarget(%.80q): got %v; want %v", tt.target, got, tt.want)
			}
			if got != nil && (len(got.Error()) > 300 || strings.Contains(got.Error(), "\n")) {
				t.Errorf("CheckTarget(%.80q): got %.400q; want one short line", tt.target, got)
			}
		})
	}
}

func FuzzCheckTarget(f *testing.F) {
	for _, seed := range realURLs(f)[:50] {
		f.Add(seed)
	}
	for _, seed := range []string{
		"", "http://", `http://good.example\@evil.example/`, "javascript://x/%0a", "http://a@b/", "HTTP://[::1%25z]:1/",
		"http:?://x", "httpſ://x", "http://%zz/", "http://x/%zz", "https://例え.テスト/\u2028",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if CheckTarget(target) != nil {
			return
		}
		if len(target) > MaxTarget || !utf8.ValidString(target) {
			t.Fatalf("accepted %q: too long or no text", target)
		}
		scheme, rest, found := strings.Cut(target, "://")
		if s := strings.ToLower(scheme); !found || len(s) != len(scheme) || s != "http" && s != "https" {
			t.Fatalf("accepted %q: scheme is %q", target, scheme)
		}
		// Browsers end the host at a backslash, too.
		host := rest
		if i := strings.IndexAny(rest, `/\?#`); i >= 0 {
			host = rest[:i]
			if rest[i] == '\\' {
				t.Fatalf("accepted %q: a backslash ends the host", target)
			}
		}
		if host == "" || strings.HasPrefix(host, ":") || strings.Contains(host, "@") {
			t.Fatalf("accepted %q: host is %q", target, host)
		}
		for i := range len(target) {
			if c := target[i]; c <= ' ' || c == 0x7f {
				t.Fatalf("accepted %q: byte %#x", target, c)
			}
		}
	})
}

func TestCheckDomain(t *testing.T) {
	label := strings.Repeat("a", 63)
	longest := strings.Join([]string{label, label, label, label[:61]}, ".")
	for _, tt := range []struct {
		name, host, want string // want "": refused
	}{
		{"plain", "go.example.com", "go.example.com"},
		{"capitals", "Go.Example.COM", "go.example.com"},
		{"one label", "localhost", "localhost"},
		{"digits and hyphen", "go-2.example", "go-2.example"},
		{"port", "go.example.com:8080", "go.example.com"},
		{"colon without port", "go.example.com:", "go.example.com"},
		{"root dot", "go.example.com.", "go.example.com"},
		{"root dot and port", "go.example.com.:80", "go.example.com"},
		{"punycode", "xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"IPv4", "127.0.0.1", "127.0.0.1"},
		{"IPv4 and port", "127.0.0.1:80", "127.0.0.1"},
		{"IPv6", "::1", "::1"},
		{"IPv6 long form", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"IPv6 in brackets", "[::1]", "::1"},
		{"IPv6 in brackets and port", "[::1]:8080", "::1"},
		{"IPv6 with zone", "[fe80::1%eth0]:80", "fe80::1"},
		{"longest", longest, longest},

		{"empty", "", ""},
		{"port only", ":80", ""},
		{"dot", ".", ""},
		{"leading dot", ".example.com", ""},
		{"two dots", "go..example.com", ""},
		{"two root dots", "go.example.com..", ""},
		{"underscore", "go_1.example.com", ""},
		{"leading hyphen", "-go.example.com", ""},
		{"trailing hyphen", "go-.example.com", ""},
		{"space", "go example.com", ""},
		{"NUL", "go.example.com\x00", ""},
		{"slash", "go.example.com/x", ""},
		{"user", "user@go.example.com", ""},
		{"percent", "go%2eexample.com", ""},
		{"IDN not in punycode", "bücher.example", ""},
		{"Kelvin sign", "\u212a.example", ""},
		{"invalid UTF-8", "go\xff.example", ""},
		{"port is no number", "go.example.com:http", ""},
		{"port is signed", "go.example.com:+80", ""},
		{"port too large", "go.example.com:65536", ""},
		{"brackets not closed", "[::1", ""},
		{"text after brackets", "[::1]x", ""},
		{"port after brackets without colon", "[::1]80", ""},
		{"name in brackets", "[go.example.com]", ""},
		{"IPv4 in brackets", "[127.0.0.1]", ""},
		{"empty brackets", "[]", ""},
		{"label too long", label + "a.example", ""},
		{"name too long", longest + "a", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := CheckDomain(tt.host)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("CheckDomain(%q): got %q, %v; want %q", tt.host, got, err, tt.want)
			}
			if err != nil && !errors.Is(err, ErrDomain) {
				t.Errorf("CheckDomain(%q): got %v; want %v", tt.host, err, ErrDomain)
			}
		})
	}
}

func FuzzCheckDomain(f *testing.F) {
	for _, seed := range []string{
		"go.example.com", "Go.Example.com.:80", "[::1]:8080", "::ffff:192.0.2.1", "[fe80::1%z]", "1.2.3.4.", "a:b", "\u212a.x", "-", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		domain, err := CheckDomain(host)
		if err != nil {
			return
		}
		if again, err := CheckDomain(domain); err != nil || again != domain {
			t.Fatalf("CheckDomain(%q) is %q, whose own answer is %q, %v", host, domain, again, err)
		}
		if len(domain) > maxHost {
			t.Fatalf("CheckDomain(%q): got %d bytes; want at most %d", host, len(domain), maxHost)
		}
		if _, err := netip.ParseAddr(domain); err == nil {
			return
		}
		for i := range len(domain) {
			if c := domain[i]; c != '.' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				t.Fatalf("CheckDomain(%q): got %q with %q in it", host, domain, c)
			}
		}
	})
}
