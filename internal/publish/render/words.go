package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of the words that are taken for more than words. Longer ones are plain
// text, which may be cut.
const (
	maxTag  = 100 // code points; no network takes more
	maxName = 64  // bytes of the name in @name@server
	maxHost = 253 // bytes of the server (RFC 1035)
)

// annotate finds tags and mentions between the URLs of a text, and bare domains
// where the network makes URLs of them. All spans come back in order.
func annotate(text string, urls []Span, bare bool) []Span {
	var spans []Span
	from := 0
	for _, u := range urls {
		spans = append(annotateGap(spans, text, from, u.Start, bare), u)
		from = u.End
	}
	return annotateGap(spans, text, from, len(text), bare)
}

// annotateGap appends the spans between from and to, where there are no URLs.
func annotateGap(spans []Span, text string, from, to int, bare bool) []Span {
	add := func(s Span) { spans = append(spans, s) }
	done := from // where bare domains are still to be looked for
	for from < to {
		i := strings.IndexAny(text[from:to], "#@")
		if i < 0 {
			break
		}
		i += from
		s := Span{Start: i}
		if text[i] == '#' {
			s.Kind, s.End = TagSpan, tagEnd(text[:to], i)
		} else {
			s.Kind, s.End = MentionSpan, mentionEnd(text[:to], i)
		}
		if s.End == i {
			from = i + 1
			continue
		}
		s.Value = text[i+1 : s.End]
		if bare {
			domains(text, done, i, add)
		}
		add(s)
		from, done = s.End, s.End
	}
	if bare {
		domains(text, done, to, add)
	}
	return spans
}

// tagEnd is where the tag ends that begins with the '#' at i; i: it begins none. A
// tag is a word with a letter in it.
func tagEnd(text string, i int) int {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	if i > 0 && (tagRune(before) || before == '&' || before == '/' || before == '#') {
		return i
	}
	letters, n, end := false, 0, len(text)
	for j, r := range text[i+1:] {
		if !tagRune(r) {
			end = i + 1 + j
			break
		}
		if n++; n > maxTag {
			return i
		}
		letters = letters || unicode.IsLetter(r)
	}
	if !letters {
		return i
	}
	return end
}

// tagRune says whether r may stand in a tag.
func tagRune(r rune) bool {
	return r < utf8.RuneSelf && wordByte(byte(r)) || r >= utf8.RuneSelf && unicode.In(r, unicode.L, unicode.M, unicode.N)
}

// mentionEnd is where the mention ends that begins with the '@' at i; i: it begins
// none. A mention is @name or @name@server.
func mentionEnd(text string, i int) int {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	if i > 0 && (tagRune(before) || strings.ContainsRune("&/=@#$!", before)) {
		return i
	}
	name, whole := nameEnd(text, i+1, maxName)
	if name == i+1 {
		return i
	}
	if !whole || name == len(text) || text[name] != '@' {
		return name
	}
	server, _ := nameEnd(text, name+1, maxHost)
	if server == name+1 {
		return name
	}
	return server
}

// nameEnd is where the name ends that begins at i: at a letter, a digit or '_'. It
// is whole when no '.' or '-' follows. Longer names than most bytes are none.
func nameEnd(text string, i, most int) (end int, whole bool) {
	end = i
	if i == len(text) || !wordByte(text[i]) {
		return i, false
	}
	for end < len(text) && (wordByte(text[end]) || text[end] == '.' || text[end] == '-') {
		if end++; end-i > most {
			return i, false
		}
	}
	long := end
	for end > i && !wordByte(text[end-1]) {
		end--
	}
	return end, end == long
}
