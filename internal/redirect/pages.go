package redirect

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the pages' sources
	"encoding/base64"
	"html/template"
	"strconv"

	"github.com/valyala/fasthttp"

	"herald.example/internal/link"
)

// The pages' sources. The style sheet stands in every page, so that a page is
// one request and its policy can name it by hash and allow nothing else.
var (
	//go:embed pages/page.html
	pageSource string
	//go:embed pages/style.css
	styleSource string
	//go:embed pages/robots.txt
	robotsSource []byte
	//go:embed pages/favicon.ico
	iconSource []byte

	pageTemplate = template.Must(template.New("page").Parse(pageSource))
)

// pageText is what a page says.
type pageText struct {
	Style template.CSS
	Title string
	Lead  string
	Short string // of a preview: the short URL
	URL   string // of a preview: the target

	Onward string      // of a page that goes on by itself: the target
	Script template.JS // which does that
}

// A fixed is an answer that never changes.
type fixed struct {
	status int
	kind   string // Content-Type
	body   []byte
	block  []byte // header lines, up to the name of the last one
	last   []byte // its value
}

// answer answers with f. The body is shared, not copied.
func (f *fixed) answer(ctx *fasthttp.RequestCtx) {
	ctx.SetStatusCode(f.status)
	ctx.SetContentType(f.kind)
	ctx.Response.Header.SetCanonical(f.block, f.last)
	ctx.Response.SetBodyRaw(f.body)
}

// Headers of pages: nothing runs, nothing is loaded, nothing is framed, nothing
// is kept, and search engines are not shown it. As in answerRedirect, one call
// sets them all.
var (
	pageBlock = []byte("Cache-Control: private, no-store\r\n" +
		"X-Content-Type-Options: nosniff\r\n" +
		"X-Robots-Tag: noindex\r\n" +
		"Content-Security-Policy")
	pagePolicy = []byte("default-src 'none'; style-src '" + sourceHash(styleSource) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
)

// sourceHash names the text of a style sheet or a script in a policy.
func sourceHash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

const (
	kindHTML = "text/html; charset=utf-8"
	kindText = "text/plain; charset=utf-8"
)

// pages are the answers that never change.
var pages = struct {
	home, notFound, gone, unavailable, robots, icon, healthy fixed
}{
	home: page(fasthttp.StatusOK, "Short links",
		"This address makes long links short. Follow a short link to get where it leads; put a + behind it to see where that is first."),
	notFound: page(fasthttp.StatusNotFound, "No such link",
		"There is no link at this address. Check that it was copied whole: capital and small letters differ."),
	gone: page(fasthttp.StatusGone, "This link is gone",
		"Whoever made this link has taken it back. It will not lead anywhere again."),
	unavailable: page(fasthttp.StatusServiceUnavailable, "Just a moment",
		"This link cannot be looked up right now. Please try again in a few seconds."),
	robots:  cached(kindText, robotsSource),
	icon:    cached("image/x-icon", iconSource),
	healthy: plain(fasthttp.StatusOK, "ok\n"),
}

// page renders a page that has only a title and a lead.
func page(status int, title, lead string) fixed {
	return html(status, pageText{Title: title, Lead: lead})
}

// html renders a page.
func html(status int, text pageText) fixed {
	text.Style = template.CSS(styleSource)
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, text); err != nil {
		panic("BUG: page template: " + err.Error()) // it is our own, over our own type, into memory
	}
	return fixed{status, kindHTML, b.Bytes(), pageBlock, pagePolicy}
}

// cached is a file that may be kept for a day.
func cached(kind string, body []byte) fixed {
	return fixed{fasthttp.StatusOK, kind, body,
		[]byte("X-Content-Type-Options: nosniff\r\nCache-Control"), []byte("public, max-age=86400")}
}

// plain is a short text for machines.
func plain(status int, text string) fixed {
	return fixed{status, kindText, []byte(text), []byte("X-Content-Type-Options: nosniff\r\nCache-Control"), []byte("no-store")}
}

// answerFixed answers the paths that are ours. It does nothing and returns
// false for every other.
func (s *Server) answerFixed(ctx *fasthttp.RequestCtx, slug, tail []byte) bool {
	switch string(slug) {
	case "":
		if len(tail) == 0 {
			pages.home.answer(ctx)
			return true
		}
	case "healthz":
		if len(tail) == 0 {
			pages.healthy.answer(ctx)
			return true
		}
	case "readyz":
		if len(tail) == 0 {
			ready := pages.healthy
			if err := s.ready(); err != nil {
				ready = plain(fasthttp.StatusServiceUnavailable, err.Error()+"\n")
			}
			ready.answer(ctx)
			return true
		}
	case "robots":
		if string(tail) == ".txt" {
			pages.robots.answer(ctx)
			return true
		}
	case "favicon":
		if string(tail) == ".ico" {
			pages.icon.answer(ctx)
			return true
		}
	}
	return false
}

// answerPreview shows where a link leads. It is no hit: nobody went there.
func (s *Server) answerPreview(ctx *fasthttp.RequestCtx, c *conn, domain uint16, slug []byte) {
	route, target, err := s.resolve(c, domain, slug)
	if err != nil || route.State != link.Active {
		s.answerRoute(ctx, c, route, target, err, false)
		return
	}
	preview := html(fasthttp.StatusOK, pageText{
		Title: "Where this link leads",
		Lead:  "You are still here: nothing was opened yet.",
		Short: s.domains.bases[domain].URL + "/" + string(slug),
		URL:   string(target),
	})
	preview.answer(ctx)
}

// answerText answers with the name of a status.
func answerText(ctx *fasthttp.RequestCtx, status int) {
	f := plain(status, strconv.Itoa(status)+" "+fasthttp.StatusMessage(status)+"\n")
	f.answer(ctx)
}
