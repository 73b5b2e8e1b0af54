package counter

import (
	"net/netip"
	"strings"
	"testing"
)

func TestReferrerHost(t *testing.T) {
	label := strings.Repeat("a", 40)
	tests := []struct{ name, referrer, want string }{
		{"empty", "", ""},
		{"page", "https://example.org/a/b?c=d#e", "example.org"},
		{"origin without slash", "https://example.org", "example.org"},
		{"query without path", "https://example.org?q=1", "example.org"},
		{"http", "http://example.org/", "example.org"},
		{"upper case", "HTTPS://WWW.Example.ORG/", "example.org"},
		{"port", "https://example.org:8443/", "example.org"},
		{"empty port", "https://example.org:/", "example.org"},
		{"www", "https://www.example.org/", "example.org"},
		{"www is the name", "https://www.com/", "www.com"},
		{"www within", "https://a.www.example.org/", "a.www.example.org"},
		{"www alone", "https://www./", "www"},
		{"subdomain stays", "https://l.facebook.com/l.php?u=x", "l.facebook.com"},
		{"trailing dot", "https://example.org./", "example.org"},
		{"user info", "https://user:secret@example.org/", "example.org"},
		{"two at signs", "https://a@b@example.org/", "example.org"},
		{"at sign in the path", "https://example.org/@user", "example.org"},
		{"single label", "http://localhost:8080/", "localhost"},
		{"underscore", "https://my_blog.example.org/", "my_blog.example.org"},
		{"IPv4", "http://192.0.2.1:81/", "192.0.2.1"},
		{"IPv6", "http://[2001:DB8::1]:81/", "2001:db8::1"},
		{"IPv6 without port", "http://[2001:db8:0:0::1]/", "2001:db8::1"},
		{"IPv6 zone", "http://[fe80::1%25eth0]/", ""},
		{"IPv6 not closed", "http://[2001:db8::1/", ""},
		{"IPv6 and rubbish", "http://[2001:db8::1]x/", ""},
		{"IPv4 in brackets", "http://[192.0.2.1]/", ""},
		{"punycode", "https://xn--bcher-kva.example/", "xn--bcher-kva.example"},
		{"raw international name", "https://bücher.example/", ""},
		{"Android app", "android-app://com.google.android.gm/", "com.google.android.gm"},
		{"Android app with path", "android-app://org.telegram.messenger/http/x", "org.telegram.messenger"},
		{"iOS app", "ios-app://544007664/vnd.youtube", "544007664"},
		{"extension", "chrome-extension://abcdefgh/page.html", ""},
		{"file", "file:///home/user/page.html", ""},
		{"about", "about:blank", ""},
		{"javascript", "javascript://example.org/%0aalert(1)", ""},
		{"no scheme", "www.example.org/page", ""},
		{"relative", "/page", ""},
		{"no host", "https:///page", ""},
		{"only a scheme", "https://", ""},
		{"empty label", "https://a..b/", ""},
		{"leading dot", "https://.example.org/", ""},
		{"long label", "https://" + strings.Repeat("a", 64) + ".org/", ""},
		{"longest label", "https://" + strings.Repeat("a", 63) + ".org/", strings.Repeat("a", 63) + ".org"},
		{"more than DNS allows", "https://" + strings.Repeat("a.", 127) + "org/", ""},
		{"cut to the last labels", "https://" + label + "." + label + "." + label + ".example.org/", label + "." + label + ".example.org"},
		{"control character", "https://exa\x00mple.org/", ""},
		{"line end", "https://example.org\r\nSet-Cookie: a=b", ""},
		{"space", "https://exam ple.org/", ""},
		{"markup", "https://<script>alert(1)</script>/", ""},
		{"percent", "https://ex%61mple.org/", ""},
		{"backslash", `https://example.org\@evil.example/`, "example.org"},
		{"invalid UTF-8", "https://exa\xff\xfemple.org/", ""},
		{"bad port", "https://example.org:80a/", ""},
		{"long port", "https://example.org:123456/", ""},
	}
	c := NewClassifier(nil)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := ReferrerHost([]byte(test.referrer)); got != test.want {
				t.Errorf("got %q; want %q", got, test.want)
			}
			if got := c.Referrer([]byte(test.referrer)); got != test.want {
				t.Errorf("remembered: got %q; want %q", got, test.want)
			}
		})
	}
}

func FuzzReferrerHost(f *testing.F) {
	for _, s := range []string{
		"", "https://www.example.org:8443/a?b#c", "http://[2001:db8::1]:81/", "android-app://com.google.android.gm/",
		"https://user@host/", "https://a..b/", "https://" + strings.Repeat("ab.", 80) + "org/", "https://\xff/",
	} {
		f.Add(s)
	}
	c := NewClassifier(nil)
	f.Fuzz(func(t *testing.T, referrer string) {
		got := ReferrerHost([]byte(referrer))
		checkPrintable(t, got)
		if addr, err := netip.ParseAddr(got); err != nil || !addr.Is6() {
			if got != "" && !hostName([]byte(got)) {
				t.Errorf("got %q; want a host name or an IPv6 address", got)
			}
			if got != strings.ToLower(got) {
				t.Errorf("got %q; want lower case", got)
			}
			if got != "" && !strings.HasPrefix(got, "www.") {
				if again := ReferrerHost([]byte("https://" + got + "/")); again != got {
					t.Errorf("host of host: got %q; want %q", again, got)
				}
			}
		}
		if again := c.Referrer([]byte(referrer)); again != got {
			t.Errorf("remembered: got %q; want %q", again, got)
		}
	})
}
