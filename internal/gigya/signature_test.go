package gigya

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// baseString is what is signed, in one piece.
func baseString(verb, url string, list []parameter) []byte {
	var b bytes.Buffer
	b.Write(appendHead(nil, verb, url))
	writeSigned(&b, signed(list))
	return b.Bytes()
}

// TestVectors holds the contract's vectors V1 to V3 against the parser and the base
// string, and sends them.
func TestVectors(t *testing.T) {
	tests := []struct {
		name   string
		at     int64
		verb   string
		secure bool
		host   string
		path   string
		form   string // without sig
		base   string
		sigs   []string
	}{
		{
			"V1", 1700000000, "POST", true, "socialize.us1.gigya.com", "/socialize.publishUserAction",
			"UID=user-42%40example.com&userAction=%7B%22title%22%3A%22Hello+world%22%2C%22linkBack%22%3A%22https%3A%2F%2Fwww.example.com%2Fa%3Fb%3D1%26c%3D2%22%7D&enabledProviders=facebook%2Ctwitter&shortURLs=always&cid=home+page&format=json&httpStatusCodes=false&sdk=php_3.1.0&apiKey=3_ExampleApiKey&timestamp=1700000000&nonce=17000000001231234567890",
			"POST&https%3A%2F%2Fsocialize.us1.gigya.com%2Fsocialize.publishUserAction&UID%3Duser-42%2540example.com%26apiKey%3D3_ExampleApiKey%26cid%3Dhome%2520page%26enabledProviders%3Dfacebook%252Ctwitter%26format%3Djson%26httpStatusCodes%3Dfalse%26nonce%3D17000000001231234567890%26sdk%3Dphp_3.1.0%26shortURLs%3Dalways%26timestamp%3D1700000000%26userAction%3D%257B%2522title%2522%253A%2522Hello%2520world%2522%252C%2522linkBack%2522%253A%2522https%253A%252F%252Fwww.example.com%252Fa%253Fb%253D1%2526c%253D2%2522%257D",
			[]string{"KSgyoZ0hExvw%2BZkx83MeWYFCE2E%3D", "KSgyoZ0hExvw+Zkx83MeWYFCE2E="},
		},
		{
			"V2, and as .NET signs it", 1700000060, "POST", false, "Socialize.DC.localtest:8080", "/socialize.publishUserAction",
			"uid=user%201%2B2%2F3&userAction=%7B%22title%22%3A%22Caf%C3%A9%20~%20*50%25*%20it's%20(new)!%22%2C%22linkBack%22%3A%22https%3A%2F%2Fwww.example.com%2F%22%7D&tags=a%2Cb&format=json&httpStatusCodes=false&sdk=java_3.2.4&apiKey=3_ExampleApiKey&userKey=AExampleUserKey&timestamp=1700000060&nonce=1700000060123_-42",
			"POST&http%3A%2F%2Fsocialize.dc.localtest%3A8080%2Fsocialize.publishUserAction&apiKey%3D3_ExampleApiKey%26format%3Djson%26httpStatusCodes%3Dfalse%26nonce%3D1700000060123_-42%26sdk%3Djava_3.2.4%26tags%3Da%252Cb%26timestamp%3D1700000060%26uid%3Duser%25201%252B2%252F3%26userAction%3D%257B%2522title%2522%253A%2522Caf%25C3%25A9%2520~%2520%252A50%2525%252A%2520it%2527s%2520%2528new%2529%2521%2522%252C%2522linkBack%2522%253A%2522https%253A%252F%252Fwww.example.com%252F%2522%257D%26userKey%3DAExampleUserKey",
			[]string{"Os7emlhPYJQF1FEncGk3lr6SNBM%3D", "8ETnXIjlfjri2MC4d4n3Ja9QvZM%3D"},
		},
		{
			"V3", 1700000120, "GET", false, "socialize.gigya.com", "/socialize.shortenURL",
			"url=https%3A%2F%2Fwww.example.com%2Fpath%2F%3Fq%3Done+two%26x%3D%2541&cid=&format=jsonp&callback=cb_1&apiKey=3_ExampleApiKey&timestamp=1700000120&nonce=n-0003",
			"GET&http%3A%2F%2Fsocialize.gigya.com%2Fsocialize.shortenURL&apiKey%3D3_ExampleApiKey%26callback%3Dcb_1%26cid%3D%26format%3Djsonp%26nonce%3Dn-0003%26timestamp%3D1700000120%26url%3Dhttps%253A%252F%252Fwww.example.com%252Fpath%252F%253Fq%253Done%2520two%2526x%253D%252541",
			[]string{"CkNW6ZXIP36R4B2pMKT2RScYE%2Bo%3D"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := parseParameters(test.form)
			if err != nil {
				t.Fatal(err)
			}
			got := string(baseString(test.verb, signedURLs(test.secure, test.host, test.path)[0], p.list))
			if diff := cmp.Diff(test.base, got); diff != "" {
				t.Errorf("base string (-want +got):\n%s", diff)
			}
			for _, sig := range test.sigs {
				w := newWorld(t)
				w.now = time.Unix(test.at, 0)
				r := &request{verb: test.verb, host: test.host, path: test.path, secure: test.secure, verbatim: test.form + "&sig=" + sig}
				if a := w.do(r); w.last == nil {
					t.Errorf("sig=%s: got %s; want success", sig, a.Body)
				}
				if a := w.do(r); w.last != nil {
					t.Errorf("sig=%s again: got %s; want a duplicate nonce", sig, a.Body)
				}
			}
		})
	}
}

