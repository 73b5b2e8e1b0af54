package render

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"herald.example/internal/link"
)

func TestURLs(t *testing.T) {
	long := "http://example.com/" + strings.Repeat("x", link.MaxTarget-len("http://example.com/"))
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"none", "no URL here", nil},
		{"alone", "http://example.com", []string{"http://example.com"}},
		{"in a sentence", "See https://example.com/a.", []string{"https://example.com/a"}},
		{"several kinds of punctuation", "What, http://example.com/a?!...", []string{"http://example.com/a"}},
		{"comma between", "http://example.com/a, http://example.com/b", []string{"http://example.com/a", "http://example.com/b"}},
		{"comma alone between hosts", "http://a.example,http://b.example", []string{"http://a.example", "http://b.example"}},
		{"twice the same", "http://example.com http://example.com", []string{"http://example.com"}},
		{"order of occurrence", "http://b.example http://a.example http://b.example", []string{"http://b.example", "http://a.example"}},
		{"in brackets", "(http://example.com/a)", []string{"http://example.com/a"}},
		{"in brackets with a full stop", "(see http://example.com/a).", []string{"http://example.com/a"}},
		{"brackets of its own", "http://example.com/a_(b)", []string{"http://example.com/a_(b)"}},
		{"brackets of its own in brackets", "(http://example.com/a_(b))", []string{"http://example.com/a_(b)"}},
		{"opening bracket at its end", "http://example.com/a(", []string{"http://example.com/a"}},
		{"square brackets", "[http://example.com/a]", []string{"http://example.com/a"}},
		{"Markdown", "[words](http://example.com/a)", []string{"http://example.com/a"}},
		{"quotes", `"http://example.com/a"`, []string{"http://example.com/a"}},
		{"apostrophes", `'http://example.com/a'`, []string{"http://example.com/a"}},
		{"angle brackets", "<http://example.com/a>", []string{"http://example.com/a"}},
		{"curly quotes", "“http://example.com/a”", []string{"http://example.com/a"}},
		{"Chinese punctuation", "看http://example.com/a，很好。", []string{"http://example.com/a"}},
		{"Chinese full stop behind the host", "http://example.com。很好", []string{"http://example.com"}},
		{"ellipsis", "http://example.com/a…", []string{"http://example.com/a"}},
		{"emoji behind", "http://example.com/a👍", []string{"http://example.com/a"}},
		{"host of emoji", "http://i❤.example/x", []string{"http://i❤.example/x"}},
		{"IDN and path", "http://bücher.example/straße", []string{"http://bücher.example/straße"}},
		{"path of another script", "https://ja.example/wiki/日本", []string{"https://ja.example/wiki/日本"}},
		{"underscore at the end", "http://example.com/a_", []string{"http://example.com/a_"}},
		{"slash at the end", "http://example.com/a/", []string{"http://example.com/a/"}},
		{"query and fragment", "http://example.com/?a=1&b=2#c", []string{"http://example.com/?a=1&b=2#c"}},
		{"address", "http://127.0.0.1:8080/x", []string{"http://127.0.0.1:8080/x"}},
		{"IPv6 address", "http://[::1]:8080/x", []string{"http://[::1]:8080/x"}},
		{"IPv6 address in brackets", "[http://[::1]]", []string{"http://[::1]"}},
		{"capitals", "HTTP://EXAMPLE.COM", []string{"HTTP://EXAMPLE.COM"}},
		{"line between", "http://example.com/a\nhttp://example.com/b", []string{"http://example.com/a", "http://example.com/b"}},
		{"line separator between", "http://example.com/a\u2028b", []string{"http://example.com/a"}},
		{"URL in a query", "http://example.com/?u=http://other.example/", []string{"http://example.com/?u=http://other.example/"}},
		{"behind a colon", "view-source:http://example.com/", []string{"http://example.com/"}},
		{"control character inside is taken out", "http://example.com/a\x00b", []string{"http://example.com/ab"}},
		{"longest", long, []string{long}},

		{"longer than any link", long + "x", nil},
		{"end of a word", "xhttp://example.com", nil},
		{"other scheme", "ftp://example.com", nil},
		{"script", "javascript://example.com", nil},
		{"no host", "http:// and http://. and http://)", nil},
		{"user", "http://user@example.com", nil},
		{"user and password", "http://user:pw@example.com/", nil},
		{"backslash before user info", `http://good.example\@evil.example/`, nil},
		{"bad port", "http://example.com:port/", nil},
		{"no colon", "http//example.com", nil},
		{"no scheme", "example.com", nil},
		{"only dots", "http://...", nil},
		{"behind a bad one", "http://user@a.example http://b.example", []string{"http://b.example"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := URLs(test.text); !slices.Equal(got, test.want) {
				t.Errorf("got %.200q; want %.200q", got, test.want)
			}
		})
	}
}

