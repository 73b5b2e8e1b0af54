package mastodon

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// plain is the text of HTML as people see it.
func plain(content string) string {
	text, _ := plainWithout(content, nil)
	return text
}

// plainWithout is the text of HTML without that of links to some URLs, and where
// its links lead.
func plainWithout(content string, hidden []string) (text string, links []string) {
	z := html.NewTokenizer(strings.NewReader(content))
	var b strings.Builder
	skip := 0 // depth of elements whose text nobody sees
	inHidden := false
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return b.String(), links
		}
		token := z.Token()
		switch kind {
		case html.TextToken:
			if skip == 0 && !inHidden {
				b.WriteString(token.Data)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			switch token.DataAtom {
			case atom.Br:
				b.WriteByte('\n')
			case atom.Script, atom.Style:
				if kind == html.StartTagToken {
					skip++
				}
			case atom.A:
				for _, attribute := range token.Attr {
					if attribute.Key == "href" {
						links = append(links, attribute.Val)
						inHidden = slices.Contains(hidden, attribute.Val)
					}
				}
			}
		case html.EndTagToken:
			switch token.DataAtom {
			case atom.P, atom.Div, atom.Li:
				b.WriteByte('\n')
			case atom.Script, atom.Style:
				skip = max(0, skip-1)
			case atom.A:
				inHidden = false
			}
		}
	}
}
