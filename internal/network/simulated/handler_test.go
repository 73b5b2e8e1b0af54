package simulated_test

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"herald.example/internal/network/contract"
	"herald.example/internal/network/simulated"
	"herald.example/internal/publish/render"
)

// hostile is a text that tries to leave its place.
const hostile = `</p><script>alert(1)</script>"'><img src=x onerror=alert(2)> ` + "{{.Root}} \u202e\u2066 &amp; <!-- --> ]]> javascript:alert(3)"

// hostileWorld has a post in which everything is hostile that can be.
func hostileWorld(t *testing.T) *simulated.World {
	t.Helper()
	w := newWorld(t, simulated.Options{})
	who := known("ada")
	who.Account.Name = `<b onclick="x">&`
	_, err := w.As("simulated").Post(t.Context(), who, render.Post{
		Key:  hostile,
		Text: hostile + " http://go.example/a?b=\"><script>",
		Spans: []render.Span{
			{Kind: render.URLSpan, Start: 0, End: 4, Value: "javascript:alert(4)"},
			{Kind: render.URLSpan, Start: 2, End: 9, Value: "http://overlap.example/"},
			{Kind: render.URLSpan, Start: 10, End: 9999, Value: "http://outside.example/"},
			{Kind: render.URLSpan, Start: -3, End: 2, Value: "http://before.example/"},
			{Kind: render.TagSpan, Start: 12, End: 18, Value: "<x>"},
			{Kind: render.URLSpan, Start: 20, End: 25, Value: `http://ok.example/"onmouseover="alert(5)`},
		},
		Link: &render.Link{URL: `http://card.example/"><script>alert(6)</script>`, Name: hostile, Caption: hostile, Description: hostile},
		Media: []render.Media{
			{Name: hostile, Alt: hostile, Link: "javascript:alert(7)", Data: contract.PNG(t, 8, 8)},
			{Name: hostile, Alt: hostile, Link: `http://lead.example/"><script>alert(8)</script>`, Data: contract.PNG(t, 8, 8)},
		},
		Below:    &render.Link{URL: `http://below.example/"><script>alert(9)</script>`, Name: hostile},
		Location: &render.Location{PlaceID: hostile, Name: hostile},
	})
	if err != nil {
		t.Fatalf("post: %v", err)
	}
	return w
}

// TestPagesEscape reads pages as a browser does and looks for what must not be
// there.
func TestPagesEscape(t *testing.T) {
	w := hostileWorld(t)
	for _, target := range []string{"/simulated/", "/simulated/posts/1", "/simulated/?" + url.Values{"account": {`<b onclick="x">&`}}.Encode(),
		"/simulated/?account=%3Cscript%3E&provider=%22onload%3D", "/simulated/posts/%3Cscript%3E", "/simulated/failures"} {
		t.Run(target, func(t *testing.T) {
			body := get(w, "GET", target).Body.Bytes()
			doc, err := html.Parse(bytes.NewReader(body))
			if err != nil {
				t.Fatalf("parse: %v", err)
			}
			allowed := map[string]bool{"html": true, "head": true, "meta": true, "title": true, "style": true, "body": true, "header": true, "div": true, "nav": true,
				"a": true, "main": true, "h1": true, "p": true, "ul": true, "li": true, "bdi": true, "article": true, "span": true, "time": true, "img": true,
				"strong": true, "dl": true, "dt": true, "dd": true, "table": true, "thead": true, "tbody": true, "tr": true, "th": true, "td": true, "code": true}
			for n := range doc.Descendants() {
				if n.Type == html.CommentNode {
					t.Errorf("got comment %q; want none", n.Data)
				}
				if n.Type != html.ElementNode {
					continue
				}
				if !allowed[n.Data] {
					t.Errorf("got element %s; want none but our own", n.Data)
				}
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" {
						t.Errorf("got attribute %s=%q on %s; want none", a.Key, a.Val, n.Data)
					}
					if (a.Key == "href" || a.Key == "src") && !strings.HasPrefix(a.Val, "http://") && !strings.HasPrefix(a.Val, "/simulated/") {
						t.Errorf("got %s=%q on %s; want an address of the web", a.Key, a.Val, n.Data)
					}
					if a.Key == "href" && strings.HasPrefix(a.Val, "http://") && !strings.Contains(string(body), `rel="noopener ugc"`) {
						t.Errorf("got link to %q without rel", a.Val)
					}
				}
			}
		})
	}
}

