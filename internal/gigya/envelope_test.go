package gigya

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestReplies holds whole replies against golden files.
func TestReplies(t *testing.T) {
	at := func(path string, r *request) *request {
		r.path = path
		return r
	}
	jsonp := func(r *request) *request { return r.set("format", "jsonp").set("callback", "gigya.callback") }
	failing := func(r *request) *request { return r.drop("UID") }
	tests := []struct {
		name string
		r    *request
	}{
		{"success", signedCall()},
		{"error", failing(signedCall())},
		{"error_named_json", failing(signedCall().set("format", "JSON"))},
		{"partial", at("/test.partial", signedCall())},
		{"words", at("/test.words", signedCall())},
		{"words_jsonp", at("/test.words", jsonp(signedCall()))},
		{"words_xml", at("/test.words", signedCall().set("format", "xml"))},
		{"partial_xml", at("/test.partial", signedCall().set("format", "xml"))},
		{"error_xml", failing(signedCall().set("format", "xml"))},
		{"error_jsonp", failing(jsonp(signedCall()))},
		{"status", failing(signedCall().set("httpStatusCodes", "True"))},
		{"status_jsonp", failing(jsonp(signedCall().set("httpStatusCodes", "true")))},
		{"status_xml", failing(signedCall().set("httpStatusCodes", "1").set("format", "xml"))},
		{"status_success", signedCall().set("httpStatusCodes", "1")},
		{"context", failing(signedCall().set("context", `{"a":"<é>"}`))},
		{"context_success", signedCall().set("Context", "c 1")},
		{"jsonp_without_callback", signedCall().set("format", "jsonp")},
		{"jsonp_injection", signedCall().set("format", "jsonp").set("callback", "alert(1)//")},
		{"unknown_format", signedCall().set("format", "yaml")},
		{"unknown_method", at("/socialize.nothing", signedCall())},
		{"unknown_method_xml", at("/socialize.<evil>", signedCall().set("format", "xml"))},
		{"unknown_method_status", at("/", signedCall().set("httpStatusCodes", "true"))},
		{"other_data_centre", func() *request {
			r := signedCall().set("httpStatusCodes", "true")
			r.host = "accounts.eu1.gigya.com"
			return r
		}()},
		{"panic", at("/test.panic", signedCall())},
		{"token", clientCall().set("x_siteUID", "user-42")},
		{"token_refused", clientCall().set("client_secret", "wrong")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newWorld(t).do(test.r)
			var got strings.Builder
			fmt.Fprintf(&got, "HTTP %d\n", a.Code)
			if err := a.Header().Write(&got); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(got.String(), "\r\n", "\n") + "\n" + a.Body.String() + "\n"
			if length := a.Header().Get("Content-Length"); length != fmt.Sprint(a.Body.Len()) {
				t.Errorf("got Content-Length %s of %d bytes", length, a.Body.Len())
			}
			goldenFile(t, test.name, text)
		})
	}
}

// TestRepliesParse reads replies with what clients have.
func TestRepliesParse(t *testing.T) {
	w := newWorld(t)
	r := signedCall()
	r.path = "/test.words"
	want := "</script><!-- & \u2028\u2029 \"quoted\" \\ \x00\x1f\x7f\t\n\r café \U0001F600 \uFFFD"
	var doc struct {
		Text string `json:"text" xml:"text"`
	}
	if err := json.Unmarshal(w.do(r).Body.Bytes(), &doc); err != nil || doc.Text != want {
		t.Errorf("JSON: got %q, %v; want %q", doc.Text, err, want)
	}
	body := w.do(r.set("nonce", "2").set("format", "jsonp").set("callback", "f")).Body.String()
	if strings.ContainsAny(body, "<>&\u2028\u2029") || !strings.HasPrefix(body, "f({") || !strings.HasSuffix(body, "});") {
		t.Errorf("JSONP: got %s; want a call without what ends a script", body)
	}
	if err := json.Unmarshal([]byte(body[2:len(body)-2]), &doc); err != nil || doc.Text != want {
		t.Errorf("JSONP: got %q, %v; want %q", doc.Text, err, want)
	}
	if err := xml.Unmarshal(w.do(r.set("nonce", "3").set("format", "xml")).Body.Bytes(), &doc); err != nil {
		t.Error(err)
	}
	want = "</script><!-- & \u2028\u2029 \"quoted\" \\ \uFFFD\uFFFD\x7f\t\n\r café \U0001F600 \uFFFD"
	if doc.Text != want {
		t.Errorf("XML: got %q; want %q", doc.Text, want)
	}
}

func TestCallbacks(t *testing.T) {
	f := func(name string, want bool) {
		t.Helper()
		if got := isCallback(name); got != want {
			t.Errorf("%q: got %v; want %v", name, got, want)
		}
	}
	f("f", true)
	f("gigya.callback", true)
	f("jQuery1102_17.$._x9", true)
	f(strings.Repeat("f", maxCallback), true)
	f(strings.Repeat("f", maxCallback+1), false)
	for _, name := range []string{"", "1f", ".f", "f.", "f..g", "f.1", "f g", "f()", "f[0]", "f;g", "f\n", "f\x00", "é", "f<script>", "f-g", "f/*", "f\u2028", "f'", "alert(1)//"} {
		f(name, false)
	}
}

// TestNames holds the table of codes together: a code that is used has a name, and a
// status that HTTP knows.
func TestNames(t *testing.T) {
	for c := range names {
		if c != codeOK && (c < 100_000 || c > 599_999) || c.reason() == "" || c.name() == "" {
			t.Errorf("code %d: got %q with status %d %q; want a name and a status", c, c.name(), c.status(), c.reason())
		}
	}
	for _, c := range []code{
		codeOK, codeDataCentre, codeFormat, codeMissing, codeScalar, codeValue, codeHeader, codeGrantType, codeAPIKey, codeExpired, codeSignature, codeNonce,
		codeUser, codePlainSecret, codeSecret, codeToken, codeRate, codeMethod, codeTooLarge, codeBusy, codeInternal, codeTimeout,
		codeUnique, codeNotAllowed, codeDenied, codeSiteConfig, codeIdentity,
	} {
		if c.name() == "" {
			t.Errorf("code %d has no name", c)
		}
	}
	if got := code(403003).status(); got != 403 {
		t.Errorf("got status %d; want 403", got)
	}
}

// TestEmptyMembers leaves out what is empty.
func TestEmptyMembers(t *testing.T) {
	r := reply{callID: "c", time: start, code: codeSignature}
	_, body, _ := r.render()
	want := `{"statusCode":403,"errorCode":403003,"statusReason":"Forbidden","errorMessage":"Invalid request signature","callId":"c","time":"2023-11-14T22:13:20.000Z"}`
	if string(body) != want {
		t.Errorf("got %s; want %s", body, want)
	}
}

// checkXML reads an XML document to its end.
func checkXML(t *testing.T, body []byte) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(string(body)))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("got %q, which is no XML: %v", body, err)
		}
	}
}

// TestHead sends no body, whatever it is.
func TestHead(t *testing.T) {
	r := signedCall()
	r.verb = http.MethodHead
	if a := newWorld(t).do(r); a.Body.Len() != 0 || a.Header().Get("Content-Length") == "" {
		t.Errorf("got %q, length %q; want a length alone", a.Body, a.Header().Get("Content-Length"))
	}
}
