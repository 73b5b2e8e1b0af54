package oneall

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"herald.example/internal/link"
)

// fuzzCall is a request with a body for a function that decodes.
func fuzzCall(t *testing.T, body string) *call {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	c := &call{w: httptest.NewRecorder(), r: r}
	t.Cleanup(c.release)
	return c
}

// FuzzPublishBody decodes bodies: what is refused is refused with 400 or 404 and a
// sentence; what is taken keeps to the rules.
func FuzzPublishBody(f *testing.F) {
	f.Add(sharing("0c0ffee0-0000-4000-8000-000000000000", []string{"twitter"}, trackedParts))
	f.Add(`{"request":{"sharing_message":{"publish_for_identity":{"identity_token":"0c0ffee0-0000-4000-8000-000000000000"},"parts":{"uploads":[{"name":"a","data":"YQ=="}],"link":[]}}}}`)
	f.Add(`{"request":{"message":{"action":"push_video","providers":["x"],"parts":{"picture":{"url":"http://a/","caption":"c"}}}}}`)
	f.Add(`{"request":{"user":{"identity":{"source":{"key":"facebook","access_token":{"key":"k"}}}}}}`)
	f.Add("\uFEFF[]")
	f.Add(`{"request":[ ]}`)
	f.Add(`{"request":{"sharing_message":{"parts":{"flags":{"enable_tracking":"1"}}}}}`)
	h := NewHandler(Options{MaxBody: 1 << 16})
	refused := func(t *testing.T, err error) {
		if a, internal := refusal(err); internal || a.code != 400 && a.code != 404 || a.info == "" {
			t.Fatalf("got %d %q for %v", a.code, a.info, err)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		if b, err := decode[sharingBody](h, fuzzCall(t, body), 1<<16, false); err != nil {
			refused(t, err)
		} else if r, err := b.request(true); err != nil {
			refused(t, err)
		} else {
			if (r.Target.User == "") == (r.Target.Identity == "") || r.Target.User != "" && len(r.Target.Providers) == 0 {
				t.Fatalf("got target %+v", r.Target)
			}
			if r.Parts.Link != nil && link.CheckTarget(r.Parts.Link.URL) != nil {
				t.Fatalf("got link %q", r.Parts.Link.URL)
			}
		}
		if b, err := decode[messageBody](h, fuzzCall(t, body), 1<<16, false); err != nil {
			refused(t, err)
		} else if _, err := b.request("0c0ffee0-0000-4000-8000-000000000000"); err != nil {
			refused(t, err)
		}
		if b, err := decode[importBody](h, fuzzCall(t, body), 1<<16, false); err != nil {
			refused(t, err)
		} else if _, err := b.login(); err != nil {
			refused(t, err)
		}
		if _, err := decode[synchronizeBody](h, fuzzCall(t, body), 1<<16, true); err != nil {
			refused(t, err)
		}
	})
}

// FuzzPath finds a route for paths, or none; a token that is found is not empty.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/users.json", "//sharing//messages/x.xml", "/users/%2F.json", "/.json", "/users/a/publish.json", "/%zz.json", ""} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, token, format := findRoute(path)
		if r == nil {
			return
		}
		wants := strings.Contains(strings.Join(r.pattern, "/"), "*")
		if wants != (token != "") || format != formatJSON && format != formatXML || strings.HasSuffix(path, "/") {
			t.Fatalf("%q: got %v with token %q, format %d", path, r.pattern, token, format)
		}
	})
}

// FuzzXML renders whatever text there is, in both forms, so that parsers read it.
func FuzzXML(f *testing.F) {
	f.Add("/users.xml", "a<b>&\"c'", "\x00\x1f\r\n]]>")
	f.Add("", "\xff\xfe\ufffe\uffff", "👨‍👩‍👧‍👦")
	h := NewHandler(Options{Now: func() time.Time { return start }})
	f.Fuzz(func(t *testing.T, resource, info, text string) {
		a := answer{code: 200, info: info, result: text, data: object{{"text", text}, {"entries", list{object{{"text", info}}, text}}, {"identities", list{}}}}
		body, _ := h.render(formatXML, resource, a)
		checkXML(t, body)
		body, _ = h.render(formatJSON, resource, a)
		var doc any
		if err := json.Unmarshal(body, &doc); err != nil {
			t.Fatalf("got %q, which is no JSON: %v", body, err)
		}
		if got := at(doc, "response.result.data.text"); got != strings.ToValidUTF8(text, "\uFFFD") && strings.ToValidUTF8(text, "") == text {
			t.Fatalf("got %q; want %q", got, text)
		}
	})
}

// FuzzFilters reads filters: what is refused is refused with 400.
func FuzzFilters(f *testing.F) {
	f.Add("date_creation:gt:2020-01-14", "date_last_login:lt:14 Jan 2020 12:13,date_creation:lt:x")
	f.Add(",", "date_creation:gt:Tue, 04 Mar 2025 10:15:30  0100")
	f.Add("", "date_creation::")
	f.Fuzz(func(t *testing.T, first, second string) {
		filter, err := parseFilters([]string{first, second}, time.UTC)
		if err != nil {
			if a, internal := refusal(err); internal || a.code != 400 {
				t.Fatalf("got %d for %v", a.code, err)
			}
			return
		}
		if filter.IsZero() != (strings.TrimSpace(first) == "" && strings.TrimSpace(second) == "") {
			t.Fatalf("%q, %q: got %+v", first, second, filter)
		}
	})
}
