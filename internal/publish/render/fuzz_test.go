package render

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"
)

// FuzzRender holds all networks' posts of any message against what Render promises.
func FuzzRender(f *testing.F) {
	for _, text := range []string{
		"Hello, world! 👋 #tag @name@server.example example.org/x",
		strings.Repeat("Grüße aus 東京! ", 40),
		strings.Repeat("👨‍👩‍👧‍👦", 200),
		"q" + strings.Repeat("\u0323", 600),
		strings.Repeat("x", 254) + " a.com-x.y@b.example",
		strings.Repeat("x", 250) + " http://user@a.example/ http://a.example/(b)!",
		strings.Repeat("http://a.example/b ", 30) + "http://127.0.0.1/",
		strings.Repeat("#tag_", 90) + "\u0600#b\u200d \u0600http://a.example/\u0301🏽",
		"a\x00b\r\nc\xff\u2028\ufeffhttp://\u0301.example/x e\u0301",
		strings.Repeat("(*_{<@>}_*)", 300), "#a# http://a.example/#b", strings.Repeat("🇫🇷", 101) + "1\ufe0f\u20e3",
		strings.Repeat("微", 129) + "http://a.example/b",
	} {
		f.Add(text, "", "", 0)
		f.Add(text, "http://a.example/b", "A name", 1)
		f.Add(text, "http://b.example/"+text, text, 3)
		f.Add(text, "http://a.example/b", text, 9)
	}
	providers := slices.Sorted(maps.Keys(profiles))
	f.Fuzz(func(t *testing.T, text, url, words string, files int) {
		content := Content{Text: text, Tracked: map[string]string{}}
		if url != "" {
			content.Link = &Link{URL: url, Name: words, Caption: words, Description: words}
		}
		if files&1 != 0 {
			content.Media = append(content.Media, picture)
		}
		if files&2 != 0 {
			content.Media = append(content.Media, picture, video)
		}
		if files&8 != 0 {
			content.NameFirst, content.Below, content.Location = true, &Link{URL: url, Name: words}, &Location{NoPoint: true, PlaceID: words}
			for i := range content.Media {
				content.Media[i].Link = url
			}
		}
		for i, original := range append(URLs(text), URLs(url)...) {
			if files&4 == 0 {
				content.Tracked[original] = "https://s.example/" + strings.Repeat("a", 1+i%20)
			}
		}
		for _, provider := range providers {
			p := known(t, provider)
			post, losses, err := Render(p, content)
			if err != nil {
				continue
			}
			check(t, p, content, post, losses)
			if t.Failed() {
				t.Fatalf("%s: %.500q became %.500q", provider, text, post.Text)
			}
		}
	})
}

// check holds a post against what Render promises.
func check(t *testing.T, p Profile, c Content, post Post, losses []Loss) {
	t.Helper()
	text := post.Text
	if !norm.NFC.IsNormalString(text) {
		t.Error("the text is not in NFC")
	}
	if len(post.Media) > 0 && p.MediaText != (Limits{}) {
		p.Text = p.MediaText
	}
	if !Fits(p, text) {
		used, limit := Length(p, text)
		t.Errorf("the text does not fit: %d of %d", used, limit)
	}
	if u, l := Length(p, text); l > 0 {
		if again, _ := Length(p, norm.NFC.String(text)); u > l || again != u {
			t.Errorf("got lengths %d and %d of %d", u, again, l)
		}
	}
	end := 0
	for _, s := range post.Spans {
		if s.Start < end || s.End <= s.Start || s.End > len(text) {
			t.Fatalf("span %+v: out of range or order", s)
		}
		if end = s.End; !utf8.RuneStart(text[s.Start]) || end < len(text) && !utf8.RuneStart(text[end]) {
			t.Errorf("span %+v: inside a code point", s)
		}
		if _, ok := c.Tracked[s.Value]; ok && s.Kind == URLSpan && !isShort(c, s.Value) {
			t.Errorf("span %+v: leads to an original", s)
		}
		if shown := text[s.Start:s.End]; s.Kind == URLSpan && !p.Short && shown != norm.NFC.String(s.Value) {
			t.Errorf("span %+v: shows %q", s, shown)
		}
	}
	for _, url := range URLs(text) {
		if p.Short {
			break // only spans are links
		}
		if _, ok := c.Tracked[url]; ok && !isShort(c, url) {
			t.Errorf("the text has the original %q", url)
		}
	}
	if post.Link != nil {
		if _, ok := c.Tracked[post.Link.URL]; ok && !isShort(c, post.Link.URL) {
			t.Errorf("the link is the original %q", post.Link.URL)
		}
		for _, word := range []struct {
			text  string
			limit Limit
		}{{post.Link.Name, p.Name}, {post.Link.Caption, p.Caption}, {post.Link.Description, p.Description}} {
			if word.text != "" && !Fits(Profile{Text: Limits{word.limit}}, word.text) || word.text != "" && word.limit.Max == 0 {
				t.Errorf("the link's word %q does not fit", word.text)
			}
		}
	} else if c.Link != nil && len(losses) == 0 && !slices.ContainsFunc(post.Spans, func(s Span) bool { return s.Kind == URLSpan }) {
		t.Error("the link is lost without a word")
	}
	if b := post.Below; b != nil {
		if _, ok := c.Tracked[b.URL]; ok && !isShort(c, b.URL) {
			t.Errorf("the link below is the original %q", b.URL)
		}
		if p.Below.Max == 0 || !Fits(Profile{Text: Limits{p.Below}}, b.Name) || strings.Contains(b.Name, "\n") {
			t.Errorf("the name below, %q, does not fit", b.Name)
		}
	} else if c.Below != nil && len(losses) == 0 {
		t.Error("the link below is lost without a word")
	}
	for _, m := range post.Media {
		if _, ok := c.Tracked[m.Link]; ok && !isShort(c, m.Link) {
			t.Errorf("a picture leads to the original %q", m.Link)
		}
	}
	if p.Located != (post.Location != nil) && c.Location != nil {
		t.Errorf("got location %v; want one: %v", post.Location, p.Located)
	}
	checkCut(t, p, c, text)
}

// checkCut looks where a text was cut: not inside a grapheme cluster of the whole.
func checkCut(t *testing.T, p Profile, c Content, text string) {
	t.Helper()
	if p.NoTopic || p.Escape != "" {
		return // the text was changed also where it was not cut
	}
	full := p.compose(c.Text, c.Tracked).text
	kept := 0
	for kept < len(text) && kept < len(full) && text[kept] == full[kept] {
		kept++
	}
	rest, cut := strings.CutPrefix(text[kept:], ellipsis)
	if !cut || kept == len(full) || rest != "" && !strings.HasPrefix(rest, " http") {
		return
	}
	if kept > 0 && text[kept-1] == ' ' {
		kept-- // the space before the ellipsis is ours
	}
	for at := 0; at < kept; {
		cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(full[at:], -1)
		if at += len(cluster); at > kept {
			t.Errorf("cut inside the cluster %q", cluster)
		}
	}
}

// isShort says whether a URL is one of the short ones, too.
func isShort(c Content, url string) bool {
	for _, short := range c.Tracked {
		if short == url {
			return true
		}
	}
	return false
}
