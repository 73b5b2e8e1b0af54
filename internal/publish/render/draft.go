package render

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// ellipsis shows where a text was cut.
const ellipsis = "…"

// draft is a text in NFC with its spans.
type draft struct {
	text  string
	spans []Span
}

// read makes a draft of a text that is to stay as it is.
func (p *Profile) read(text string) draft {
	text = norm.NFC.String(text)
	return draft{text, annotate(text, findURLs(text), p.Domains)}
}

// compose makes a draft of a message's text: with tracked URLs in place of their
// originals, and URLs as the network shows them.
func (p *Profile) compose(text string, tracked map[string]string) draft {
	text = strings.TrimSpace(clean(text))
	urls := findURLs(text)
	if len(urls) == 0 {
		text = norm.NFC.String(text)
		return draft{text, annotate(text, nil, p.Domains)}
	}
	var b strings.Builder
	b.Grow(len(text))
	from := 0
	for i, u := range urls {
		b.WriteString(norm.NFC.String(text[from:u.Start]))
		from = u.End
		shown := text[u.Start:u.End]
		if u.Kind == URLSpan {
			u.Value = follow(tracked, u.Value)
			shown = p.show(u.Value)
		}
		u.Start = b.Len()
		b.WriteString(norm.NFC.String(shown))
		u.End = b.Len()
		urls[i] = u
	}
	b.WriteString(norm.NFC.String(text[from:]))
	text = b.String()
	return draft{text, annotate(text, urls, p.Domains)}
}

// follow is the short URL in place of url; url itself when it is not tracked.
func follow(tracked map[string]string, url string) string {
	if short, ok := tracked[url]; ok {
		return short
	}
	return url
}

// show is a URL as the network shows it in a text.
func (p *Profile) show(url string) string {
	if p.Short {
		return shorten(url)
	}
	return url
}

// ending is what a link adds to the end of a text: a space and its URL, with its
// span. After an empty text the space is left off.
func (p *Profile) ending(url string, afterText bool) draft {
	var text string
	if afterText {
		text = " "
	}
	start := len(text)
	text += norm.NFC.String(p.show(url))
	return draft{text, []Span{{URLSpan, start, len(text), url}}}
}

// has says whether one of the first end bytes' URLs is url.
func (d draft) has(url string, end int) bool {
	for _, s := range d.spans {
		if s.Kind == URLSpan && s.Value == url && s.End <= end {
			return true
		}
	}
	return false
}

// cut is the draft's first end bytes; end is inside no span.
func (d draft) cut(end int) draft {
	n := len(d.spans)
	for n > 0 && d.spans[n-1].End > end {
		n--
	}
	return draft{d.text[:end], d.spans[:n:n]}
}

// add puts another draft behind.
func (d draft) add(tail draft) draft {
	spans := d.spans[:len(d.spans):len(d.spans)]
	for _, s := range tail.spans {
		s.Start, s.End = s.Start+len(d.text), s.End+len(d.text)
		spans = append(spans, s)
	}
	return draft{d.text + tail.text, spans}
}

// escaped puts a backslash before the reserved characters of all but URLs and those
// tags that stay tags without.
func (d draft) escaped(reserved string) draft {
	if reserved == "" || !strings.ContainsAny(d.text, reserved) {
		return d
	}
	var b strings.Builder
	spans := make([]Span, 0, len(d.spans))
	from := 0
	for _, s := range d.spans {
		escape(&b, d.text[from:s.Start], reserved)
		start := b.Len()
		if s.bare(reserved) {
			b.WriteString(d.text[s.Start:s.End])
		} else {
			escape(&b, d.text[s.Start:s.End], reserved)
		}
		from = s.End
		s.Start, s.End = start, b.Len()
		spans = append(spans, s)
	}
	escape(&b, d.text[from:], reserved)
	return draft{b.String(), spans}
}

// bare says whether a span goes without backslashes: LinkedIn finds URLs in plain
// text, and tags whose word is plain.
func (s Span) bare(reserved string) bool {
	return s.Kind == URLSpan || s.Kind == TagSpan && !strings.ContainsAny(s.Value, reserved)
}

// escape appends a text with a backslash before each reserved character; these are
// ASCII.
func escape(b *strings.Builder, text, reserved string) {
	for i := range len(text) {
		if strings.IndexByte(reserved, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
}

// public are the spans that callers know.
func (d draft) public() []Span {
	var spans []Span
	for _, s := range d.spans {
		if s.Kind < bareSpan {
			spans = append(spans, s)
		}
	}
	return spans
}
