package bluesky

import (
	"context"
	"net/url"
	"strings"
	"unicode/utf8"

	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// facet says what a part of a text is (lexicon app.bsky.richtext.facet).
type facet struct {
	Index    span      `json:"index"`
	Features []feature `json:"features"`
}

// span selects bytes of the text in UTF-8, not characters.
type span struct {
	Start int `json:"byteStart"`
	End   int `json:"byteEnd"`
}

// feature is one of link, tag and mention: one of URI, Tag and DID is set.
type feature struct {
	Type string `json:"$type"`
	URI  string `json:"uri,omitempty"`
	Tag  string `json:"tag,omitempty"`
	DID  string `json:"did,omitempty"`
}

// Limits of facets.
const (
	maxTag      = 64 // graphemes by the lexicon; counted in runes here, which are never fewer
	maxTagBytes = 640
	maxMentions = 5 // names to look up for one post; the others stay plain text
)

// facets are the spans of a post as the network takes them. The server accepts
// any offsets and shows nonsense, so spans that select no whole characters, or
// overlap, are left out. resolve finds the DID of a handle; empty: nobody has it.
func facets(post render.Post, resolve func(handle string) string) []facet {
	var all []facet
	end, mentions := 0, 0
	for _, s := range post.Spans {
		if s.Start < end || s.End <= s.Start || s.End > len(post.Text) || !onRunes(post.Text, s) {
			continue
		}
		var f feature
		switch s.Kind {
		case render.URLSpan:
			f = feature{Type: "app.bsky.richtext.facet#link", URI: s.Value}
		case render.TagSpan:
			if s.Value == "" || len(s.Value) > maxTagBytes || utf8.RuneCountInString(s.Value) > maxTag {
				continue
			}
			f = feature{Type: "app.bsky.richtext.facet#tag", Tag: s.Value}
		case render.MentionSpan:
			if !isHandle(s.Value) || mentions == maxMentions {
				continue
			}
			mentions++
			did := resolve(s.Value)
			if did == "" {
				continue
			}
			f = feature{Type: "app.bsky.richtext.facet#mention", DID: did}
		default:
			continue
		}
		all = append(all, facet{span{s.Start, s.End}, []feature{f}})
		end = s.End
	}
	return all
}

// onRunes says whether a span begins and ends between characters.
func onRunes(text string, s render.Span) bool {
	return utf8.RuneStart(text[s.Start]) && (s.End == len(text) || utf8.RuneStart(text[s.End]))
}

// resolve asks the account's server for the DID of a handle. A mention is not
// worth failing a post: without an answer it stays plain text.
func (n *Network) resolve(ctx context.Context, base string, handle string) string {
	var answer struct {
		DID string `json:"did"`
	}
	query := url.Values{"handle": {strings.ToLower(handle)}}
	if err := n.get(ctx, base, "com.atproto.identity.resolveHandle", query, site.Credentials{}, &answer); err != nil || !isDID(answer.DID) {
		return ""
	}
	return answer.DID
}

// isHandle says whether a name can be a handle: a host name of at least two
// labels (atproto.com/specs/handle).
func isHandle(name string) bool {
	if len(name) > 253 || !strings.Contains(name, ".") {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !isAlphanumeric(c) && c != '-' {
				return false
			}
		}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	return last[0] < '0' || last[0] > '9'
}

// isDID says whether text is an identifier of an account (atproto.com/specs/did).
func isDID(text string) bool {
	method, id, ok := strings.Cut(strings.TrimPrefix(text, "did:"), ":")
	if !strings.HasPrefix(text, "did:") || !ok || len(text) > 2048 || method == "" || id == "" {
		return false
	}
	for _, c := range []byte(method) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	for _, c := range []byte(id) {
		if !isAlphanumeric(c) && !strings.ContainsRune("._:%-", rune(c)) {
			return false
		}
	}
	return id[len(id)-1] != ':' && id[len(id)-1] != '%'
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
