package gigya

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// forms are seeds: what clients send, and what nobody should.
var forms = []string{
	"UID=user-42%40example.com&userAction=%7B%22title%22%3A%22Hello+world%22%7D&apiKey=3_ExampleApiKey&timestamp=1700000000&nonce=1&sig=KSgyoZ0hExvw%2BZkx83MeWYFCE2E%3D",
	"a=1;b=2&c", "&&=&a==&%", "a=%zz", "a=\xff", "a=%C3%A9&A=%c3%a9", "UID=1&uid=2", "a%26b=1", "x=1&x=&x=2&X", "tags=%5B%22a%22%2C7%5D&f=True",
}

// FuzzParse reads forms: what is refused is refused with a code of the caller's faults;
// what is taken is within bounds, comes back when it is written again, and is found
// under its names.
func FuzzParse(f *testing.F) {
	for _, form := range forms {
		f.Add(form, "")
		f.Add("a=1", form)
	}
	f.Fuzz(func(t *testing.T, query, body string) {
		p, err := parseParameters(query, body)
		if _, err := p.flag("f"); err != nil {
			refused(t, err)
		}
		if entries, err := p.entries("tags"); err != nil {
			refused(t, err)
		} else if len(entries) > maxEntries || slices.Contains(entries, "") {
			t.Fatalf("got entries %q", entries)
		}
		if _, err := readForm(p); err != nil {
			refused(t, err)
		}
		if err != nil {
			refused(t, err)
			return
		}
		q := quirks{rand.New(rand.NewPCG(1, uint64(len(query))))}
		var again []string
		for _, pair := range p.list {
			if !utf8.ValidString(pair.name+pair.value) || len(pair.name) > maxName || len(pair.value) > maxValue {
				t.Fatalf("got parameter %q", pair)
			}
			if got := p.get(lower(pair.name)); pair.value != "" && !strings.Contains(got, pair.value) {
				t.Fatalf("%q: got %q; want %q in it", pair.name, got, pair.value)
			}
			again = append(again, q.write(pair.name)+"="+q.write(pair.value))
		}
		twice, err := parseParameters(strings.Join(again, "&"))
		if err != nil || !slices.Equal(p.list, twice.list) {
			t.Fatalf("written again: got %q, %v; want %q", twice.list, err, p.list)
		}
	})
}

// refused holds an error against the rule that the caller is told what they did.
func refused(t *testing.T, err error) {
	t.Helper()
	if f, internal := refusal(err); internal || f.code.status() != 400 && f.code != codeTooLarge || f.details == "" || !utf8.ValidString(f.details) {
		t.Fatalf("got %+v for %v", f, err)
	}
}

