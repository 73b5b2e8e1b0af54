package redirect

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	markup "golang.org/x/net/html"

	"herald.example/internal/link"
)

// onwardSlug is a link whose method is link.Script.
const onwardSlug = "/onward"

// setOnward gives the link of onwardSlug a target.
func (w *world) setOnward(target string) {
	w.store.set(testDomain+onwardSlug, fakeLink{link.Route{Number: 7, State: link.Active, Method: link.Script}, target})
	w.Forget(link.Ref{Domain: testDomain, Slug: onwardSlug[1:]})
}

// elements are the elements of a page, and the text of each script and style, as a
// browser sees them that runs scripts, or one that does not.
func elements(t *testing.T, page string, scripts bool) (nodes []*markup.Node, texts map[string]string) {
	t.Helper()
	root, err := markup.ParseWithOptions(strings.NewReader(page), markup.ParseOptionEnableScripting(scripts))
	if err != nil {
		t.Fatal(err)
	}
	texts = make(map[string]string)
	for n := range root.Descendants() {
		if n.Type != markup.ElementNode {
			continue
		}
		nodes = append(nodes, n)
		if n.Data == "script" || n.Data == "style" {
			texts[n.Data] += n.FirstChild.Data
		}
	}
	return nodes, texts
}

// attributes are those of an element, by name.
func attributes(n *markup.Node) map[string]string {
	m := make(map[string]string)
	for _, a := range n.Attr {
		m[a.Key] = a.Val
	}
	return m
}

// checkOnward fails unless page leads to target, in the three places that are for
// it, and is else what it is with any other target.
func checkOnward(t *testing.T, page, target string) {
	t.Helper()
	for _, scripts := range []bool{true, false} {
		nodes, texts := elements(t, page, scripts)
		var names []string
		var canonical, refresh, anchor string
		for _, n := range nodes {
			a := attributes(n)
			switch n.Data {
			case "link":
				canonical = a["href"]
				delete(a, "href")
			case "a":
				anchor = a["href"]
				delete(a, "href")
			case "meta":
				if a["http-equiv"] == "refresh" {
					refresh = a["content"]
				}
				delete(a, "content")
			}
			names = append(names, n.Data)
			for key, value := range a {
				if strings.Contains(value, "example") || strings.HasPrefix(key, "on") {
					t.Errorf("scripts %t: got attribute %s=%q of <%s>; want the target in its places alone", scripts, key, value, n.Data)
				}
			}
		}
		want := "html head meta meta meta title link noscript meta style body main h1 p p a script"
		if scripts { // what is in noscript is text
			want, refresh = strings.Replace(want, "noscript meta", "noscript", 1), "0;url="+target
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("scripts %t: got elements %s; want %s", scripts, got, want)
		}
		if canonical != target || anchor != target || refresh != "0;url="+target {
			t.Errorf("scripts %t: got canonical %q, link %q, refresh %q; want %q in all three", scripts, canonical, anchor, refresh, target)
		}
		if texts["script"] != scriptSource || texts["style"] != styleSource {
			t.Errorf("scripts %t: got script %q, style %q; want our own", scripts, texts["script"], texts["style"])
		}
	}
}

