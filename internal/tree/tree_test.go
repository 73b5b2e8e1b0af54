package tree

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// all has every kind of value, and characters that need care.
var all = Object{
	{"text", "</script><!-- & \u2028\u2029 \"quoted\" \\ \x00\x1f\x7f\t\n\r caf\u00e9 \U0001F600 \uFFFD\ufffe \xff\xc3"},
	{"int", -1}, {"int64", int64(-5)}, {"uint64", uint64(1<<64 - 1)}, {"float", 47.25}, {"small", 1e-7}, {"yes", true},
	{"entries", List{Object{{"shorturls", List{"a", 1}}}, Object{}}},
	{"identities", List{}},
}

func TestForms(t *testing.T) {
	f := func(form string, got []byte, want string) {
		t.Helper()
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
	}
	rest := `,"int":-1,"int64":-5,"uint64":18446744073709551615,"float":47.25,"small":0.0000001,"yes":true,"entries":[{"shorturls":["a",1]},{}],"identities":[]}`
	f("JSON", AppendJSON([]byte("f("), all),
		"f("+`{"text":"</script><!-- & `+"\u2028\u2029"+` \"quoted\" \\ \u0000\u001f\u007f\t\n\r café `+"\U0001F600 \uFFFD\ufffe \uFFFD\uFFFD"+`"`+rest)
	f("script", AppendScript(nil, all),
		`{"text":"\u003c/script\u003e\u003c!-- \u0026 \u2028\u2029 \"quoted\" \\ \u0000\u001f\u007f\t\n\r café `+"\U0001F600 \uFFFD\ufffe \uFFFD\uFFFD"+`"`+rest)
	f("XML", AppendXML([]byte("<?xml?>"), "all", all),
		"<?xml?><all><text>&lt;/script&gt;&lt;!-- &amp; \u2028\u2029 \"quoted\" \\ \uFFFD\uFFFD\x7f\t\n&#13; café \U0001F600 \uFFFD\uFFFD \uFFFD\uFFFD</text>"+
			"<int>-1</int><int64>-5</int64><uint64>18446744073709551615</uint64><float>47.25</float><small>0.0000001</small><yes>true</yes>"+
			"<entries><entry><shorturls><shorturl>a</shorturl><shorturl>1</shorturl></shorturls></entry><entry></entry></entries><identities></identities></all>")
	f("content of XML", AppendContent(nil, "urls", List{"a"}), "<url>a</url>")
}

// TestCharacters come back as they were, and those that a script could end or break at
// do not stand in one.
func TestCharacters(t *testing.T) {
	for r := range rune(0x3000) {
		text := "a" + string(r) + "b"
		for _, raw := range [][]byte{AppendJSON(nil, text), AppendScript(nil, text)} {
			var got string
			if err := json.Unmarshal(raw, &got); err != nil || got != text {
				t.Fatalf("%q: got %s, error %v; want it back", text, raw, err)
			}
		}
		if raw := AppendScript(nil, text); strings.ContainsAny(string(raw), "<>&\u2028\u2029") {
			t.Fatalf("%q: got %s in a script; want it escaped", text, raw)
		}
	}
}

func TestWith(t *testing.T) {
	got := Object{}.With(true, "a", 1).With(false, "b", 2).WithText("c", "").WithText("d", "e")
	if diff := cmp.Diff(Object{{"a", 1}, {"d", "e"}}, got); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
}

func TestSingular(t *testing.T) {
	for list, want := range map[string]string{"entries": "entry", "identities": "identity", "publications": "publication", "tracked_shorturls": "tracked_shorturl", "urls": "url", "x": "x"} {
		if got := Singular(list); got != want {
			t.Errorf("%s: got %s; want %s", list, got, want)
		}
	}
}

// TestStrangeValue: a value of another type is a mistake of ours.
func TestStrangeValue(t *testing.T) {
	defer func() {
		if got, _ := recover().(string); !strings.HasPrefix(got, "BUG: ") {
			t.Errorf("got panic %q; want one that names a bug", got)
		}
	}()
	AppendJSON(nil, Object{{"a", struct{}{}}})
}

// FuzzText writes whatever text there is, so that parsers read it.
func FuzzText(f *testing.F) {
	f.Add("a<b>&\"c'\x00\x1f\r\n]]>")
	f.Add("\xff\xfe\ufffe\uffff👨‍👩‍👧‍👦\u2028")
	f.Fuzz(func(t *testing.T, text string) {
		want := mended(text)
		for _, raw := range [][]byte{AppendJSON(nil, text), AppendScript(nil, text)} {
			var got string
			if err := json.Unmarshal(raw, &got); err != nil || got != want {
				t.Fatalf("%q: got %s, error %v; want %q", text, raw, err, want)
			}
		}
		raw := AppendXML(nil, "texts", List{text, Object{{"text", text}}})
		decoder := xml.NewDecoder(strings.NewReader(string(raw)))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%q: got %s, which is no XML: %v", text, raw, err)
			}
		}
	})
}

// mended is a text with U+FFFD for each byte that is no UTF-8.
func mended(text string) string { return string([]rune(text)) }
