package gigya

import (
	"strings"

	"golang.org/x/net/html"
)

// blocks are elements of HTML that begin a line, and after whose end one begins.
var blocks = map[string]bool{
	"blockquote": true, "div": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
	"li": true, "ol": true, "p": true, "pre": true, "table": true, "tr": true, "ul": true,
}

// entities are those that are decoded in a text with tags. Others stay: in the query of
// a URL they are mostly none.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&nbsp;", " ")

// plain is the words of a text in which users may have written HTML: contract, section
// 17, no. 23. All networks here show text alone, so no tag stays. Lines begin where
// HTML begins them, and what stands in scripts and style sheets is dropped. A text
// without tags comes back byte for byte, and a '<' that begins no tag is text.
func plain(text string) string {
	if strings.IndexByte(text, '<') < 0 {
		return text
	}
	var words strings.Builder
	line := func() {
		if s := words.String(); s != "" && s[len(s)-1] != '\n' {
			words.WriteByte('\n')
		}
	}
	z := html.NewTokenizer(strings.NewReader(text))
	tagged, hidden := false, ""
	rest := text // what is not read yet
	for {
		kind := z.Next()
		raw := rest[:min(len(z.Raw()), len(rest))]
		if kind == html.ErrorToken {
			// A tag that does not end.
			if hidden == "" {
				words.WriteString(rest)
			}
			break
		}
		rest = rest[len(raw):]
		switch kind {
		case html.TextToken:
			if hidden == "" {
				words.WriteString(raw)
			}
			continue
		case html.CommentToken, html.DoctypeToken:
			if !strings.HasSuffix(raw, ">") {
				words.WriteString(raw)
				continue
			}
		default:
			name, _ := z.TagName()
			tag := string(name)
			switch {
			case kind == html.EndTagToken && tag == hidden:
				hidden = ""
			case kind == html.StartTagToken && (tag == "script" || tag == "style"):
				hidden = tag
				tagged = true
				continue
			case tag == "br":
				words.WriteByte('\n')
			case blocks[tag]:
				line()
			}
			z.NextIsNotRawText() // in a text area, say, tags are tags as well
		}
		tagged = true
	}
	if !tagged {
		return text
	}
	return entities.Replace(words.String())
}
