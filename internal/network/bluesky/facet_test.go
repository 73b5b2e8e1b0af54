package bluesky

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/publish/render"
)

func TestFacets(t *testing.T) {
	link := func(start, end int, uri string) facet {
		return facet{span{start, end}, []feature{{Type: "app.bsky.richtext.facet#link", URI: uri}}}
	}
	tag := func(start, end int, word string) facet {
		return facet{span{start, end}, []feature{{Type: "app.bsky.richtext.facet#tag", Tag: word}}}
	}
	mention := func(start, end int, did string) facet {
		return facet{span{start, end}, []feature{{Type: "app.bsky.richtext.facet#mention", DID: did}}}
	}
	const family = "👨‍👩‍👧‍👦" // 25 bytes
	url := func(start, end int) render.Span {
		return render.Span{Kind: render.URLSpan, Start: start, End: end, Value: "https://a.example/b"}
	}
	tests := []struct {
		name  string
		text  string
		spans []render.Span
		want  []facet
	}{
		{"none", "nothing", nil, nil},
		{"a short form", "see a.example/…", []render.Span{url(4, 17)}, []facet{link(4, 17, "https://a.example/b")}},
		{"bytes, not characters", family + " é a.example", []render.Span{url(29, 38)}, []facet{link(29, 38, "https://a.example/b")}},
		{"a tag", "ü #日本", []render.Span{{Kind: render.TagSpan, Start: 3, End: 10, Value: "日本"}}, []facet{tag(3, 10, "日本")}},
		{"a tag that is too long", "#" + strings.Repeat("x", 65), []render.Span{{Kind: render.TagSpan, Start: 0, End: 66, Value: strings.Repeat("x", 65)}}, nil},
		{"an empty tag", "#", []render.Span{{Kind: render.TagSpan, Start: 0, End: 1}}, nil},
		{"a mention", "@alice.test!", []render.Span{{Kind: render.MentionSpan, Start: 0, End: 11, Value: "alice.test"}}, []facet{mention(0, 11, "did:plc:alice")}},
		{"a mention of nobody", "@zed.test", []render.Span{{Kind: render.MentionSpan, Start: 0, End: 9, Value: "zed.test"}}, nil},
		{"a mention of no handle", "@alice", []render.Span{{Kind: render.MentionSpan, Start: 0, End: 6, Value: "alice"}}, nil},
		{"two in order", "a.example b.example", []render.Span{url(0, 9), url(10, 19)}, []facet{link(0, 9, "https://a.example/b"), link(10, 19, "https://a.example/b")}},
		{"overlapping", "a.example", []render.Span{url(0, 5), url(4, 9)}, []facet{link(0, 5, "https://a.example/b")}},
		{"beyond the end", "a.example", []render.Span{url(0, 10)}, nil},
		{"before the start", "a.example", []render.Span{url(-1, 4)}, nil},
		{"empty", "a.example", []render.Span{url(3, 3)}, nil},
		{"from within a character", "é.example", []render.Span{url(1, 5)}, nil},
		{"into a character", "aé", []render.Span{url(0, 2)}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolve := func(handle string) string {
				if handle == "alice.test" {
					return "did:plc:alice"
				}
				return ""
			}
			got := facets(render.Post{Text: test.text, Spans: test.spans}, resolve)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("facets (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMentionsAreFew shows that a text of names is not as many questions.
func TestMentionsAreFew(t *testing.T) {
	var post render.Post
	for range 50 {
		start := len(post.Text)
		post.Text += "@alice.test "
		post.Spans = append(post.Spans, render.Span{Kind: render.MentionSpan, Start: start, End: start + 11, Value: "alice.test"})
	}
	asked := 0
	facets(post, func(string) string { asked++; return "" })
	if asked != maxMentions {
		t.Errorf("got %d questions; want %d", asked, maxMentions)
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 64)
	for name, want := range map[string]bool{
		"alice.test": true, "a.b.c.example": true, "x-1.example": true, "1.example": true, "ALICE.test": true,
		"": false, "alice": false, ".test": false, "alice.": false, "a..b": false, "-a.test": false, "a-.test": false, "a_b.test": false,
		"a.1test": false, "ä.test": false, long + ".test": false, strings.Repeat("a.", 127) + "test": false,
	} {
		if got := isHandle(name); got != want {
			t.Errorf("isHandle(%q): got %v; want %v", name, got, want)
		}
	}
	for text, want := range map[string]bool{
		"did:plc:6ke4gp4mnigkdlrkwvaugjzq": true, "did:web:example.com": true, "did:web:localhost%3A80": true, "did:a:b:c": true,
		"": false, "did:": false, "did:plc": false, "did:plc:": false, "did::a": false, "did:PLC:a": false, "did:plc:a b": false,
		"did:plc:a/b": false, "did:plc:a:": false, "did:plc:a%": false, "DID:plc:a": false, "plc:did:a": false, "did:plc:a?b": false,
	} {
		if got := isDID(text); got != want {
			t.Errorf("isDID(%q): got %v; want %v", text, got, want)
		}
	}
}
