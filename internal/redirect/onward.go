package redirect

import (
	"bytes"
	_ "embed" // the page's script
	"html/template"
	"strings"

	"github.com/valyala/fasthttp"
)

// The page of links whose method is link.Script. Its hit is recorded before it is
// sent, as that of a redirect; the script then takes the page's place with the
// target. Without scripts a refresh does, and where nothing does there is a link. Its
// script is the same in every page and reads the target from that link, so its hash
// is all that the page's policy allows, and a target is nowhere but in attributes.

//go:embed pages/onward.js
var scriptSource string

var (
	// onwardPage is the page in pieces. The target stands between any two of them.
	onwardPage = onwardPieces()

	onwardPolicy = []byte("default-src 'none'; script-src '" + sourceHash(scriptSource) + "'; style-src '" + sourceHash(styleSource) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
)

// onwardPieces renders the page once, with a mark for a target. A target of 8 KiB
// that is escaped throughout makes a page of 124 KiB.
func onwardPieces() [][]byte {
	const mark = "https://target.invalid/"
	page := html(fasthttp.StatusOK, pageText{
		Title:  "One moment",
		Lead:   "This short link is taking you to where it leads.",
		Onward: mark,
		Script: template.JS(scriptSource),
	})
	pieces := bytes.Split(page.body, []byte(mark))
	if len(pieces) != 4 {
		panic("BUG: the page template does not hold the target three times") // and is our own
	}
	return pieces
}

// onwardBlock renders the constant headers of the page, up to and including the
// name of the last one, Content-Security-Policy: those of a redirect, and what a
// page needs where headers, which have been checked, say nothing of it. The target
// learns the domain that a visitor comes from, as by a browser's own rule, and not
// the link. A policy in headers is none for this page, whose script it might stop.
func onwardBlock(headers [][2]string) []byte {
	block := []byte("Cache-Control: private, no-store\r\n")
	given := make(map[string]bool)
	add := func(h [2]string) { block = append(block, h[0]+": "+h[1]+"\r\n"...) }
	for _, h := range headers {
		name := strings.ToLower(h[0])
		if given[name] = true; name != "content-security-policy" {
			add(h)
		}
	}
	for _, h := range [][2]string{{"X-Content-Type-Options", "nosniff"}, {"X-Robots-Tag", "noindex"}, {"Referrer-Policy", "strict-origin"}} {
		if !given[strings.ToLower(h[0])] {
			add(h)
		}
	}
	return append(block, "Content-Security-Policy"...)
}

// answerOnward sends the page that leads to target. The hit has been recorded.
func (s *Server) answerOnward(ctx *fasthttp.RequestCtx, target []byte) {
	s.counts.pages.Add(1)
	ctx.SetContentType(kindHTML)
	ctx.Response.Header.SetCanonical(s.onward, onwardPolicy)
	for i, piece := range onwardPage {
		if i > 0 {
			appendEscaped(&ctx.Response, target)
		}
		ctx.Response.AppendBody(piece)
	}
}

// appendEscaped appends text to a page, as the value of an attribute in quotes.
func appendEscaped(r *fasthttp.Response, text []byte) {
	for {
		i := bytes.IndexAny(text, `&<>"'`)
		if i < 0 {
			r.AppendBody(text)
			return
		}
		r.AppendBody(text[:i])
		switch text[i] {
		case '&':
			r.AppendBodyString("&amp;")
		case '<':
			r.AppendBodyString("&lt;")
		case '>':
			r.AppendBodyString("&gt;")
		case '"':
			r.AppendBodyString("&#34;")
		default:
			r.AppendBodyString("&#39;")
		}
		text = text[i+1:]
	}
}
