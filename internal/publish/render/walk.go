package render

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// cost is what a text costs under each of two limits, in parts of their units.
type cost [2]int

// walker goes through a draft by grapheme clusters and adds up what they cost.
type walker struct {
	p      *Profile
	limits Limits
	d      draft
	escape string // characters that will get a backslash

	max    cost // 0: no limit
	used   cost // by the text before pos
	pos    int  // a boundary of grapheme clusters
	next   int  // the first span that does not end before pos
	price  int  // of the next span, in characters
	paid   int  // up to where the price pays for it; its start: there is no price
	dotted bool // pos is in or behind a run of domain bytes with a dot in it
}

// walk starts at the beginning of a draft.
func (p *Profile) walk(limits Limits, d draft, escape string) walker {
	w := walker{p: p, limits: limits, d: d, escape: escape}
	for i, l := range limits {
		w.max[i] = l.Max * l.Unit.scale()
	}
	return w
}

// count is what a whole draft costs.
func (p *Profile) count(limits Limits, d draft, escape string) cost {
	w := p.walk(limits, d, escape)
	for w.step() {
	}
	return w.used
}

// over says whether a limit is broken when something is added.
func (w *walker) over(more cost) bool {
	for i, most := range w.max {
		if most > 0 && w.used[i]+more[i] > most {
			return true
		}
	}
	return false
}

// step goes past one grapheme cluster; false at the end of the text.
func (w *walker) step() bool {
	text := w.d.text
	from := w.pos
	if from == len(text) {
		return false
	}
	end := clusterEnd(text, from)
	w.pos = end
	if c := text[from]; c == '.' {
		w.dotted = true
	} else if !domainByte(c) || end != from+1 {
		w.dotted = false
	}
	for from < end {
		w.pass(from)
		if w.next == len(w.d.spans) || w.d.spans[w.next].Start >= end {
			w.pay(text[from:end], true)
			break
		}
		from = w.stepSpan(from, end)
	}
	w.pass(end)
	return true
}

// pass leaves the spans behind that end before at.
func (w *walker) pass(at int) {
	for w.next < len(w.d.spans) && w.d.spans[w.next].End <= at {
		w.next++
	}
}

// stepSpan pays for the bytes from and to, of which some are the next span's, and
// returns up to where it paid.
func (w *walker) stepSpan(from, to int) int {
	text, s := w.d.text, &w.d.spans[w.next]
	if from <= s.Start { // the span is new
		w.price, w.paid = w.p.price(text, s)
		for i, l := range w.limits {
			if l.Unit == URLCount && s.Kind == URLSpan {
				w.used[i]++
			}
		}
	}
	if w.paid <= s.Start { // without a price; clusters at its ends stay whole
		if after := w.next + 1; after < len(w.d.spans) {
			to = min(to, w.d.spans[after].Start)
		}
		w.pay(text[from:to], from < s.Start || !s.bare(w.escape))
		return to
	}
	if from < s.Start {
		w.pay(text[from:s.Start], true)
	}
	if from <= s.Start {
		for i, l := range w.limits {
			if l.Unit != URLCount {
				w.used[i] += w.price * l.Unit.scale()
			}
		}
	}
	to = min(to, s.End)
	if from = max(from, w.paid); from < to {
		w.pay(text[from:to], true)
	}
	return to
}

// pay adds what a grapheme cluster costs, or a piece of one, with its backslashes.
func (w *walker) pay(piece string, escaped bool) {
	slashes := 0
	if escaped && w.escape != "" {
		for i := range len(piece) {
			if strings.IndexByte(w.escape, piece[i]) >= 0 {
				slashes++
			}
		}
	}
	for i, l := range w.limits {
		if l.Max > 0 || i == 0 {
			w.used[i] += l.Unit.cost(piece) + slashes
		}
	}
}

// free says whether the text may be cut at pos: not inside a span, and not so that
// the rest of a word becomes a domain that it was not.
func (w *walker) free() bool {
	if w.next < len(w.d.spans) && w.d.spans[w.next].Start < w.pos {
		return false
	}
	if !w.p.Domains || !w.dotted || w.pos == len(w.d.text) {
		return true
	}
	c := w.d.text[w.pos]
	return !domainByte(c) && c != '@' && c != '+'
}

