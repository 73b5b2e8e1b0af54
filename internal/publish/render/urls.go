package render

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"

	"herald.example/internal/link"
)

// URLs returns the distinct http and https URLs of a text that can be links, in
// the order in which they occur. They end as auto-linkers end them: before spaces,
// quotes and angle brackets, and without the punctuation and the unbalanced
// brackets behind them.
func URLs(text string) []string {
	var urls []string
	seen := make(map[string]bool)
	for _, s := range findURLs(clean(text)) {
		if s.Kind == URLSpan && !seen[s.Value] {
			seen[s.Value] = true
			urls = append(urls, s.Value)
		}
	}
	return urls
}

// findURLs finds the URLs of a text, and what looks like URLs but breaks the rules of
// links. It reads every byte a few times at most.
func findURLs(text string) []Span {
	var spans []Span
	for from := 0; ; {
		i := strings.Index(text[from:], "://")
		if i < 0 {
			return spans
		}
		colon := from + i
		start := schemeStart(text, from, colon)
		if start < 0 {
			from = colon + len("://")
			continue
		}
		stop := urlEnd(text, colon+len("://"))
		end := start + len(trimURL(text[start:stop]))
		value := text[start:end]
		kind := URLSpan
		if end <= colon+len("://") || link.CheckTarget(value) != nil {
			kind, end, value = junkSpan, stop, ""
		}
		spans = append(spans, Span{kind, start, end, value})
		from = stop
	}
}

// schemeStart is where the http or https before the colon begins, not before from;
// -1: there is none, or it is the end of a longer word.
func schemeStart(text string, from, colon int) int {
	for _, scheme := range [...]string{"https", "http"} {
		start := colon - len(scheme)
		if start >= from && strings.EqualFold(text[start:colon], scheme) {
			if start > 0 && (wordByte(text[start-1]) || strings.IndexByte("@$#", text[start-1]) >= 0) {
				return -1
			}
			return start
		}
	}
	return -1
}

// wordByte says whether c is an ASCII letter or digit, or '_'.
func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// urlEnd is where the URL ends whose host begins at host.
func urlEnd(text string, host int) int {
	inHost := true
	for i, r := range text[host:] {
		switch {
		case r <= ' ' || r == '"' || r == '<' || r == '>' || r == '`' || r == 0x7f:
			return host + i
		case r < utf8.RuneSelf:
			if inHost {
				if strings.ContainsRune(`,;()'*!|}`, r) {
					return host + i
				}
				inHost = r != '/' && r != '?' && r != '#'
			}
		case r == '\u200c' || r == '\u200d': // Persian and Indian words have them
		case unicode.In(r, unicode.L, unicode.M, unicode.N):
		case inHost && unicode.IsSymbol(r): // there are hosts of emoji
		default:
			return host + i
		}
	}
	return len(text)
}

// trimURL takes from the end what belongs to the sentence around the URL.
func trimURL(url string) string {
	// How many more brackets are opened than closed: round, square, curly.
	var open [3]int
	for i := range len(url) {
		if k, step := bracket(url[i]); step != 0 {
			open[k] += step
		}
	}
	for len(url) > 0 {
		last := url[len(url)-1]
		k, step := bracket(last)
		if step == 0 && strings.IndexByte("?!.,:;'*~", last) < 0 || step < 0 && open[k] >= 0 {
			break
		}
		open[k] -= step
		url = url[:len(url)-1]
	}
	return url
}

