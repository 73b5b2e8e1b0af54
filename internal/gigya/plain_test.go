package gigya

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := plain(in); got != want {
			t.Errorf("%q: got %q; want %q", in, got, want)
		}
	}
	// Text stays as it is.
	f("", "")
	f("a < b", "a < b")
	f("1<2 and 3>2", "1<2 and 3>2")
	f("I <3 you", "I <3 you")
	f("A &amp; B", "A &amp; B")
	f("https://example.com/?a=1&copy=2&lt;=3", "https://example.com/?a=1&copy=2&lt;=3")
	f("a < b https://example.com/?a=1&copy=2&amp;c", "a < b https://example.com/?a=1&copy=2&amp;c")

	// Tags that do not end are text.
	f("hello <b", "hello <b")
	f("<a href='x", "<a href='x")
	f("</b", "</b")
	f("x<!-- y", "x<!-- y")
	f("<b>x</b> <i", "x <i")

	// Tags go.
	f("<b>x</b>", "x")
	f("<STRONG class='a>b'>x</STRONG>", "x")
	f(`<a href="https://evil.example.net/">x</a>`, "x")
	f("<textarea>a<b>c</textarea>", "ac")
	f("<title>a<b>c", "ac")
	f("x<!-- <b> -->y", "xy")
	f("<?php x ?>y", "y")
	f("<!DOCTYPE html>y", "y")
	f("<i>https://example.com/?a=1&copy=2&amp;c=3</i>", "https://example.com/?a=1&copy=2&c=3")
	f("<b>1 &lt; 2 &gt; &quot;0&quot; &#39;&nbsp;&amp;lt; &copy;</b>", `1 < 2 > "0" ' &lt; &copy;`)

	// Lines begin.
	f("a<br>b<br/>c<br />d", "a\nb\nc\nd")
	f("<p>one</p><p>two</p>three", "one\ntwo\nthree")
	f("<ul><li>one</li><li>two</li></ul>", "one\ntwo\n")

	// Scripts and style sheets are dropped.
	f("<script>alert(1)</script>x", "x")
	f("a<SCRIPT src=x>if (a<b) {}</script >b", "ab")
	f("<style>p{}</style>x", "x")
	f("x<script>y", "x")
	f("x<script>y</script", "x")
	f("<b><script>a</b>c</script>d", "d")
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"a < b", "<b>x</b>", "<script>x</script>", "<p>a<br>b &amp;", "x<!-- y", "<textarea><b>", "<svg><style><![CDATA[x]]>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "") // as parameters are
		got := plain(text)
		if !utf8.ValidString(got) || len(got) > len(text) {
			t.Errorf("%q: got %q; want UTF-8 that is no longer", text, got)
		}
		if !strings.Contains(text, "<") && got != text {
			t.Errorf("%q: got %q; want it as it was", text, got)
		}
		for _, tag := range []string{"<b>", "<br>", "<p>", "<script>", "</b>"} {
			if bare := strings.ReplaceAll(text, "&", ""); strings.Contains(plain(bare), tag) && !strings.Contains(bare, "<!--") {
				t.Errorf("%q: got %q; want no %s", bare, plain(bare), tag)
			}
		}
	})
}
