package simulated

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"herald.example/internal/publish/render"
)

// piece is a part of a text as readers see it.
type piece struct {
	Text string
	URL  string // where it leads; empty: nowhere
	Mark bool   // a tag or a name
}

// pieces are the text of a post in parts. Spans that make no sense are left out.
func pieces(p Post) []piece {
	parts := split(p)
	if profile, _ := render.For(p.Provider); profile.Escape != "" {
		for i := range parts {
			parts[i].Text = unescape(parts[i].Text, profile.Escape)
		}
	}
	return parts
}

// plain is the text of a post as it is read.
func plain(p Post) string {
	var b strings.Builder
	for _, part := range pieces(p) {
		b.WriteString(part.Text)
	}
	return b.String()
}

// unescape takes away the backslashes that a network wants before some characters,
// and does not show.
func unescape(text, escaped string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && strings.IndexByte(escaped, text[i+1]) >= 0 {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// split is pieces with what stands in the text.
func split(p Post) []piece {
	spans := p.Spans
	if p.Provider != "bluesky" && !slices.ContainsFunc(spans, func(s render.Span) bool { return s.Kind == render.URLSpan }) {
		// Networks make links of what looks like one. Bluesky alone leaves that to
		// those who post.
		spans = slices.Concat(spans, autolinks(p.Text))
		slices.SortStableFunc(spans, func(a, b render.Span) int { return cmp.Compare(a.Start, b.Start) })
	}
	var parts []piece
	at := 0
	for _, s := range spans {
		if s.Start < at || s.End <= s.Start || s.End > len(p.Text) || !boundary(p.Text, s.Start) || !boundary(p.Text, s.End) {
			continue
		}
		if s.Start > at {
			parts = append(parts, piece{Text: p.Text[at:s.Start]})
		}
		part := piece{Text: p.Text[s.Start:s.End], Mark: s.Kind != render.URLSpan}
		if s.Kind == render.URLSpan && isWeb(s.Value) {
			part.URL = s.Value
		}
		parts = append(parts, part)
		at = s.End
	}
	if at < len(p.Text) {
		parts = append(parts, piece{Text: p.Text[at:]})
	}
	return parts
}

// boundary says whether a character of text begins at i, or text ends there.
func boundary(text string, i int) bool { return i == len(text) || utf8.RuneStart(text[i]) }

// autolinks finds the URLs of a text.
func autolinks(text string) []render.Span {
	var spans []render.Span
	for _, u := range render.URLs(text) {
		for at := 0; ; {
			i := strings.Index(text[at:], u)
			if i < 0 {
				break
			}
			spans = append(spans, render.Span{Kind: render.URLSpan, Start: at + i, End: at + i + len(u), Value: u})
			at += i + len(u)
		}
	}
	// Where one URL begins like another, the longer one is meant.
	slices.SortFunc(spans, func(a, b render.Span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	return spans
}