// TestOnwardTargets: whatever is in a target, it stays a target.
func TestOnwardTargets(t *testing.T) {
	w := newWorld(t, nil)
	for _, test := range []struct{ name, target string }{
		{"plain", testTarget},
		{"scheme in capitals", "HTTPS://example.com/"},
		{"ampersands that look like references", "https://example.com/?a=1&lt=2&quot;&#34;&#x3c;&amp;&copy=3&notin;"},
		{"quotes", `https://example.com/"onmouseover="alert(1)"x='y'`},
		{"single quotes", `https://example.com/'onclick='alert(1)`},
		{"end of the attribute", `https://example.com/"><script>alert(1)</script>`},
		{"end of the script", `https://example.com/</script><script>alert(1)</script>`},
		{"end of noscript", `https://example.com/</noscript><script>alert(1)</script><noscript>`},
		{"comment", `https://example.com/<!--<script>-->`},
		{"template", `https://example.com/{{.Script}}?${alert(1)}`},
		{"mark of the page", "https://target.invalid/https://target.invalid/"},
		{"second URL for the refresh", `https://example.com/;url=javascript:alert(1)`},
		{"refresh in quotes", `https://example.com/';url='javascript:alert(1)`},
		{"javascript in the query", "https://example.com/?u=javascript:alert(1)"},
		{"backslashes and backticks", "https://example.com/\\u003cscript\\u003e`${x}`"},
		{"no ASCII", "https://bücher.example/straße?q=ü#é"},
		{"right to left", "https://example.com/\u202ecod.exe"},
		{"long", "https://example.com/" + strings.Repeat(`"`, link.MaxTarget-20)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := link.CheckTarget(test.target); err != nil {
				t.Fatalf("got %v; want a target that a link can have", err)
			}
			w.setOnward(test.target)
			for _, from := range []string{"store", "cache"} {
				got, page := w.ask(t, "GET", onwardSlug)
				if got.StatusCode != http.StatusOK || got.Header.Get("Location") != "" {
					t.Errorf("from the %s: got %d to %q; want 200 and no Location", from, got.StatusCode, got.Header.Get("Location"))
				}
				if len(page) > 128<<10 {
					t.Errorf("from the %s: got a page of %d bytes; want at most 128 KiB", from, len(page))
				}
				checkOnward(t, page, test.target)
			}
		})
	}
}

// FuzzOnward: what can be a target stays one on the page.
func FuzzOnward(f *testing.F) {
	for _, target := range []string{testTarget, `https://example.com/"><script>`, "https://example.com/&amp;'</noscript>", "http://example.com\\", "https://a.example/\ufeff"} {
		f.Add(target)
	}
	w := newWorld(f, nil)
	f.Fuzz(func(t *testing.T, target string) {
		if link.CheckTarget(target) != nil {
			return
		}
		w.setOnward(target)
		got, page := w.ask(t, "GET", onwardSlug)
		if got.StatusCode != http.StatusOK {
			t.Fatalf("got %d; want 200", got.StatusCode)
		}
		checkOnward(t, page, target)
	})
}

// TestOnwardDamaged: what no link can have is not sent, least of all a script.
func TestOnwardDamaged(t *testing.T) {
	w := newWorld(t, nil)
	for _, target := range []string{"", "javascript:alert(1)", "javascript://example.com/%0aalert(1)", "data:text/html,x", "//example.com/", "https:/example.com", "https://example.com/\n", "https://example.com/\x00"} {
		if err := link.CheckTarget(target); !errors.Is(err, link.ErrTarget) {
			t.Errorf("CheckTarget(%q): got %v; want %v", target, err, link.ErrTarget)
		}
		w.setOnward(target)
		if got, body := w.ask(t, "GET", onwardSlug); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "alert") {
			t.Errorf("%q: got %d, %q; want 503", target, got.StatusCode, body)
		}
	}
	if hits := w.ledger.take(); len(hits) != 0 {
		t.Errorf("got hits %v; want none", hits)
	}
}

