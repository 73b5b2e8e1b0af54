package linkapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"herald.example/internal/control"
	"herald.example/internal/link"
	"herald.example/internal/linkapi"
	"herald.example/internal/shortener"
)

// api is a control interface over a running shortener, asked without a client.
type api struct {
	*testing.T
	handler  http.Handler
	visitors string
}

func newAPI(t *testing.T) api {
	svc, visitors := startService(t)
	return api{t, linkapi.NewHandler(svc, svc, token, slog.New(slog.DiscardHandler)), visitors}
}

// send sends one request with the token.
func (a api) send(method, path, body string) *httptest.ResponseRecorder {
	a.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w
}

// wantRefusal fails unless w refuses with status and code, in one line of JSON.
func (a api) wantRefusal(what string, w *httptest.ResponseRecorder, status int, code string) {
	a.Helper()
	var body struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != status || body.Error.Code != code || body.Error.Message == "" {
		a.Errorf("%s: got %d %s; want %d with code %s", what, w.Code, w.Body, status, code)
	}
}

func TestTokenIsWanted(t *testing.T) {
	a := newAPI(t)
	for _, c := range []struct {
		path, header string
		status       int
	}{
		{"/v1/links", "", 401},
		{"/v1/links", "Bearer", 401},
		{"/v1/links", "Bearer ", 401},
		{"/v1/links", "Bearer " + token[1:], 401},
		{"/v1/links", "Bearer " + token + "0", 401},
		{"/v1/links", "Basic " + token, 401},
		{"/v1/links", token, 401},
		{"/v1/links", "Bearer " + token, 200},
		{"/metrics", "", 401},
		{"/metrics", "Bearer " + token, 200},
		{"/nowhere", "", 401},
		{"/nowhere", "Bearer " + token, 404},
		{"/healthz", "", 200},
		{"/readyz", "", 200},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s with %q: got %d; want %d", c.path, c.header, w.Code, c.status)
		}
		if c.status == 401 {
			a.wantRefusal(c.path, w, 401, "unauthorized")
			if !strings.Contains(w.Body.String(), control.TokenFile) || w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s: got %s; want a hint where the token is", c.path, w.Body)
			}
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	a := newAPI(t)
	for path, allow := range map[string]string{
		"/v1/links":               "GET, POST",
		"/v1/links/-/a":           "DELETE, GET, PATCH",
		"/v1/links/-/a/referrals": "GET",
		"/v1/totals":              "POST",
		"/v1/counts":              "POST",
		"/v1/changes":             "GET",
		"/v1/domains":             "GET",
		"/v1/verify":              "POST",
		"/metrics":                "GET",
		"/healthz":                "GET",
		"/readyz":                 "GET",
	} {
		w := a.send("PUT", path, "")
		a.wantRefusal("PUT "+path, w, 405, "bad_method")
		if got := w.Header().Get("Allow"); got != allow {
			t.Errorf("PUT %s: got Allow %q; want %q", path, got, allow)
		}
	}
	for _, path := range []string{"/", "/v1", "/v1/links/", "/v1/links/-", "/v1/links/-/", "/v1/links/-/a/b", "/v2/links"} {
		a.wantRefusal("GET "+path, a.send("GET", path, ""), 404, "no_route")
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	a := newAPI(t)
	for _, path := range []string{"/v1/links", "/v1/totals", "/v1/counts"} {
		a.wantRefusal(path+", nothing", a.send("POST", path, ""), 400, "bad_request")
		a.wantRefusal(path+", unknown field", a.send("POST", path, `{"unknown":1}`), 400, "bad_request")
		a.wantRefusal(path+", too large", a.send("POST", path, `{"links":"`+strings.Repeat("a", linkapi.MaxBody)+`"}`), 413, "too_large")
	}
	a.wantRefusal("edit, unknown field", a.send("PATCH", "/v1/links/-/a", `{"unknown":1}`), 400, "bad_request")
	a.wantRefusal("list, unknown parameter", a.send("GET", "/v1/links?page=1", ""), 400, "bad_request")
	a.wantRefusal("list, bad limit", a.send("GET", "/v1/links?limit=1001", ""), 422, "bad_query")
	a.wantRefusal("list, bad skip", a.send("GET", "/v1/links?skip=4294967296", ""), 422, "bad_query")
	a.wantRefusal("counts, bad step", a.send("POST", "/v1/counts", `{"links":[{"shorturl_token":"a"}],"from":"2026-01-01T00:00:00Z","step":"day"}`), 422, "bad_query")
	a.wantRefusal("counts, bad dimension", a.send("POST", "/v1/counts", `{"links":[{"shorturl_token":"a"}],"from":"2026-01-01T00:00:00Z","by":"hair"}`), 422, "bad_query")
	a.wantRefusal("edit, bad state", a.send("PATCH", "/v1/links/-/a", `{"state":"asleep"}`), 422, "bad_state")
}

// dates are replaced in golden answers, and so are ports.
var (
	dates = regexp.MustCompile(`"20\d\d-[^"]*Z"`)
	port  = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// TestWire compares what goes over the wire with what other programs rely on.
func TestWire(t *testing.T) {
	a := newAPI(t)
	visit := func() {
		r, err := http.NewRequest(http.MethodGet, "http://"+a.visitors+"/docs", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = browser.Clone()
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	const (
		docs   = `"domain":"127.0.0.1","shorturl_token":"docs","short_url":"http://ADDR/docs","original_url":"https://example.com/?a=b&c=<d>","state":"active","site":"s","publication":"p","number":1,"date_creation":DATE,"date_edited":DATE`
		counts = `"num_referrals":1,"date_last_referral":DATE,"num_hits":{"crawler":0,"head":0,"human":1,"no-agent":0,"prefetch":0,"preview":0}`
	)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/v1/links", `{"links":[{"shorturl_token":"docs","original_url":"https://example.com/?a=b&c=<d>","site":"s","publication":"p"}]}`, 200,
			`{"links":[{` + docs + `}]}`},
		{"POST", "/v1/links", `{"links":[{"original_url":"https://a.example/"},{"shorturl_token":"docs","original_url":"https://b.example/"}]}`, 409,
			`{"error":{"code":"taken","message":"127.0.0.1/docs: slug is taken","index":1,"field":"shorturl_token"}}`},
		{"GET", "/v1/links/-/docs", "", 200, `{"position":1,"link":{` + docs + `,` + counts + `}}`},
		{"GET", "/v1/links/127.0.0.1/docs", "", 200, `{"position":1,"link":{` + docs + `,` + counts + `}}`},
		{"GET", "/v1/links?limit=1&order=desc", "", 200, `{"position":1,"links":[{` + docs + `,` + counts + `}],"total":1}`},
		{"GET", "/v1/links?skip=1&site=s", "", 200, `{"position":1,"links":[],"total":1}`},
		{"POST", "/v1/totals", `{"links":[{"shorturl_token":"docs"}]}`, 200,
			`{"position":1,"totals":[{"shorturl_token":"docs",` + counts + `}]}`},
		{"POST", "/v1/counts", `{"links":[{"shorturl_token":"docs"}],"from":"2026-01-01T00:00:00Z","by":"referrer"}`, 200,
			`{"position":1,"counts":[{"domain":"127.0.0.1","shorturl_token":"docs","start":DATE,"value":"social.example","num_hits":1}]}`},
		{"GET", "/v1/links/-/docs/referrals", "", 200,
			`{"position":1,"total":1,"referrals":[{"position":0,"date":DATE,"page":"https://social.example/post/1","address":"127.0.0.0","agent":"` + browser.Get("User-Agent") + `","country":""}]}`},
		{"GET", "/v1/domains", "", 200, `{"domains":[{"domain":"127.0.0.1","base":"http://ADDR"},{"domain":"go.example.com","base":"https://go.example.com"}]}`},
		{"PATCH", "/v1/links/-/docs", `{"state":"disabled"}`, 200, `{"link":{` + strings.Replace(docs, "active", "disabled", 1) + `}}`},
		{"DELETE", "/v1/links/-/docs", "", 204, ``},
		{"GET", "/v1/links/-/docs", "", 410, `{"error":{"code":"deleted","message":"get link 127.0.0.1/docs: link is deleted"}}`},
		{"GET", "/v1/changes?limit=1", "", 200,
			`{"changes":[{"sequence":1,"link":{` + strings.NewReplacer("active", "deleted", "https://example.com/?a=b&c=<d>", "").Replace(docs) + `}}]}`},
	} {
		w := a.send(c.method, c.path, c.body)
		got := port.ReplaceAllString(dates.ReplaceAllString(strings.TrimSuffix(w.Body.String(), "\n"), "DATE"), "ADDR")
		if w.Code != c.status || got != c.want {
			t.Errorf("%s %s:\ngot  %d %s\nwant %d %s", c.method, c.path, w.Code, got, c.status, c.want)
		}
		if c.path == "/v1/links" && c.status == 200 {
			visit()
		}
	}
	lines := strings.Split(strings.TrimSpace(a.send("POST", "/v1/verify", "").Body.String()), "\n")
	if got, want := lines[len(lines)-1], `{"report":{"from":0,"to":1,"links":1,"damaged":0,"exact":true,"different":0,"differences":[]}}`; got != want {
		t.Errorf("verify: got %s; want %s", got, want)
	}
}

func TestMetrics(t *testing.T) {
	a := newAPI(t)
	a.send("POST", "/v1/links", `{"links":[{"shorturl_token":"measured","original_url":"https://example.com/"}]}`)
	for _, path := range []string{"/measured", "/unknown"} {
		response, err := http.DefaultTransport.RoundTrip(httptest.NewRequest(http.MethodGet, "http://"+a.visitors+path, nil))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	body := a.send("GET", "/metrics", "").Body.String()
	for _, line := range []string{
		"herald_redirects_total 1", `herald_redirect_refusals_total{reason="not_found"} 1`,
		"herald_ledger_hits_total 1", "herald_ledger_hits_at_risk 0", "herald_ledger_hits_lost_total 0",
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("got no line %q in:\n%s", line, body)
		}
	}
	if strings.Contains(body, "measured") {
		t.Errorf("got a slug in the metrics:\n%s", body)
	}
}

// sick is a shortener whose hits cannot be written.
type sick struct{}

func (sick) Status() shortener.Status { return shortener.Status{} }
func (sick) Ready() error             { return errors.New("3 hits cannot be written: no space left on device") }

func TestReadyzSaysWhy(t *testing.T) {
	handler := linkapi.NewHandler(nil, sick{}, token, slog.New(slog.DiscardHandler))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if got, want := fmt.Sprint(w.Code, " ", w.Body), "503 3 hits cannot be written: no space left on device\n"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

// TestClientOfAnotherServer: what only looks like an answer of ours is an error.
func TestClientOfAnotherServer(t *testing.T) {
	for name, answer := range map[string]string{
		"page":           "<!doctype html>",
		"half an answer": `{"links":[{"state":"active"`,
		"strange state":  `{"link":{"state":"asleep"}}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		defer server.Close()
		client, err := linkapi.NewClient(server.URL, token)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if l, err := client.Get(t.Context(), link.Ref{Slug: "a"}); err == nil {
			t.Errorf("%s: got %+v; want an error", name, l)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	client, err := linkapi.NewClient("unix:"+t.TempDir()+"/none", token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(t.Context(), link.Ref{Slug: "a"}); !errors.Is(err, linkapi.ErrUnavailable) {
		t.Errorf("got %v; want ErrUnavailable", err)
	}
}
