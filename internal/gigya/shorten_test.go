package gigya

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"herald.example/internal/link"
	"herald.example/internal/site"
)

// TestShortenURLReplies holds requests and replies against golden files. The first one
// is how a plug-in checks its credentials.
func TestShortenURLReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.settings(func(g *site.Gigya) { g.Trusted = []string{"www.example.com/*"} }) // which bind shares alone
		call := func(pairs ...string) *request { return h.call("socialize.shortenURL", pairs...).drop("UID") }
		get := call("url", "https://www.example.com/path/?q=one two&x=%41", "format", "jsonp", "callback", "cb_1")
		get.verb = "GET"
		h.golden("shortenurl", call("url", "http://gigya.com"))
		h.golden("shortenurl_jsonp", get)
		h.golden("shortenurl_xml", call("url", "https://www.example.com/", "format", "xml"))
		h.golden("shortenurl_missing", call("url", ""))
		h.golden("shortenurl_user_info", call("url", "https://example.com@evil.test/"))
		wrong := call("url", "http://gigya.com")
		wrong.secret = userSecret
		h.do(wrong).want(codeSignature, "")
		h.golden("shortenurl_unknown_key", call("url", "http://gigya.com", "apiKey", "3_Unknown"))
	})
}

func TestShortenURL(t *testing.T) {
	h := newHouse(t)
	tests := []struct {
		name, url string
		code      code
		same      bool // it comes back as it is
	}{
		{"http", "http://www.example.com/a?b=c#d", codeOK, false},
		{"https", "https://www.example.com/é/%zz", codeOK, false},
		{"short already", "http://" + shortDomain + "/AbC12dE", codeOK, true},
		{"short already, in another case and with a port", "HTTPS://SHO.Example.com:443/AbC12dE?x", codeOK, true},
		{"beside our domain", "http://" + shortDomain + ".evil.test/AbC12dE", codeOK, false},
		{"our domain as a path", "http://evil.test/" + shortDomain, codeOK, false},
		{"relative", "/a", codeValue, false},
		{"no scheme", "www.example.com", codeValue, false},
		{"another scheme", "javascript:alert(1)", codeValue, false},
		{"no host", "http:///a", codeValue, false},
		{"user info", "https://example.com@evil.test/", codeValue, false},
		{"our domain as user info", "http://" + shortDomain + "@evil.test/", codeValue, false},
		{"backslash", "http://" + shortDomain + `\@evil.test/`, codeValue, false},
		{"space in the host", "http://www.exam ple.com/a", codeValue, false},
		{"line break", "http://www.example.com/a\r\nb", codeValue, false},
		{"too long", "http://www.example.com/" + strings.Repeat("a", link.MaxTarget), codeValue, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := h.do(h.call("socialize.shortenURL", "url", test.url).drop("UID")).want(test.code, "")
			got, _ := a.doc["shortURL"].(string)
			switch {
			case test.code != codeOK:
				if got != "" {
					t.Errorf("got %s; want no short URL", got)
				}
			case test.same:
				if got != test.url {
					t.Errorf("got %s; want %s", got, test.url)
				}
			default:
				slug, found := strings.CutPrefix(got, "http://"+shortDomain+"/")
				l, err := h.shortener.Get(t.Context(), link.Ref{Domain: shortDomain, Slug: slug})
				if err != nil || !found || l.Target != test.url || l.Site != h.site().ID {
					t.Errorf("got %s, which is %+v, %v; want a link of the site to %s", got, l, err, test.url)
				}
			}
		})
	}
	h.do(h.call("socialize.shortenURL", "url", "http://gigya.com", "cid", strings.Repeat("c", maxCID+1))).want(codeValue, "cid")
}