// TestPageShows looks at what readers see.
func TestPageShows(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	post := func(provider string, p render.Post) {
		t.Helper()
		if _, err := w.As(provider).Post(t.Context(), known("ada"), p); err != nil {
			t.Fatalf("post: %v", err)
		}
	}
	post("mastodon", render.Post{Text: "Grüße http://go.example/a #tag", Spans: []render.Span{
		{Kind: render.URLSpan, Start: 8, End: 27, Value: "http://go.example/a"}, {Kind: render.TagSpan, Start: 28, End: 32, Value: "tag"}}})
	post("linkedin", render.Post{Text: `Escaped \(\#1\) http://go.example/b`, Link: &render.Link{URL: "http://go.example/c", Name: "Card", Caption: "cap", Description: "about"}})
	post("bluesky", render.Post{Text: "not a link: http://go.example/d", Media: []render.Media{{Alt: "a field", Data: contract.PNG(t, 8, 8)}}})
	post("facebook", render.Post{Text: "http://go.example/long http://go.example/lo http://go.example/long"})
	post("facebook", render.Post{
		Text: "A user action", Media: []render.Media{{Link: "http://go.example/e", Data: contract.PNG(t, 8, 8)}},
		Below: &render.Link{URL: "http://go.example/f", Name: "Read on"}, Location: &render.Location{Latitude: 48.2106, Longitude: -0.5, Name: "Café Central"},
	})
	post("facebook", render.Post{Text: "Less of one", Below: &render.Link{URL: "http://go.example/f"}, Location: &render.Location{PlaceID: "sim-giza", NoPoint: true}})
	for _, test := range []struct {
		name, target string
		has, lacks   []string
	}{
		{"feed", "/simulated/", []string{"Grüße", "Escaped (#1)", ">Mastodon<", ">LinkedIn<", "All networks", `href="/simulated/?provider=mastodon"`}, []string{"Older posts", `\#`, `href="http://go.example/d"`}},
		{"provider", "/simulated/?provider=linkedin", []string{"Posts on LinkedIn", "Escaped"}, []string{"Grüße"}},
		{"account", "/simulated/?account=ada", []string{"Posts of ada", "ada ✕"}, nil},
		{"nobody", "/simulated/?account=bob", []string{"There are no posts yet"}, []string{"Grüße"}},
		{"post", "/simulated/posts/1", []string{`<a href="http://go.example/a" rel="noopener ugc">http://go.example/a</a>`, `<span class="mark">#tag</span>`, "1800000000000000001"}, []string{"Escaped"}},
		{"card", "/simulated/posts/2", []string{`href="http://go.example/b"`, `href="http://go.example/c"`, "Card", "cap", "about", "urn:li:share:7000000000000000002"}, nil},
		{"picture", "/simulated/posts/3", []string{`src="/simulated/media/3.1" alt="a field"`}, nil},
		{"one URL begins another", "/simulated/posts/4", []string{`<a href="http://go.example/long" rel="noopener ugc">http://go.example/long</a> <a href="http://go.example/lo" rel="noopener ugc">http://go.example/lo</a> <a href="http://go.example/long"`}, nil},
		{"user action", "/simulated/posts/5", []string{
			`<a href="http://go.example/e" rel="noopener ugc"><img src="/simulated/media/5.1"`, `<a href="http://go.example/f" rel="noopener ugc"><bdi>Read on</bdi></a>`,
			"Café Central (48.211° -0.5°)",
		}, nil},
		{"less of one", "/simulated/posts/6", []string{`<bdi>http://go.example/f</bdi>`, "<bdi>sim-giza</bdi>"}, []string{"°"}},
		{"failures", "/simulated/failures", []string{"#simulate:rate_limited", "#simulate:expired", "unknown_outcome"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := get(w, "GET", test.target)
			if answer.Code != http.StatusOK {
				t.Errorf("got status %d; want 200", answer.Code)
			}
			for _, want := range test.has {
				if !strings.Contains(answer.Body.String(), want) {
					t.Errorf("got a page without %q:\n%s", want, answer.Body)
				}
			}
			for _, no := range test.lacks {
				if strings.Contains(answer.Body.String(), no) {
					t.Errorf("got a page with %q", no)
				}
			}
		})
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	for i := range 120 {
		if _, err := w.As("mastodon").Post(t.Context(), known("ada"), text(fmt.Sprint(i), fmt.Sprintf("number %d.", i+1))); err != nil {
			t.Fatalf("post: %v", err)
		}
	}
	target, seen := "/simulated/?account=ada", 0
	for page := 0; target != ""; page++ {
		body := get(w, "GET", target).Body.String()
		seen += strings.Count(body, "<article")
		target = ""
		if _, rest, more := strings.Cut(body, `<p class="more"><a href="`); more {
			target, _, _ = strings.Cut(rest, `"`)
			target = strings.ReplaceAll(target, "&amp;", "&")
		}
		if page > 3 {
			t.Fatal("the pages do not end")
		}
	}
	if seen != 120 {
		t.Errorf("got %d posts on all pages; want 120", seen)
	}
	got := posts(t, w, "limit=7&before=100&provider=mastodon")
	if len(got) != 7 || got[0].Number != 99 || got[6].Number != 93 {
		t.Errorf("got %d posts; want 99 to 93", len(got))
	}
	if got := posts(t, w, ""); len(got) != 100 {
		t.Errorf("got %d posts; want 100", len(got))
	}
}

// TestAnswers asks for what is there, what is not, and in wrong ways.
func TestAnswers(t *testing.T) {
	w := hostileWorld(t)
	for _, test := range []struct {
		method, target string
		status         int
		kind           string
	}{
		{"GET", "/simulated/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/simulated/", 200, "text/html; charset=utf-8"},
		{"GET", "/simulated/posts/1", 200, "text/html; charset=utf-8"},
		{"HEAD", "/simulated/posts/1", 200, "text/html; charset=utf-8"},
		{"GET", "/simulated/media/1.1", 200, "image/png"},
		{"HEAD", "/simulated/media/1.1", 200, "image/png"},
		{"GET", "/simulated/posts.json", 200, "application/json"},
		{"HEAD", "/simulated/posts.json", 200, "application/json"},
		{"GET", "/simulated/failures", 200, "text/html; charset=utf-8"},
		{"GET", "/simulated/posts/2", 404, ""},
		{"GET", "/simulated/posts/0", 404, ""},
		{"GET", "/simulated/posts/01", 404, ""},
		{"GET", "/simulated/posts/-1", 404, ""},
		{"GET", "/simulated/posts/1/", 404, ""},
		{"GET", "/simulated/posts/18446744073709551616", 404, ""},
		{"GET", "/simulated/posts/", 404, ""},
		{"GET", "/simulated/media/1.3", 404, ""},
		{"GET", "/simulated/media/1.0", 404, ""},
		{"GET", "/simulated/media/1", 404, ""},
		{"GET", "/simulated/media/1.9999999999", 404, ""},
		{"GET", "/simulated/media/2.1", 404, ""},
		{"GET", "/simulated/nothing", 404, ""},
		{"GET", "/simulated//", 404, ""},
		{"GET", "/simulated", 404, ""},
		{"GET", "/elsewhere", 404, ""},
		{"GET", "/simulated/?before=x", 400, ""},
		{"GET", "/simulated/?limit=501", 400, ""},
		{"GET", "/simulated/?provider=" + strings.Repeat("x", 99), 400, ""},
		{"GET", "/simulated/?account=a%00b", 400, ""},
		{"GET", "/simulated/posts.json?limit=0", 400, "application/json"},
		{"GET", "/simulated/posts.json?before=-1", 400, "application/json"},
		{"POST", "/simulated/", 405, ""},
		{"PUT", "/simulated/posts/1", 405, ""},
		{"DELETE", "/simulated/posts/1", 405, ""},
		{"OPTIONS", "/simulated/posts.json", 405, ""},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			answer := get(w, test.method, test.target)
			h := answer.Header()
			kind := test.kind
			if kind == "" {
				kind = "text/html; charset=utf-8"
			}
			if answer.Code != test.status || h.Get("Content-Type") != kind {
				t.Errorf("got status %d, type %q; want %d, %q", answer.Code, h.Get("Content-Type"), test.status, kind)
			}
			if test.method == "HEAD" && answer.Body.Len() > 0 || test.method == "GET" && h.Get("Content-Length") != fmt.Sprint(answer.Body.Len()) {
				t.Errorf("got length %q and a body of %d bytes", h.Get("Content-Length"), answer.Body.Len())
			}
			policy := h.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "script") || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("got headers %v; want a policy that lets nothing run, and nosniff", h)
			}
			if test.status == 405 && h.Get("Allow") != "GET, HEAD" {
				t.Errorf("got Allow %q; want GET, HEAD", h.Get("Allow"))
			}
		})
	}
}

