package oneall

import (
	"net/http"
	"strings"
	"testing"
)

// TestPaths finds what is there and refuses the rest, always with the envelope.
func TestPaths(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		method, path string
		code         int
		allow        string
	}{
		{"GET", "/users.json", 200, ""},
		{"GET", "//users.json", 200, ""},
		{"GET", "//sharing///messages.json?page=1", 200, ""},
		{"GET", "/users.xml", 200, ""},
		{"GET", "/%75sers.json", 200, ""},
		{"GET", "/users.json?", 200, ""},
		{"GET", "/users.json/", 404, ""},
		{"GET", "/users/", 404, ""},
		{"GET", "/users", 404, ""},
		{"GET", "/users.", 404, ""},
		{"GET", "/users.JSON", 404, ""},
		{"GET", "/users.html", 404, ""},
		{"GET", "/users.json.xml", 404, ""},
		{"GET", "/users/.json", 404, ""},
		{"GET", "/", 404, ""},
		{"GET", "//", 404, ""},
		{"GET", "/.json", 404, ""},
		{"GET", "/./users.json", 404, ""},
		{"GET", "/sharing/../users.json", 404, ""},
		{"GET", "/sharing%2Fmessages.json", 404, ""},
		{"GET", "/sharing.json", 404, ""},
		{"GET", "/sharing/analytics/snapshots.json", 404, ""},
		{"POST", "/push/identities/0c0ffee0-0000-4000-8000-000000000000/twitter/post.json", 404, ""},
		{"GET", "/users/nobody.json", 404, ""},
		{"GET", "/users/0c0ffee0-0000-4000-8000-000000000000%0a.json", 404, ""},
		{"GET", "/users/" + strings.Repeat("a", 3000) + ".json", 404, ""},
		{"GET", "/nothing/here.xml", 404, ""},
		{"HEAD", "/users.json", 200, ""},
		{"HEAD", "/users.xml", 200, ""},
		{"HEAD", "/nothing.json", 404, ""},
		{"HEAD", "/users/0c0ffee0-0000-4000-8000-000000000000/publish.json", 405, "POST"},
		{"OPTIONS", "/users.json", 405, "GET, HEAD, PUT"},
		{"OPTIONS", "/sharing/messages.json", 405, "GET, HEAD, POST"},
		{"PUT", "/sharing/messages.json", 405, "GET, HEAD, POST"},
		{"DELETE", "/sharing/messages.json", 405, "GET, HEAD, POST"},
		{"PATCH", "/sharing/messages/0c0ffee0-0000-4000-8000-000000000000.json", 405, "DELETE, GET, HEAD, POST"},
		{"POST", "/users.xml", 405, "GET, HEAD, PUT"},
		{"BREW", "/tools/ping.json", 405, "GET, HEAD"},
		{"TRACE", "/tools/ping.json", 405, "GET, HEAD"},
		{"GET", "/users/0c0ffee0-0000-4000-8000-000000000000/publish.json", 405, "POST"},
	}
	for _, test := range tests {
		t.Run(test.method+" "+cut(test.path, 60), func(t *testing.T) {
			inner := *w
			inner.T = t
			got := inner.do(test.method, test.path, "")
			if got.code != test.code || got.header.Get("Allow") != test.allow {
				t.Errorf("got %d, Allow %q: %s; want %d, %q", got.code, got.header.Get("Allow"), got.raw, test.code, test.allow)
			}
			if test.method != "HEAD" && got.doc != nil && len(test.path) < maxResource && got.at("request.resource") != test.path {
				t.Errorf("got resource %v; want %s", got.at("request.resource"), test.path)
			}
			if strings.HasSuffix(test.path, ".xml") != strings.HasPrefix(got.header.Get("Content-Type"), "application/xml") {
				t.Errorf("got Content-Type %q", got.header.Get("Content-Type"))
			}
		})
	}
}

// TestResource hides secrets and cuts what is too long.
func TestResource(t *testing.T) {
	w := newWorld(t)
	tests := []struct{ name, path, want string }{
		{"a query", "/users.json?page=1&entries_per_page=1", "/users.json?page=1&entries_per_page=1"},
		{"escapes", "/users.json?filters=date_creation%3Agt%3A2020-01-01", "/users.json?filters=date_creation%3Agt%3A2020-01-01"},
		{"a token of access", "/users.json?access_token=4711&page=1", "/users.json?access_token=[secret]&page=1"},
		{"in other spelling", "/users.json?Access%5FToken=4711", "/users.json?Access%5FToken=[secret]"},
		{"the private key", "/users.json?x=" + string(w.keys.Private), "/users.json?x=[secret]"},
		{"length", "/users.json?x=" + strings.Repeat("a", 5000), "/users.json?x=" + strings.Repeat("a", maxResource-len("/users.json?x=")) + "…"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := w.do("GET", test.path, "").at("request.resource"); got != test.want {
				t.Errorf("got %v; want %s", got, test.want)
			}
		})
	}
	// The absolute form, as proxies send it.
	got := w.do("GET", "http://127.0.0.1/users.json?page=1", "", func(r *http.Request) { r.RequestURI = "http://127.0.0.1/users.json?page=1" })
	if got.want(200).at("request.resource") != "/users.json?page=1" {
		t.Errorf("got %v", got.at("request.resource"))
	}
}