// TestShortenURLEncodesBlanks takes what people type.
func TestShortenURLEncodesBlanks(t *testing.T) {
	h := newHouse(t)
	got := h.do(h.call("socialize.shortenURL", "url", " https://www.example.com/path/?q=one two&x=%41 ")).want(codeOK, "").doc["shortURL"].(string)
	l, err := h.shortener.Get(t.Context(), link.Ref{Domain: shortDomain, Slug: got[len("http://"+shortDomain+"/"):]})
	if want := "https://www.example.com/path/?q=one%20two&x=%41"; err != nil || l.Target != want {
		t.Errorf("got %q, %v; want %q", l.Target, err, want)
	}
}

// TestShortenURLForUsers lets users shorten what the site has approved alone.
func TestShortenURLForUsers(t *testing.T) {
	h := newHouse(t)
	h.settings(func(g *site.Gigya) { g.Trusted = []string{"www.example.com/*"} })
	h.connect("user-42", "facebook")
	bound := "OAuth " + h.token(clientCall().set("x_siteUID", "user-42"))
	call := func(url string) *request {
		r := h.call("socialize.shortenURL", "url", url).drop("UID").authorize(bound)
		r.secure = true
		return r
	}
	h.do(call("https://www.example.com/a")).want(codeOK, "")
	h.do(call("https://evil.test/")).want(codeSpam, "")
	h.do(call("https://www.example.com@evil.test/")).want(codeValue, "")
}

// TestShortenURLRedirects makes links that redirect as the site's do.
func TestShortenURLRedirects(t *testing.T) {
	h := newHouse(t)
	for _, method := range []link.Method{link.Found, link.Script} {
		keys := h.keyring[apiKey]
		keys.Site.Redirect = method
		h.keyring[apiKey] = keys
		got := h.do(h.call("socialize.shortenURL", "url", "https://www.example.com/")).want(codeOK, "").doc["shortURL"].(string)
		l, err := h.shortener.Get(t.Context(), link.Ref{Domain: shortDomain, Slug: got[len("http://"+shortDomain+"/"):]})
		if err != nil || l.Method != method {
			t.Errorf("got method %s, %v; want %s", l.Method, err, method)
		}
	}
}

// TestShortenURLIsNoted finds links by their context ID.
func TestShortenURLIsNoted(t *testing.T) {
	h := newHouse(t)
	got := h.do(h.call("socialize.shortenURL", "url", "http://www.example.com/", "cid", "home page")).want(codeOK, "").doc["shortURL"]
	now := h.handler.o.Now()
	noted := 0
	err := h.store.SharedLinks(t.Context(), h.site().ID, site.ReportQuery{From: now, To: now}, func(cid, provider string, refs []link.Ref) error {
		for _, ref := range refs {
			noted++
			if cid != "home page" || provider != "" || got != "http://"+ref.String() {
				t.Errorf("got %s of %q on %q; want %s of the home page", ref, cid, provider, got)
			}
		}
		return nil
	})
	if err != nil || noted != 1 {
		t.Errorf("got %d links, %v; want 1", noted, err)
	}
}

// failing is a shortener that takes nothing.
type failing struct{ err error }

func (f failing) Put(context.Context, []link.Draft) ([]link.Link, error) { return nil, f.err }
func (f failing) Counts(context.Context, link.CountQuery) (link.CountAnswer, error) {
	return link.CountAnswer{}, f.err
}

// TestShortenURLFails tells what went wrong, as far as it is for the caller.
func TestShortenURLFails(t *testing.T) {
	tests := []struct {
		name string
		err  error
		code code
	}{
		{"target", &link.DraftError{Field: "target", Err: link.ErrTarget}, codeValue},
		{"domain that is not served", &link.DraftError{Field: "domain", Err: link.ErrDomain}, codeSiteConfig},
		{"no shortener", errors.New("dial tcp 127.0.0.1:1: connection refused"), codeInternal},
		{"slow shortener", context.DeadlineExceeded, codeTimeout},
	}
	h := newHouse(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.handler.o.Links = failing{test.err}
			a := h.do(h.call("socialize.shortenURL", "url", "http://www.example.com/")).want(test.code, "")
			if strings.Contains(a.Body.String(), "127.0.0.1") {
				t.Errorf("got %s; want no cause of ours in it", a.Body)
			}
		})
	}
}
