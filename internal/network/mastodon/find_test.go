package mastodon

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// post is a post whose spans are the URLs in its text.
func post(text string) render.Post {
	p := render.Post{Text: text}
	for _, u := range render.URLs(text) {
		i := strings.Index(text, u)
		p.Spans = append(p.Spans, render.Span{Kind: render.URLSpan, Start: i, End: i + len(u), Value: u})
	}
	return p
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		name, text, content string
		want                bool
	}{
		{"Mastodon", "Read this: https://s.example/8WEtk2a\nnow", `<p>Read this: <a href="https://s.example/8WEtk2a" rel="nofollow"><span class="invisible">https://</span><span class="">s.example/8WEtk2a</span></a><br />now</p>`, true},
		{"shown shortened", "Read https://s.example/8WEtk2a", `Read <a href="https://s.example/8WEtk2a">s.example/…</a>`, true},
		{"marks taken for markup", "Read *this* & that https://s.example/8WEtk2a", `Read <i>this</i> &amp; that <a href="https://s.example/8WEtk2a">https://s.example/8WEtk2a</a>`, true},
		{"other words", "Read this https://s.example/8WEtk2a", `Read that <a href="https://s.example/8WEtk2a">x</a>`, false},
		{"other link", "Read this https://s.example/8WEtk2a", `Read this <a href="https://s.example/8WEtk2b">https://s.example/8WEtk2a</a>`, false},
		{"link that is only text", "Read this https://s.example/8WEtk2a", `Read this https://s.example/8WEtk2a`, false},
		{"link alone", "https://s.example/8WEtk2a", `<p><a href="https://s.example/8WEtk2a">https://s.example/8WEtk2a</a></p>`, true},
		{"words alone", "Grüße 日本語 \"heute\"", `<p>Grüße 日本語 “heute”</p>`, true},
		{"signs alone", "🎉🎉", `<p>🎉🎉</p>`, true},
		{"other signs", "🎉🎉", `<p>🎉</p>`, false},
		{"more words", "Grüße", `<p>Grüße an alle</p>`, false},
		{"nothing to go by", "…", `<p>…</p>`, false},
		{"somebody elsewhere", "Hello @bob@social.example!", `<p>Hello <span class="h-card"><a href="https://social.example/@bob" class="u-url mention">@<span>bob</span></a></span>!</p>`, true},
		{"tag", "About #golang", `<p>About <a href="https://s/tags/golang" class="mention hashtag">#<span>golang</span></a></p>`, true},
		{"script", "Hello", `<p>Hello<script>alert(1)</script><style>x</style></p>`, true},
	} {
		if got := printOf(post(test.text)).matches(test.content); got != test.want {
			t.Errorf("%s: got %v; want %v", test.name, got, test.want)
		}
	}
}

func TestPlain(t *testing.T) {
	got := plain(`<p>One &amp; <b>two</b><br>three</p><p>four<br/>five</p><ul><li>six</ul><!-- seven --><script>eight</script><p`)
	if want := "One & two\nthree\nfour\nfive\nsix"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add(`<p>One &amp; <b>two</b><br><a href="x">three</a></p>`, "x")
	f.Add(`<script><style></script>`, "")
	f.Fuzz(func(t *testing.T, content, hidden string) {
		whole, links := plainWithout(content, nil)
		less, again := plainWithout(content, []string{hidden})
		if len(less) > len(whole) || cmp.Diff(links, again) != "" {
			t.Errorf("got %q to %q, hidden %q to %q; want less of the same", whole, links, less, again)
		}
	})
}

func TestServerOf(t *testing.T) {
	for _, test := range []struct{ server, name, want string }{
		{"https://social.example", "", "https://social.example"},
		{"https://Social.Example./", "x@y", "https://social.example"},
		{"http://localhost:8001", "", "http://localhost:8001"},
		{"http://[::1]:8001", "", "http://[::1]:8001"},
		{"", "alice@social.example", "https://social.example"},
		{"", "@alice@social.example:8443", "https://social.example:8443"},
		{"", "alice", ""},
		{"", "alice@", ""},
		{"", "", ""},
		{"social.example", "", ""},
		{"ftp://social.example", "", ""},
		{"https://user@social.example", "", ""},
		{"https://social.example/path", "", ""},
		{"https://social.example?x", "", ""},
		{"https://social.example#x", "", ""},
		{"", "alice@social.example/path", ""},
		{"", "alice@evil.example?x=", ""},
		{"https://", "", ""},
	} {
		got, err := serverOf(site.Account{Server: test.server, Name: test.name})
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q of %q: got %q, %v; want %q", test.server, test.name, got, err, test.want)
		}
	}
}
