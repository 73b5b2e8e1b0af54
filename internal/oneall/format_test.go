package oneall

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/tree"
)

// TestXMLGolden shows the mapping of the contract's section 13.
func TestXMLGolden(t *testing.T) {
	h := NewHandler(Options{})
	h.o.Now = newWorld(t).options.Now
	body, contentType := h.render(formatXML, "/users.xml?a=1&b=<2>", ok(object{
		{"users", object{
			{"count", 1},
			{"entries", list{object{{"text", "a<b>&\"c'\x00\x1f\ufffe\r]]>"}, {"yes", true}, {"big", uint64(1<<64 - 1)}}}},
		}},
		{"publications", list{object{{"tracked_shorturls", list{object{{"shorturl", object{{"num_referrals", "1"}}}}}}}}},
		{"identities", list{"plain", "text"}},
		{"empty", list{}},
	}))
	want := `<?xml version="1.0" encoding="UTF-8"?>
<response><request><date>Tue, 04 Mar 2025 10:15:30 +0000</date><resource>/users.xml?a=1&amp;b=&lt;2&gt;</resource>` +
		`<status><flag>success</flag><code>200</code><info>Your request has been processed successfully.</info></status></request>` +
		`<result><data><users><count>1</count><entries><entry><text>a&lt;b&gt;&amp;"c'` + "\uFFFD\uFFFD\uFFFD" + `&#13;]]&gt;</text><yes>true</yes><big>18446744073709551615</big></entry></entries></users>` +
		`<publications><publication><tracked_shorturls><tracked_shorturl><shorturl><num_referrals>1</num_referrals></shorturl></tracked_shorturl></tracked_shorturls></publication></publications>` +
		`<identities><identity>plain</identity><identity>text</identity></identities><empty></empty></data></result></response>` + "\n"
	if diff := cmp.Diff(want, string(body)); diff != "" || contentType != "application/xml; charset=utf-8" {
		t.Errorf("got %s; XML (-want +got):\n%s", contentType, diff)
	}
	checkXML(t, body)
}

// TestXMLSaysWhatJSONSays reads the same answers in both forms, errors among them.
func TestXMLSaysWhatJSONSays(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter", "facebook")
	message := w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, trackedParts)).text("sharing_message.sharing_message_token")
	slug := w.shorten("http://www.example.com/?a=1&b=2")
	for n := range 3 {
		w.links.click(refAt(slug), referral(n))
	}
	for _, path := range []string{
		"sharing/messages", "sharing/messages/" + message, "shorturls", "shorturls/" + slug, "users", "users/" + u.Token, "users/" + u.Token + "/contacts", "identities",
		"identities/" + u.Identities[0].Token, "connections", "providers", "tools/ping", "users/nobody", "nothing", "shorturls/a%00b",
	} {
		asJSON, asXML := w.do("GET", "/"+path+".json", ""), w.do("GET", "/"+path+".xml", "")
		if asJSON.code != asXML.code {
			t.Errorf("%s: got %d as JSON and %d as XML", path, asJSON.code, asXML.code)
		}
		want := flatten(at(asJSON.doc, "response"), "response")
		got := flattenXML(t, asXML.raw)
		for i := range want {
			if strings.HasPrefix(want[i], "response/request/resource=") {
				want[i] = strings.Replace(want[i], ".json", ".xml", 1)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: leaves as JSON and as XML (-JSON +XML):\n%s", path, diff)
		}
	}
	got := w.do("DELETE", "/sharing/messages/"+message+".xml?confirm_deletion=true", "").want(200)
	if !bytes.Contains(got.raw, []byte("<code>200</code>")) || bytes.Contains(got.raw, []byte("<result>")) {
		t.Errorf("got %s", got.raw)
	}
	w.do("POST", "/shorturls.xml", `{"request":{"shorturl":{"original_url":"http://www.example.com/"}}}`).want(200)
	w.send("GET", "/users.xml", "").want(401)
}

// flatten lists the leaves of a JSON value with their paths, in the order of these.
func flatten(v any, path string) []string {
	var leaves []string
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			leaves = append(leaves, flatten(e, path+"/"+k)...)
		}
	case []any:
		entry := path[strings.LastIndexByte(path, '/')+1:]
		for _, e := range v {
			leaves = append(leaves, flatten(e, path+"/"+tree.Singular(entry))...)
		}
	case float64:
		leaves = append(leaves, fmt.Sprintf("%s=%.0f", path, v))
	default:
		if v != "" {
			leaves = append(leaves, fmt.Sprintf("%s=%v", path, v))
		}
	}
	return sorted(leaves)
}

func flattenXML(t *testing.T, raw []byte) []string {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(raw))
	var leaves, path []string
	text := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return sorted(leaves)
		}
		if err != nil {
			t.Fatalf("got %q, which is no XML: %v", raw, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			path, text = append(path, token.Name.Local), ""
		case xml.CharData:
			text += string(token)
		case xml.EndElement:
			if strings.TrimSpace(text) != "" {
				leaves = append(leaves, strings.Join(path, "/")+"="+text)
			}
			path, text = path[:len(path)-1], ""
		}
	}
}

func BenchmarkRender(b *testing.B) {
	h := NewHandler(Options{})
	entries := list{}
	for range 500 {
		entries = append(entries, object{{"sharing_message_token", "3f0e6a52-8a5c-4a53-9d0e-2d7f6b1f7a10"}, {"date_creation", "Tue, 04 Mar 2025 10:15:30 +0000"}, {"date_last_published", "Tue, 04 Mar 2025 10:15:30 +0000"}})
	}
	a := ok(object{{"sharing_messages", listing(pageQuery{page: 1, size: 500}.pagination(500, ""), entries)}})
	for name, f := range map[string]format{"json": formatJSON, "xml": formatXML} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.render(f, "/sharing/messages.json", a)
			}
		})
	}
}