// fit finds how much of the draft stays when tail is to follow: all of it, or what
// ends where it may be cut and not behind a space, with room for an ellipsis. over is
// the limit that all of it would break; none: it fits.
func (w *walker) fit(tail cost) (end int, over Limit) {
	if w.fitsAnyway(tail) {
		return len(w.d.text), Limit{}
	}
	var dots, space cost
	for i, l := range w.limits {
		dots[i], space[i] = l.Unit.cost(ellipsis), l.Unit.cost(" ")
	}
	blank, atBlank := 0, cost{} // the last place before a space, and what it costs to come there
	for w.step() {
		for i, most := range w.max {
			if most == 0 || w.used[i]+tail[i] <= most {
				continue
			}
			if budget := most - tail[i] - dots[i]; blank > 0 && 5*atBlank[i] >= 4*budget {
				end = blank
			}
			return end, w.limits[i]
		}
		if last, _ := utf8.DecodeLastRuneInString(w.d.text[:w.pos]); unicode.IsSpace(last) || !w.free() {
			continue
		}
		more := tail
		for i := range more {
			more[i] += dots[i]
			if w.behindURL() {
				more[i] += space[i]
			}
		}
		if !w.over(more) {
			end = w.pos
			if next, _ := utf8.DecodeRuneInString(w.d.text[end:]); unicode.IsSpace(next) {
				blank, atBlank = end, w.used
			}
		}
	}
	return len(w.d.text), Limit{}
}

// fitsAnyway says whether the draft is so short that it need not be counted: in no
// unit does a text cost more than its bytes, but for spans with a price.
func (w *walker) fitsAnyway(tail cost) bool {
	bytes := len(w.d.text)
	if w.escape != "" {
		bytes *= 2
	}
	for i, l := range w.limits {
		dearest := bytes + len(w.d.spans)*max(w.p.URLCost*l.Unit.scale(), 1)
		if l.Max > 0 && dearest+tail[i] > w.max[i] {
			return false
		}
	}
	return true
}

// behindURL says whether pos is right behind a URL, where an ellipsis would be
// taken for a part of it.
func (w *walker) behindURL() bool {
	if w.next == 0 {
		return false
	}
	s := &w.d.spans[w.next-1]
	return s.End == w.pos && s.joins()
}

// joins says whether auto-linkers may take what follows a span for a part of it.
func (s *Span) joins() bool { return s.Kind != TagSpan && s.Kind != MentionSpan }

// endsInURL says whether a draft's last word is a URL.
func (d draft) endsInURL() bool {
	n := len(d.spans)
	return n > 0 && d.spans[n-1].End == len(d.text) && d.spans[n-1].joins()
}

// price is what a network takes for a span, in characters, and up to where it is
// paid with that; s.Start: there is no price, and the span costs as much as any text.
func (p *Profile) price(text string, s *Span) (price, paid int) {
	switch s.Kind {
	case URLSpan, bareSpan:
		if p.URLCost == 0 || s.Kind == URLSpan && byAddress(s.Value) {
			break
		}
		paid = s.End
		if p.Domains {
			paid = s.Start + easyURL(text[s.Start:s.End])
		}
		if paid > s.Start {
			return p.URLCost, paid
		}
	case MentionSpan:
		if name := strings.IndexByte(s.Value, '@'); p.Local && name >= 0 {
			return len("@") + name, s.End
		}
	}
	return 0, s.Start
}

// easyURL is the length of the part of a URL that X surely takes for it. What
// follows may be counted as text.
func easyURL(url string) int {
	const longest = 4096 // bytes; longer URLs are text (twitter-text, extractUrls)
	if len(url) > longest {
		return 0
	}
	from := strings.Index(url, "://")
	if from >= 0 {
		from += len("://")
	}
	inHost := true
	for i := max(from, 0); i < len(url); i++ {
		c := url[i]
		switch {
		case inHost && (c == '/' || c == '?' || c == '#'):
			inHost = false
		case inHost && c < utf8.RuneSelf && !domainByte(c) && c != '_' && c != ':',
			!inHost && (c >= utf8.RuneSelf || strings.IndexByte(`\^{}`, c) >= 0):
			return i
		}
	}
	return len(url)
}

// clusterEnd is where the grapheme cluster ends that begins at from.
func clusterEnd(text string, from int) int {
	if c := text[from]; c < utf8.RuneSelf && c != '\r' && (from+1 == len(text) || text[from+1] < utf8.RuneSelf) {
		return from + 1
	}
	cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(text[from:], -1)
	return from + len(cluster)
}
