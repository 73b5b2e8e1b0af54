package oneall

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// reply is an answer that kept all promises.
type reply struct {
	*testing.T
	code   int
	header http.Header
	raw    []byte
	doc    any // the envelope as JSON; nil for XML and HEAD
}

// send sends a request and holds the answer against what all answers have in common,
// and against the description of the API. Requests that were taken are held against
// it too.
func (w *world) send(method, target, body string, with ...func(*http.Request)) reply {
	w.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, change := range with {
		change(r)
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	got := reply{T: w.T, code: recorder.Code, header: recorder.Header(), raw: recorder.Body.Bytes()}
	if _, redirected := got.header["Location"]; redirected || got.code >= 300 && got.code < 400 {
		w.Errorf("%s %s: got a redirect", method, target)
	}
	length, err := strconv.Atoi(got.header.Get("Content-Length"))
	if method == http.MethodHead {
		if err != nil || length == 0 || len(got.raw) != 0 {
			w.Errorf("%s %s: got Content-Length %q and %d bytes; want a length and no body", method, target, got.header.Get("Content-Length"), len(got.raw))
		}
		return got
	}
	if err != nil || length != len(got.raw) {
		w.Errorf("%s %s: got Content-Length %q for %d bytes", method, target, got.header.Get("Content-Length"), len(got.raw))
	}
	if got.header.Get("Content-Type") == "application/json" { // the description, which is no envelope
		if r.URL.Path != openAPIPath {
			w.Errorf("%s %s: got %s without an envelope", method, target, got.raw)
		}
		return got
	}
	path, _, _ := strings.Cut(target, "?")
	if strings.HasSuffix(path, ".xml") {
		checkXML(w.T, got.raw)
	} else {
		if err := json.Unmarshal(got.raw, &got.doc); err != nil {
			w.Fatalf("%s %s: got %q, which is no JSON: %v", method, target, got.raw, err)
		}
		w.checkEnvelope(method, target, got)
	}
	checkAgainstAPI(w.T, r, body, got)
	return got
}

// checkEnvelope holds an envelope against the contract's section 3.
func (w *world) checkEnvelope(method, target string, got reply) {
	w.Helper()
	if got.header.Get("Content-Type") != "application/json; charset=utf-8" {
		w.Errorf("%s %s: got Content-Type %q", method, target, got.header.Get("Content-Type"))
	}
	if code := got.at("request.status.code"); code != float64(got.code) {
		w.Errorf("%s %s: got code %v in the envelope and HTTP status %d", method, target, code, got.code)
	}
	flag := "success"
	if got.code >= 400 {
		flag = "error"
	}
	if got.at("request.status.flag") != flag {
		w.Errorf("%s %s: got flag %v; want %s", method, target, got.at("request.status.flag"), flag)
	}
	if _, err := time.Parse(dateLayout, fmt.Sprint(got.at("request.date"))); err != nil {
		w.Errorf("%s %s: date: %v", method, target, err)
	}
	if result, sent := got.at("").(map[string]any)["result"]; sent && (result == nil || result.(map[string]any)["data"] == nil) {
		w.Errorf("%s %s: got a result without data", method, target)
	}
}

// at is the value at a path below response: names, and indexes of lists, with dots
// between. It is nil when nothing is there.
func (r reply) at(path string) any {
	return at(r.doc, strings.TrimSuffix("response."+path, "."))
}

func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

// text is the text at a path below result.data.
func (r reply) text(path string) string {
	r.Helper()
	s, isText := r.at("result.data." + path).(string)
	if !isText {
		r.Fatalf("got %#v at %s of %s; want text", r.at("result.data."+path), path, r.raw)
	}
	return s
}

// list is the list at a path below result.data.
func (r reply) list(path string) []any {
	r.Helper()
	l, isList := r.at("result.data." + path).([]any)
	if !isList {
		r.Fatalf("got %#v at %s of %s; want a list", r.at("result.data."+path), path, r.raw)
	}
	return l
}

// info is the sentence of the answer.
func (r reply) info() string { return fmt.Sprint(r.at("request.status.info")) }

// want fails the test unless the answer has a code, and a sentence that holds all of
// the words.
func (r reply) want(code int, words ...string) reply {
	r.Helper()
	if r.code != code {
		r.Fatalf("got %d: %s; want %d", r.code, r.raw, code)
	}
	for _, word := range words {
		if !strings.Contains(r.info(), word) {
			r.Errorf("got the sentence %q; want one with %q", r.info(), word)
		}
	}
	return r
}

// checkXML fails the test unless raw is one whole XML document with our root.
func checkXML(t testing.TB, raw []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(raw))
	depth, root := 0, ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("got %q, which is no XML: %v", raw, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				root += token.Name.Local
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if root != "response" || !bytes.HasPrefix(raw, []byte(xmlHead)) {
		t.Errorf("got root %q of %q; want response", root, raw)
	}
}

// api is the description of the API, read and checked once.
var api = sync.OnceValues(func() (*openapi3.T, error) {
	openapi3filter.RegisterBodyDecoder("application/xml", func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		raw, err := io.ReadAll(body)
		return string(raw), err
	})
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

// templates are the paths of the description as expressions.
var templates = sync.OnceValue(func() map[string]*regexp.Regexp {
	found := make(map[string]*regexp.Regexp)
	doc, _ := api()
	for template := range doc.Paths.Map() {
		pattern := strings.NewReplacer(".", `\.`, "{token}", `(?P<token>[^/]+)`, "{format}", `(?P<format>json|xml)`).Replace(template)
		found[template] = regexp.MustCompile("^" + pattern + "$")
	}
	return found
})

var slashes = regexp.MustCompile("/+")

// operation finds what describes a request: the path's template, and the operation,
// nil when the path does not offer the method.
func operation(t testing.TB, r *http.Request) (route *routers.Route, params map[string]string) {
	t.Helper()
	doc, err := api()
	if err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	path := slashes.ReplaceAllString(r.URL.Path, "/")
	for template, item := range doc.Paths.Map() {
		match := templates()[template]
		found := match.FindStringSubmatch(path)
		if found == nil {
			continue
		}
		params = make(map[string]string)
		for i, name := range match.SubexpNames() {
			if name != "" {
				params[name] = found[i]
			}
		}
		return &routers.Route{Spec: doc, Path: template, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)}, params
	}
	return nil, nil
}

// checkAgainstAPI holds an answer against the description, and a request that was
// taken.
func checkAgainstAPI(t testing.TB, r *http.Request, body string, got reply) {
	t.Helper()
	route, params := operation(t, r)
	if route == nil || route.Operation == nil {
		doc, _ := api()
		if got.doc == nil { // XML
			return
		}
		if err := doc.Components.Schemas["Bare"].Value.VisitJSON(got.doc); err != nil || got.code < 400 {
			t.Errorf("%s %s: got %d: %s: %v; want a refusal", r.Method, r.URL, got.code, got.raw, err)
		}
		return
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(strings.NewReader(strings.TrimPrefix(body, "\uFEFF")))
	r.Header.Set("Content-Type", "application/json") // clients send others, or none
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}
	request := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if got.code < 400 && body != "" && r.Method != http.MethodDelete || got.code < 400 && body == "" {
		if err := openapi3filter.ValidateRequest(r.Context(), request); err != nil {
			t.Errorf("%s %s was taken, and is not as openapi.json describes it: %v", r.Method, r.URL, err)
		}
	}
	response := &openapi3filter.ResponseValidationInput{RequestValidationInput: request, Status: got.code, Header: got.header, Options: options}
	response.SetBodyBytes(got.raw)
	if err := openapi3filter.ValidateResponse(r.Context(), response); err != nil {
		t.Errorf("%s %s: the answer is not as openapi.json describes it: %v\n%s", r.Method, r.URL, err, got.raw)
	}
}

// TestAPIDescription holds the table of routes against openapi.json.
func TestAPIDescription(t *testing.T) {
	doc, err := api()
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[string]bool)
	for template, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+template] = true
		}
	}
	for _, route := range routes {
		template := "/" + strings.ReplaceAll(strings.Join(route.pattern, "/"), "*", "{token}") + ".{format}"
		for method := range route.methods {
			name := method + " " + template
			if !described[name] {
				t.Errorf("%s is not in openapi.json", name)
			}
			delete(described, name)
			item := doc.Paths.Value(template)
			if item == nil {
				continue
			}
			security := item.GetOperation(method).Security
			if open := security != nil && slices.ContainsFunc(*security, func(s openapi3.SecurityRequirement) bool { return len(s) == 0 }); open != (route.open == method) {
				t.Errorf("%s: openapi.json says that it needs no keys: %v; the table says %v", name, open, route.open == method)
			}
		}
	}
	for name := range described {
		t.Errorf("%s is in openapi.json only", name)
	}
	w := newWorld(t)
	got := w.send("GET", openAPIPath, "")
	if !bytes.Equal(got.raw, openAPI) || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d bytes of %q; want the description", len(got.raw), got.header.Get("Content-Type"))
	}
	w.send("HEAD", openAPIPath, "")
	if got := w.send("POST", openAPIPath, "").want(405); got.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("got Allow %q", got.header.Get("Allow"))
	}
}