// TestPolicy holds the headers of pages against what they promise.
func TestPolicy(t *testing.T) {
	w := hostileWorld(t)
	h := get(w, "GET", "/simulated/posts/1").Header()
	for _, want := range []string{"default-src 'none'", "style-src 'sha256-", "img-src 'self'", "form-action 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(h.Get("Content-Security-Policy"), want) {
			t.Errorf("got policy %q; want %q in it", h.Get("Content-Security-Policy"), want)
		}
	}
	if got := h.Get("Referrer-Policy"); got != "no-referrer-when-downgrade" {
		t.Errorf("got Referrer-Policy %q; want the page's address to be told", got)
	}
	if got := get(w, "GET", "/simulated/media/1.1").Header().Get("Content-Security-Policy"); !strings.Contains(got, "sandbox") {
		t.Errorf("got policy %q of a picture; want a sandbox", got)
	}
}

// TestJSONShows what user actions have besides.
func TestJSONShows(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	for _, p := range []render.Post{
		{Text: "There", Location: &render.Location{PlaceID: "p", NoPoint: true}},
		{
			Text: "Here", Media: []render.Media{{Link: "http://go.example/e", Data: contract.PNG(t, 8, 8)}},
			Below: &render.Link{URL: "http://go.example/f", Name: "Read on"}, Location: &render.Location{Latitude: 0, Longitude: -0.5, Name: "Null"},
		},
	} {
		if _, err := w.As("facebook").Post(t.Context(), known("ada"), p); err != nil {
			t.Fatalf("post: %v", err)
		}
	}
	body := get(w, "GET", "/simulated/posts.json").Body.String()
	for _, want := range []string{
		`"links":["http://go.example/e","http://go.example/f"]`, `"link":"http://go.example/e"`, `"below":{"url":"http://go.example/f","name":"Read on"}`,
		`"location":{"latitude":0,"longitude":-0.5,"name":"Null"}`, `"location":{"place_id":"p"}`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("got %s; want %s in it", body, want)
		}
	}
}

func TestMediaComesBack(t *testing.T) {
	w := newWorld(t, simulated.Options{})
	want := contract.PNG(t, 16, 9)
	if _, err := w.As("facebook").Post(t.Context(), known("ada"), render.Post{Media: []render.Media{{Type: "text/html", Data: want}}}); err != nil {
		t.Fatalf("post: %v", err)
	}
	answer := get(w, "GET", "/simulated/media/1.1")
	picture, err := png.Decode(bytes.NewReader(answer.Body.Bytes()))
	if err != nil || picture.Bounds().Dx() != 16 || color.RGBAModel.Convert(picture.At(0, 0)) != (color.RGBA{0, 0, 0, 255}) || !bytes.Equal(answer.Body.Bytes(), want) {
		t.Errorf("got %d bytes, error %v; want the picture as it was", answer.Body.Len(), err)
	}
	if got := posts(t, w, ""); got[0].Media[0].Type != "image/png" || got[0].Media[0].Size != len(want) || got[0].Media[0].Path != "/simulated/media/1.1" {
		t.Errorf("got media %+v; want a PNG", got[0].Media)
	}
}