// TestOnwardAnswers: a page is asked for and counted as a redirect is.
func TestOnwardAnswers(t *testing.T) {
	w := newWorld(t, nil)
	w.setOnward(testTarget)
	for _, test := range []struct{ name, target string }{
		{"slug", onwardSlug},
		{"from the cache", onwardSlug},
		{"query", onwardSlug + "?fbclid=IwAR0"},
		{"trailing punctuation", onwardSlug + ")."},
		{"absolute form", "http://go.example.com" + onwardSlug},
	} {
		t.Run(test.name, func(t *testing.T) {
			evidence := []string{"Host: go.example.com", "User-Agent: Agent/1.0", "Referer: https://page.example/", "DNT: 1"}
			got, page := w.ask(t, "GET", test.target, evidence...)
			head, none := w.ask(t, "HEAD", test.target, evidence...)
			checkOnward(t, page, testTarget)
			if head.StatusCode != http.StatusOK || none != "" || head.ContentLength != int64(len(page)) {
				t.Errorf("HEAD: got %d, %q, length %d; want 200, no body and length %d", head.StatusCode, none, head.ContentLength, len(page))
			}
			got.Header.Del("Date")
			head.Header.Del("Date")
			if !maps.EqualFunc(got.Header, head.Header, func(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }) {
				t.Errorf("HEAD: got headers %v; want %v", head.Header, got.Header)
			}
			hits := w.ledger.take()
			if len(hits) != 2 {
				t.Fatalf("got %d hits of GET and HEAD; want 2", len(hits))
			}
			for i, flags := range []link.Flags{link.FlagPrivate, link.FlagPrivate | link.FlagHead} {
				hits[i].Time = fakeHit{}.Time
				want := fakeHit{Link: 7, Flags: flags, Addr: "127.0.0.1", Referrer: "https://page.example/", Agent: "Agent/1.0"}
				if hits[i] != want {
					t.Errorf("hit %d: got %+v; want %+v", i, hits[i], want)
				}
			}
		})
	}
	if _, page := w.ask(t, "GET", onwardSlug+"+"); !strings.Contains(page, "nothing was opened yet") || strings.Contains(page, "<script") {
		t.Errorf("preview: got %q; want the one of all links", page)
	}
	if hits := w.ledger.take(); len(hits) != 0 {
		t.Errorf("preview: got hits %v; want none", hits)
	}
	w.ask(t, "GET", "/8WEtk2a")
	if got := w.Stats(); got.Redirects != 11 || got.Pages != 10 {
		t.Errorf("got %d redirects, %d of them pages; want 11 and 10", got.Redirects, got.Pages)
	}
	for state, want := range map[link.State]int{link.Disabled: 404, link.Deleted: 410} {
		w.store.set(testDomain+onwardSlug, fakeLink{route: link.Route{Number: 7, State: state, Method: link.Script}})
		w.Forget(link.Ref{Domain: testDomain, Slug: onwardSlug[1:]})
		for range 2 { // from the store, then from the cache
			if got, page := w.ask(t, "GET", onwardSlug); got.StatusCode != want || strings.Contains(page, "<script") {
				t.Errorf("%s: got %d; want %d", state, got.StatusCode, want)
			}
		}
	}
}

// TestOnwardHeaders: the operator's headers stand on pages, but for a policy, and go
// before those that are no must.
func TestOnwardHeaders(t *testing.T) {
	policy := "default-src 'none'; script-src '" + sourceHash(scriptSource) + "'; style-src '" + sourceHash(styleSource) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for _, test := range []struct {
		name  string
		given [][2]string
		want  map[string]string
	}{
		{"none", nil, map[string]string{
			"Cache-Control": "private, no-store", "Content-Type": kindHTML, "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex",
			"Referrer-Policy": "strict-origin", "Content-Security-Policy": policy,
		}},
		{"others", [][2]string{{"X-Served-By", "herald"}}, map[string]string{"X-Served-By": "herald", "X-Robots-Tag": "noindex", "Content-Security-Policy": policy}},
		{"the same", [][2]string{{"referrer-policy", "no-referrer"}, {"X-Robots-Tag", "none"}, {"content-security-policy", "script-src 'none'"}}, map[string]string{
			"Referrer-Policy": "no-referrer", "X-Robots-Tag": "none", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": policy,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.Headers = test.given })
			w.setOnward(testTarget)
			got, _ := w.ask(t, "GET", onwardSlug)
			for name, want := range test.want {
				if values := got.Header.Values(name); len(values) != 1 || values[0] != want {
					t.Errorf("%s: got %q; want %q once", name, values, want)
				}
			}
		})
	}
}