func TestShorten(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"https://example.com", "example.com"},
		{"https://example.com/", "example.com"},
		{"https://example.com:8080/", "example.com:8080"},
		{"https://example.com/?", "example.com/?"},
		{"https://example.com/12345678901234", "example.com/12345678901234"},
		{"https://example.com/123456789012345", "example.com/123456789012…"},
		{"https://example.com?a=1&b=2#c", "example.com?a=1&b=2#c"},
		{"https://example.com?a=1&b=2&c=3&d=4", "example.com?a=1&b=2&c=3&…"},
		{"http://[::1]:8080/x", "[::1]:8080/x"},
		{"http://example.com/" + strings.Repeat("e\u0301", 14), "example.com/" + strings.Repeat("e\u0301", 14)},
		{"http://example.com/" + strings.Repeat("e\u0301", 15), "example.com/" + strings.Repeat("e\u0301", 12) + "…"},
		{"http://\u0301.example/x", "http://\u0301.example/x"},
		{"http://\u1161.example/x", "http://\u1161.example/x"},
	} {
		if got := shorten(test.url); got != test.want {
			t.Errorf("shorten(%q): got %q; want %q", test.url, got, test.want)
		}
	}
}

func TestLinkable(t *testing.T) {
	for _, test := range []struct{ name, url, want string }{
		{"plain", "http://a.example/b?c=d#e", "http://a.example/b?c=d#e"},
		{"other script", "http://a.example/日本", "http://a.example/日本"},
		{"bracket at the end", "http://a.example/b)", "http://a.example/b%29"},
		{"brackets that match", "http://a.example/(b)", "http://a.example/(b)"},
		{"full stops at the end", "http://a.example/b...", "http://a.example/b%2E%2E%2E"},
		{"empty query", "http://a.example/b?", "http://a.example/b"},
		{"emoji and quotes", `http://a.example/👍"<b>`, "http://a.example/%F0%9F%91%8D%22%3Cb%3E"},
		{"encoded before", "http://a.example/%41👍", "http://a.example/%41%F0%9F%91%8D"},
		{"host that ends a link", "http://a'b.example/", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := linkable(test.url); got != test.want {
				t.Errorf("got %q; want %q", got, test.want)
			}
		})
	}
}

// TestSpans lists what is found besides URLs.
func TestSpans(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string // kind and value of each span
	}{
		{"tag", "a #tag b", []string{"tag tag"}},
		{"tag with digits and underscore", "#a_1", []string{"tag a_1"}},
		{"tag of another script", "#東京 #Ελλάδα", []string{"tag 東京", "tag Ελλάδα"}},
		{"tag ends at punctuation", "#tag, (#other)", []string{"tag tag", "tag other"}},
		{"only digits", "#1 of #2024", nil},
		{"end of a word", "a#b c&#39;d a/#b", nil},
		{"sign alone", "# #", nil},
		{"longest tag", "#" + strings.Repeat("x", 100), []string{"tag " + strings.Repeat("x", 100)}},
		{"longer than a tag", "#" + strings.Repeat("x", 101), nil},
		{"in a URL", "http://example.com/#tag", []string{"url http://example.com/#tag"}},
		{"mention", "Hi @name!", []string{"mention name"}},
		{"mention with dots", "@name.example.social.", []string{"mention name.example.social"}},
		{"mention on a server", "@name@server.example, hi", []string{"mention name@server.example"}},
		{"mention with an unfinished server", "@name@", []string{"mention name"}},
		{"full stop, then a server", "@name.@server", []string{"mention name", "mention server"}},
		{"mail address", "name@example.com", nil},
		{"at alone", "@ @- @.x", nil},
		{"longest name", "@" + strings.Repeat("x", 64), []string{"mention " + strings.Repeat("x", 64)}},
		{"longer than a name", "@" + strings.Repeat("x", 65), nil},
		{"all of them", "@a #b http://c.example #d @e", []string{"mention a", "tag b", "url http://c.example", "tag d", "mention e"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var p Profile
			var got []string
			for _, s := range p.read(test.text).public() {
				got = append(got, [...]string{URLSpan: "url ", TagSpan: "tag ", MentionSpan: "mention "}[s.Kind]+s.Value)
				if s.Kind != URLSpan && test.text[s.Start+1:s.End] != s.Value {
					t.Errorf("got value %q for %q", s.Value, test.text[s.Start:s.End])
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q; want %q", got, test.want)
			}
		})
	}
}

func FuzzURLs(f *testing.F) {
	for _, seed := range []string{
		"See https://example.com/a. (http://b.example/(c)) http://user@d.example HTTP://E.example",
		"http://http://http://http://", "http://a.example\x00b http://\xff", "http://[::1]]]", "看http://t.cn/a，",
		"http://e.example/\u0301 \u0600http://f.example/🏽",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		urls := URLs(text)
		cleaned := clean(text)
		if !utf8.ValidString(cleaned) || clean(cleaned) != cleaned {
			t.Errorf("clean(%q): got %q, which is not clean", text, cleaned)
		}
		for i, url := range urls {
			if err := link.CheckTarget(url); err != nil {
				t.Errorf("got %q: %v", url, err)
			}
			if !strings.Contains(cleaned, url) {
				t.Errorf("got %q, which is not in %q", url, cleaned)
			}
			if slices.Contains(urls[:i], url) {
				t.Errorf("got %q twice", url)
			}
			if again := URLs(url); !slices.Equal(again, []string{url}) {
				t.Errorf("got %q; alone it is %q", url, again)
			}
		}
	})
}
