package gigya

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseParameters(t *testing.T) {
	many := strings.Repeat("&a", maxParameters)
	tests := []struct {
		name  string
		forms []string
		want  []parameter
		code  code
	}{
		{"nothing", []string{"", ""}, nil, codeOK},
		{"query before body", []string{"b=1", "a=2"}, []parameter{{"b", "1"}, {"a", "2"}}, codeOK},
		{"empty values and empty pairs", []string{"&a=&&b&=c&"}, []parameter{{"a", ""}, {"b", ""}, {"", "c"}}, codeOK},
		{"both blanks", []string{"a+b=c+d%20e%2Bf"}, []parameter{{"a b", "c d e+f"}}, codeOK},
		{"semicolon", []string{"a=1;b=2&c;d=3"}, []parameter{{"a", "1;b=2"}, {"c;d", "3"}}, codeOK},
		{"more than one '='", []string{"a=b=c"}, []parameter{{"a", "b=c"}}, codeOK},
		{"hex in both cases", []string{"a=%c3%A9"}, []parameter{{"a", "é"}}, codeOK},
		{"UTF-8 as it is", []string{"größe=語"}, []parameter{{"größe", "語"}}, codeOK},
		{"one spelling twice", []string{"a=1", "a=2"}, []parameter{{"a", "1"}, {"a", "2"}}, codeOK},
		{"as many as may be", []string{many}, nil, codeOK},
		{"longest name and value", []string{strings.Repeat("n", maxName) + "=" + strings.Repeat("v", maxValue)}, nil, codeOK},

		{"two spellings", []string{"UID=1", "uid=1"}, nil, codeValue},
		{"two spellings, one empty", []string{"UID=&uid=1"}, nil, codeValue},
		{"two spellings of an unknown name", []string{"foo=1&Foo=1"}, nil, codeValue},
		{"half a byte", []string{"a=%4"}, nil, codeFormat},
		{"bare percent", []string{"a=100%"}, nil, codeFormat},
		{"no hex", []string{"a=%4g"}, nil, codeFormat},
		{"no hex in a name", []string{"%u0041=1"}, nil, codeFormat},
		{"invalid UTF-8", []string{"a=%ff"}, nil, codeFormat},
		{"invalid UTF-8 as it is", []string{"a=\xff"}, nil, codeFormat},
		{"invalid UTF-8 in a name", []string{"%C3=1"}, nil, codeFormat},
		{"a surrogate", []string{"a=%ED%A0%80"}, nil, codeFormat},
		{"an overlong form", []string{"a=%C0%AF"}, nil, codeFormat},
		{"a name that hides another pair", []string{"a%3D1%26b=2"}, nil, codeFormat},
		{"a name with '='", []string{"a%3D=2"}, nil, codeFormat},
		{"too many", []string{many, "a"}, nil, codeFormat},
		{"too long a name", []string{strings.Repeat("n", maxName+1) + "=1"}, nil, codeFormat},
		{"too long a value", []string{"a=" + strings.Repeat("v", maxValue+1)}, nil, codeTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := parseParameters(test.forms...)
			if f, _ := errors.AsType[*fault](err); (err != nil) != (test.code != codeOK) || f != nil && f.code != test.code {
				t.Fatalf("got error %v; want code %d", err, test.code)
			}
			if test.want == nil {
				return
			}
			if diff := cmp.Diff(test.want, p.list, cmp.AllowUnexported(parameter{})); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFormsOfNames looks parameters up in any case.
func TestFormsOfNames(t *testing.T) {
	p, err := parseParameters("UID=1&apikey=2&ENABLEDPROVIDERS=a&cid=", "cid=3&tags=a&tags=b&tags=a&tags=&api\u212Aey=no")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"uid": "1", "apikey": "2", "enabledproviders": "a", "cid": "3", "tags": "a,b", "absent": ""} {
		if got := p.get(name); got != want {
			t.Errorf("%s: got %q; want %q", name, got, want)
		}
	}
}

// TestRefusedKeepsWhatWasRead lets the reply of a refused request take the form that
// was asked for.
func TestRefusedKeepsWhatWasRead(t *testing.T) {
	w := newWorld(t)
	r := signedCall().set("format", "xml").set("context", "c-1")
	r.verbatim = "&x=%"
	a := w.do(r)
	if got := a.Body.String(); !strings.Contains(got, "<errorCode>400001</errorCode>") || !strings.Contains(got, "<context>c-1</context>") {
		t.Errorf("got %s; want XML with errorCode 400001 and the context", got)
	}
}

func TestFlags(t *testing.T) {
	f := func(value string, want bool, wantErr bool) {
		t.Helper()
		p, err := parseParameters("Flag=" + value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.flag("flag")
		if got != want || (err != nil) != wantErr {
			t.Errorf("%q: got %v, %v; want %v, an error: %v", value, got, err, want, wantErr)
		}
	}
	for _, value := range []string{"true", "True", "TRUE", "1", "+true+"} {
		f(value, true, false)
	}
	for _, value := range []string{"false", "False", "0", "", "++"} {
		f(value, false, false)
	}
	for _, value := range []string{"yes", "2", "on", "null", "tru"} {
		f(value, false, true)
	}
}

func TestEntries(t *testing.T) {
	tests := []struct {
		name, value string
		want        []string
		wantErr     bool
	}{
		{"none", "", nil, false},
		{"blanks and commas", " , ,", nil, false},
		{"commas", "facebook, twitter ,,sina", []string{"facebook", "twitter", "sina"}, false},
		{"JSON, as Python", `["a", "b, c", 7, "", null]`, []string{"a", "b, c", "7"}, false},
		{"empty JSON", ` [ ] `, nil, false},
		{"null", " null ", nil, false},
		{"as many as may be", strings.Repeat("a,", maxEntries), nil, false},
		{"too many", strings.Repeat("a,", maxEntries+1), nil, true},
		{"too many in JSON", `["a"` + strings.Repeat(`,"a"`, maxEntries) + `]`, nil, true},
		{"broken JSON", `["a"`, nil, true},
		{"more behind JSON", `["a"],b`, nil, true},
		{"nested JSON", `[["a"]]`, nil, true},
		{"JSON of flags", `[true]`, nil, true},
		{"JSON of numbers that are none", `[NaN]`, nil, true},
		{"deep JSON", strings.Repeat("[", 10_000), nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := parseParameters("tags=" + strings.NewReplacer("+", "%2B", "&", "%26").Replace(test.value))
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.entries("tags")
			if (err != nil) != test.wantErr {
				t.Fatalf("got %v; want an error: %v", err, test.wantErr)
			}
			if test.want != nil || len(got) == 0 {
				if diff := cmp.Diff(test.want, got); diff != "" && !test.wantErr {
					t.Errorf("entries (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// action is an object like those of the dialect.
type action struct {
	Title      string
	LinkBack   string
	MediaItems []struct{ Src string }
	Latitude   float64
}

func TestObjects(t *testing.T) {
	deep := func(n int) string { return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	wide := func(n int) string { return `{"x":[1` + strings.Repeat(",1", n) + `]}` }
	tests := []struct {
		name, value string
		want        action
		details     string // of the refusal; empty: it is taken
	}{
		{"plain", `{"title":"Hello","linkBack":"https:\/\/www.example.com\/"}`, action{Title: "Hello", LinkBack: "https://www.example.com/"}, ""},
		{"blanks, cases and unknown members", " \n{ \"TITLE\" : \"caf\\u00e9 \\ud83d\\ude00\", \"template\": {\"a\": [null]} } ", action{Title: "café 😀"}, ""},
		{"half a pair, as .NET", `{"title":"\ud83d\u0027"}`, action{Title: "\uFFFD'"}, ""},
		{"empty", `{}`, action{}, ""},
		{"as deep as may be", deep(maxDepth - 1), action{}, ""},
		{"as wide as may be", wide(maxMembers - 2), action{}, ""},
		{"brackets in text", `{"title":"` + strings.Repeat(`[{\"`, 100) + `"}`, action{Title: strings.Repeat(`[{"`, 100)}, ""},

		{"a text", `"title"`, action{}, "no JSON object"},
		{"a list", `[{}]`, action{}, "no JSON object"},
		{"null", `null`, action{}, "no JSON object"},
		{"blank", ` `, action{}, "no JSON object"},
		{"broken", `{"title":`, action{}, "no JSON"},
		{"more behind", `{} {}`, action{}, "no JSON"},
		{"a comment", `{/**/}`, action{}, "no JSON"},
		{"NaN", `{"latitude":NaN}`, action{}, "no JSON"},
		{"a number too large", `{"latitude":1e999}`, action{}, "latitude must be a number"},
		{"wrong type", `{"title":["x"]}`, action{}, "title must be text, not array"},
		{"wrong type inside", `{"mediaItems":[{"src":{}}]}`, action{}, "must be text"},
		{"no list", `{"mediaItems":{}}`, action{}, "must be a list"},
		{"too deep", deep(maxDepth), action{}, "deeper"},
		{"a bomb of brackets", strings.Repeat("[", maxJSON), action{}, "deeper"},
		{"a bomb of objects", strings.Repeat(`{"a":`, 10_000), action{}, "deeper"},
		{"too wide", wide(maxMembers), action{}, "members"},
		{"too long", `{"title":"` + strings.Repeat("x", maxJSON) + `"}`, action{}, "longer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := parseParameters("userAction=" + strings.NewReplacer("+", "%2B", "&", "%26").Replace(test.value))
			if err != nil {
				t.Fatal(err)
			}
			var got action
			sent, err := p.object("useraction", &got)
			if test.details != "" {
				f, _ := errors.AsType[*fault](err)
				if f == nil || f.code != codeValue || !strings.Contains(strings.ToLower(f.details), strings.ToLower(test.details)) || !strings.Contains(f.details, "userAction") {
					t.Fatalf("got %v; want %q", err, test.details)
				}
				return
			}
			if err != nil || !sent {
				t.Fatalf("got %v, %v; want an object", sent, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("object (-want +got):\n%s", diff)
			}
		})
	}
	p, _ := parseParameters("userAction=")
	if sent, err := p.object("useraction", new(action)); sent || err != nil {
		t.Errorf("empty: got %v, %v; want none", sent, err)
	}
}

// TestQuote keeps long values out of messages.
func TestQuote(t *testing.T) {
	long := strings.Repeat("é", 100)
	if got := quote(long); len(got) > maxQuote+len("…") || !strings.HasPrefix(long, strings.TrimSuffix(got, "…")) {
		t.Errorf("got %q; want at most %d bytes of it", got, maxQuote)
	}
	if got := fmt.Sprint(invalid(long, "no")); len(got) > 200 {
		t.Errorf("got %q; want it short", got)
	}
}