// FuzzBaseString makes base strings of what was parsed. They do not depend on the
// order, differ when a parameter does, and are those of the recipe.
func FuzzBaseString(f *testing.F) {
	for _, form := range forms {
		f.Add(form, "localhost:8080", "/socialize.publishUserAction", uint64(1))
	}
	f.Add("a=1", "[::1]:80", "/%C3%A9.b", uint64(2))
	f.Add("a=1", ":::", "", uint64(3))
	f.Fuzz(func(t *testing.T, form, host, path string, seed uint64) {
		urls := signedURLs(seed%2 == 0, host, path)
		if len(urls) < 2 || len(urls) > 4 {
			t.Fatalf("got URLs %q", urls)
		}
		p, err := parseParameters(form)
		if err != nil {
			return
		}
		for _, url := range urls {
			want := baseString("POST", url, p.list)
			shuffled := slices.Clone(p.list)
			rand.New(rand.NewPCG(seed, seed)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if got := baseString("POST", url, shuffled); !bytes.Equal(got, want) {
				t.Fatalf("another order: got %s; want %s", got, want)
			}
			if regexp.MustCompile(`[^A-Za-z0-9._~%&-]`).Match(want) || bytes.Count(want, []byte("&")) != 2 {
				t.Fatalf("got base string %s", want)
			}
			if got := baseString("POST", url, append(shuffled, parameter{"new", "1"})); bytes.Equal(got, want) {
				t.Fatalf("one more parameter: got the same base string %s", got)
			}
			var pairs [][2]string
			for _, pair := range p.list {
				if lower(pair.name) != sigName {
					pairs = append(pairs, [2]string{pair.name, pair.value})
				}
			}
			if strings.Contains(form, "%00") || strings.Contains(form, "\x00") {
				continue // the recipe of the tests sorts with it
			}
			key, _ := base64.StdEncoding.DecodeString(siteSecret)
			if got := sign(key, want); got != recipe(siteSecret, "POST", url, pairs) {
				t.Fatalf("got %s, not what the recipe signs for %q", want, pairs)
			}
		}
	})
}

// FuzzCallback puts names of callbacks into replies: what is not refused cannot be
// anything but the name of a function.
func FuzzCallback(f *testing.F) {
	for _, name := range []string{"f", "gigya.callback", "alert(1)//", "f\n", "é", ".", "$_.x", "<script>"} {
		f.Add(name, "context </script>\u2028")
	}
	f.Fuzz(func(t *testing.T, callback, context string) {
		list := [][2]string{{"format", "jsonp"}, {"callback", callback}, {"context", context}}
		var written []string
		for _, p := range list {
			written = append(written, p[0]+"="+quirks{rand.New(rand.NewPCG(1, 1))}.write(p[1]))
		}
		p, err := parseParameters(strings.Join(written, "&"))
		if err != nil {
			return
		}
		wanted, err := readForm(p)
		r := reply{form: wanted, callID: "c", time: start}
		_, body, contentType := r.render()
		if err != nil {
			refused(t, err)
			if contentType != "application/json; charset=utf-8" || !json.Valid(body) {
				t.Fatalf("got %s: %s; want JSON", contentType, body)
			}
			return
		}
		if len(callback) > maxCallback || strings.Trim(callback, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$.") != "" {
			t.Fatalf("got callback %q", callback)
		}
		rest, found := bytes.CutPrefix(body, []byte(callback+"("))
		rest, ends := bytes.CutSuffix(rest, []byte(");"))
		var doc struct{ Context string }
		if !found || !ends || json.Unmarshal(rest, &doc) != nil || doc.Context != context || bytes.ContainsAny(rest, "<>&\u2028\u2029") {
			t.Fatalf("got %s; want a call of %s with context %q", body, callback, context)
		}
	})
}

// FuzzJSONObject reads objects: what is taken is one, within its bounds.
func FuzzJSONObject(f *testing.F) {
	for _, object := range []string{
		`{"title":"Hello","linkBack":"https:\/\/www.example.com\/"}`, `{"a":{"b":[1,2,{"c":null}]}}`, `[{}]`, `{"\u0027\ud83d":NaN}`, `{"a":"\\\"{["}`, ` {} `, `{}{}`, strings.Repeat(`{"a":`, 20),
	} {
		f.Add(object)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var got map[string]any
		if err := decodeObject(raw, &got); err != nil {
			if errors.Unwrap(err) != nil || err.Error() == "" {
				t.Fatalf("got %v; want words for the caller", err)
			}
			return
		}
		if got == nil || !json.Valid([]byte(raw)) || len(raw) > maxJSON || depth(got) > maxDepth {
			t.Fatalf("%q: got %v", raw, got)
		}
		if err := decodeObject(raw, new(action)); err != nil && strings.Contains(err.Error(), "no JSON") {
			t.Fatalf("%q: got %v; want an object", raw, err)
		}
	})
}

// depth is how deep a value is nested.
func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	case []any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	default:
		return 0
	}
	return deepest + 1
}

// FuzzAuthorization shows headers and tokens: none of them opens anything, and all are
// refused with a code for credentials.
func FuzzAuthorization(f *testing.F) {
	w := newWorld(f)
	token := w.token(clientCall())
	f.Add("OAuth "+token[:len(token)-1], token[1:])
	f.Add("Bearer "+jwt(f, strangeKey(), rightHeader, claims(0, "1")), "")
	f.Add("Bearer ..", ".")
	f.Add("bearer", "AQ")
	f.Add("Basic Og==", "")
	f.Fuzz(func(t *testing.T, header, parameter string) {
		if strings.Contains(header, token) || parameter == token || !utf8.ValidString(parameter) {
			return
		}
		w.TB = t
		for _, r := range []*request{plainCall(), plainCall().drop("apiKey")} {
			r.secure = true
			r.header["Authorization"] = []string{header}
			a := w.do(r.set("oauth_token", parameter))
			got := code(a.doc["errorCode"].(float64))
			if !slices.Contains([]code{codeToken, codeHeader, codeUser, codeMissing}, got) {
				t.Fatalf("got %s; want a refusal of the credentials", a.Body)
			}
		}
		if sealed, err := readToken(parameter); err == nil {
			if _, err := sealed.open(siteSecret, start); err == nil {
				t.Fatalf("token %q was opened", parameter)
			}
		}
	})
}

// FuzzXML renders whatever text there is, so that parsers read it.
func FuzzXML(f *testing.F) {
	f.Add("a<b>&\"c'", "\x00\x1f\r\n]]>")
	f.Add("\xff\xfe\ufffe\uffff", "👨‍👩‍👧‍👦")
	f.Fuzz(func(t *testing.T, context, text string) {
		r := reply{form: form{format: formatXML, context: context}, method: "socialize.getToken", callID: "c", time: start, members: object{{"entries", list{text, object{{"text", text}}}}}}
		_, body, _ := r.render()
		checkXML(t, body)
		r.format = formatJSON
		status, body, _ := r.render()
		var doc struct{ Context string }
		if err := json.Unmarshal(body, &doc); err != nil || status != http.StatusOK {
			t.Fatalf("got %q with HTTP %d, %v; want JSON", body, status, err)
		}
		if want := strings.ToValidUTF8(context, "\uFFFD"); utf8.ValidString(context) && doc.Context != want {
			t.Fatalf("context (-want +got):\n%s", cmp.Diff(want, doc.Context))
		}
	})
}