// linkable writes a URL so that it is found whole in a text: what would end it
// there is percent-encoded. It is empty when that does not help, since the host
// itself is unusual.
func linkable(url string) string {
	found := func(url string) bool {
		spans := findURLs(url)
		return len(spans) == 1 && spans[0].Kind == URLSpan && spans[0].Value == url
	}
	if found(url) {
		return url
	}
	_, rest := hostOf(url)
	path := len(url) - len(rest)
	body := strings.TrimRight(trimURL(url), "?")
	end := max(len(body), path)
	var b strings.Builder
	b.WriteString(url[:path])
	for i := path; i < len(url); i++ {
		switch c := url[i]; {
		case i >= end && c == '?': // an empty query
		case i >= end, c >= utf8.RuneSelf, strings.IndexByte("\"<>`()[]{}", c) >= 0:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	if url = b.String(); !found(url) {
		return ""
	}
	return url
}

// bracket tells the kind of a bracket, and 1 when it opens, -1 when it closes; 0
// for all else.
func bracket(c byte) (kind, step int) {
	switch c {
	case '(':
		return 0, 1
	case ')':
		return 0, -1
	case '[':
		return 1, 1
	case ']':
		return 1, -1
	case '{':
		return 2, 1
	case '}':
		return 2, -1
	}
	return 0, 0
}

// hostOf returns the host of a URL, without its port, and all behind it.
func hostOf(url string) (host, rest string) {
	_, host, _ = strings.Cut(url, "://")
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host, rest = host[:i], host[i:]
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return host, rest
}

// byAddress says whether a URL names its host by an IP address. Networks that give
// URLs a price of their own do not take these for URLs.
func byAddress(url string) bool {
	host, _ := hostOf(url)
	if strings.HasPrefix(host, "[") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// shorten is a URL as people like to see it: without its scheme, and cut when what
// follows the host is long (as in Bluesky's own programs).
func shorten(url string) string {
	const (
		longest = 15 // graphemes behind the host that are still shown whole
		kept    = 13
	)
	_, shown, _ := strings.Cut(url, "://")
	_, rest := hostOf(url)
	if !norm.NFC.PropertiesString(shown).BoundaryBefore() {
		return url // its first character would melt into the one before
	}
	if rest == "/" {
		return shown[:len(shown)-1]
	}
	at, cut := len(shown)-len(rest), 0
	for n := 0; at < len(shown); n++ {
		if n == kept {
			cut = at
		}
		if n == longest {
			return shown[:cut] + ellipsis
		}
		at = clusterEnd(shown, at)
	}
	return shown
}

// domains calls found for the domains without scheme that X takes for URLs, between
// from and to: names that end in a top level domain which exists, with what follows
// them.
func domains(text string, from, to int, found func(Span)) {
	for i := from; i < to; {
		if !domainByte(text[i]) {
			i++
			continue
		}
		start := i
		for i < to && domainByte(text[i]) {
			i++
		}
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		if start > 0 && strings.ContainsRune("@$#_/＠＃", before) {
			continue
		}
		n := domain(text[start:i], i < to && (text[i] == '@' || text[i] == '+'))
		if n == 0 {
			continue
		}
		end := start + n
		if end == i {
			end = domainTail(text[:to], end)
		}
		found(Span{Kind: bareSpan, Start: start, End: end})
		i = max(i, end)
	}
}

// domainByte says whether c may stand in a domain.
func domainByte(c byte) bool { return c != '_' && wordByte(c) || c == '-' || c == '.' }

// domain is the length of the longest domain that a run of domain bytes begins with;
// 0: there is none. A run that is glued to the next word does not end in one.
func domain(run string, glued bool) (length int) {
	for at := 0; at < len(run); {
		size := strings.IndexByte(run[at:], '.')
		if size < 0 {
			size = len(run) - at
		}
		end := at + size
		if size == 0 || size > 63 || run[at] == '-' || run[end-1] == '-' {
			break
		}
		if at > 0 && (!glued || end < len(run)) && topLevel(run[at:end]) {
			length = end
		}
		at = end + 1
	}
	return length
}

// topLevel says whether a label is a top level domain that exists.
func topLevel(label string) bool {
	if len(label) < 2 || '0' <= label[0] && label[0] <= '9' {
		return false
	}
	label = strings.ToLower(label)
	if _, known := publicsuffix.PublicSuffix(label); known {
		return true
	}
	_, known := publicsuffix.PublicSuffix("a." + label) // some are listed by what is below them
	return known
}

// domainTail is where the URL ends whose domain ends at end.
func domainTail(text string, end int) int {
	from := end
	if end < len(text) && text[end] == ':' {
		for from++; from < len(text) && '0' <= text[from] && text[from] <= '9'; from++ {
		}
		if from == end+1 {
			return end
		}
	}
	if from == len(text) || text[from] != '/' && text[from] != '?' {
		return from
	}
	return max(from, from+len(trimURL(text[from:urlEnd(text, from)])))
}