// TestUIDSignature is V4.
func TestUIDSignature(t *testing.T) {
	f := func(want string, ids ...string) {
		t.Helper()
		if got := uidSignature(siteSecret, "1700000200", ids...); got != want {
			t.Errorf("%q: got %q; want %q", ids, got, want)
		}
	}
	f("+ihOaA3UhpLMF8BzbP0RTp3Dqzw=", "user-42@example.com")
	f("ucuX4NZ5OLqAscFhLaoJeb/PMqw=", "friend-7", "user-42@example.com")
	if got := uidSignature("", "1700000200", "user-42@example.com"); got != "" {
		t.Errorf("without a secret: got %q; want nothing", got)
	}
}

func TestSignedURLs(t *testing.T) {
	f := func(secure bool, host string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, signedURLs(secure, host, "/a.b")); diff != "" {
			t.Errorf("%s, secure: %v (-want +got):\n%s", host, secure, diff)
		}
	}
	f(true, "Socialize.Example", "https://socialize.example/a.b", "http://socialize.example/a.b")
	f(false, "h:80", "http://h/a.b", "https://h:80/a.b", "https://h/a.b")
	f(true, "h:443", "https://h/a.b", "http://h:443/a.b", "http://h/a.b")
	f(false, "h:8080", "http://h:8080/a.b", "http://h/a.b", "https://h:8080/a.b", "https://h/a.b")
	f(false, "[::1]:8080", "http://[::1]:8080/a.b", "http://[::1]/a.b", "https://[::1]:8080/a.b", "https://[::1]/a.b")
	f(false, "[::1]", "http://[::1]/a.b", "https://[::1]/a.b")
}

// TestLongValues are signed as short ones are, wherever they are taken apart.
func TestLongValues(t *testing.T) {
	w := newWorld(t)
	for i, length := range []int{signedPart - 1, signedPart, signedPart + 1, 2 * signedPart, signedText, maxValue} {
		r := signedCall().set("nonce", fmt.Sprint(i)).set("a", strings.Repeat("é/a~", length/5)).set("b", strings.Repeat("x", length)).set("z", "1")
		w.do(r).want(codeOK, "")
		r.verbatim = "&y=2"
		w.do(r).want(codeSignature, "")
	}
}

// TestVerifyNeedsSecret signs with what is no secret: an empty key must not become one
// that everybody knows.
func TestVerifyNeedsSecret(t *testing.T) {
	list := []parameter{{"apiKey", "k"}}
	r := httptest.NewRequest("POST", "http://h/a.b", nil)
	sig := sign(nil, baseString("POST", "http://h/a.b", list))
	if verify("", sig, r, false, list) {
		t.Error("got success with no secret; want none")
	}
	if verify("no base64!", sig, r, false, list) {
		t.Error("got success with a malformed secret; want none")
	}
	if sig := sign([]byte("secret"), baseString("POST", "http://h/a.b", list)); !verify("c2VjcmV0", sig, r, false, list) {
		t.Error("got no success with a secret; want it")
	}
}

// TestBaseStringCutsAtSig leaves sig out in any spelling, and nothing else.
func TestBaseStringCutsAtSig(t *testing.T) {
	want := baseString("POST", "http://h/a.b", []parameter{{"a", "1"}, {"sigh", "2"}})
	got := baseString("POST", "http://h/a.b", []parameter{{"sigh", "2"}, {"Sig", "x"}, {"a", "1"}})
	if !bytes.Equal(got, want) {
		t.Errorf("got %s; want %s", got, want)
	}
}
