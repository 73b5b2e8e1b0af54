package gigya

import (
	"fmt"
	"strings"
	"testing"

	"herald.example/internal/publish"
)

// TestBadCalls changes nothing: neither a message nor a post.
func TestBadCalls(t *testing.T) {
	t.Parallel()
	depth := strings.Repeat("[", 20_000)
	tests := []struct {
		name  string
		pairs []string
		want  code
		words string
	}{
		{"no action", []string{"userAction", ""}, codeMissing, "Missing required parameter : userAction"},
		{"no UID", []string{"UID", ""}, codeMissing, "Missing required parameter : UID"},
		{"unknown UID", []string{"UID", "nobody"}, codeUser, "nobody"},
		{"a list", []string{"userAction", "[]"}, codeValue, "userAction"},
		{"a text", []string{"userAction", `"x"`}, codeValue, "userAction"},
		{"no JSON", []string{"userAction", `{"title":"a"`}, codeValue, "no JSON"},
		{"two objects", []string{"userAction", `{"title":"a"}{}`}, codeValue, "no JSON"},
		{"not a number in JSON", []string{"userAction", `{"title":NaN}`}, codeValue, "no JSON"},
		{"empty object", []string{"userAction", "{}"}, codeMissing, "userAction"},
		{"only blanks", []string{"userAction", `{"title":" ","userMessage":"\n\t","linkBack":"","mediaItems":[{}]}`}, codeMissing, "userAction"},
		{"only a description", []string{"userAction", `{"description":"a","subtitle":"b"}`}, codeMissing, "userAction"},
		{"only tags", []string{"userAction", `{"userMessage":"<b> </b>"}`}, codeMissing, "userAction"},
		{"title of a wrong type", []string{"userAction", `{"title":["a"]}`}, codeValue, "title must be text"},
		{"media of a wrong type", []string{"userAction", `{"mediaItems":{"type":"image"}}`}, codeValue, "mediaItems must be a list"},
		{"width of a wrong type", []string{"userAction", `{"mediaItems":[{"type":"flash","src":"https://a.example.com/","width":"wide"}]}`}, codeValue, "mediaItems.width must be a number"},
		{"mixed media", []string{"userAction", `{"mediaItems":[{"type":"image","src":"https://a.example.com/"},{"type":"mp3","src":"https://a.example.com/"}]}`}, codeValue, "mediaItems: only one media type is allowed"},
		{"unknown media", []string{"userAction", `{"title":"a","mediaItems":[{"type":"hologram","src":"https://a.example.com/"}]}`}, codeValue, "mediaItems[0].type"},
		{"media without a type", []string{"userAction", `{"title":"a","mediaItems":[{"src":"https://a.example.com/"}]}`}, codeValue, "mediaItems[0].type"},
		{"21 pictures", []string{"userAction", `{"mediaItems":[` + strings.Repeat(`{"type":"image"},`, 20) + `{}]}`}, codeValue, "more than 20"},
		{"21 links", []string{"userAction", `{"title":"a","actionLinks":[` + strings.Repeat(`{},`, 20) + `{}]}`}, codeValue, "more than 20"},
		{"relative link", []string{"userAction", `{"title":"a","linkBack":"/gardens"}`}, codeValue, "linkBack"},
		{"script as a link", []string{"userAction", `{"title":"a","linkBack":"javascript:alert(1)"}`}, codeValue, "linkBack"},
		{"script below a post", []string{"userAction", `{"title":"a","actionLinks":[{"title":"b","href":"data:text/html,x"}]}`}, codeValue, "actionLinks[0].href"},
		{"file as a picture", []string{"userAction", `{"title":"a","mediaItems":[{"type":"image","src":"file:///etc/passwd"}]}`}, codeValue, "mediaItems[0].src"},
		{"secret in a picture's URL", []string{"userAction", `{"title":"a","mediaItems":[{"type":"image","src":"https://a:b@a.example.com/"}]}`}, codeValue, "mediaItems[0].src"},
		{"preview that is none", []string{"userAction", `{"title":"a","mediaItems":[{"type":"video","src":"https://a.example.com/","previewImageURL":"x"}]}`}, codeValue, "previewImageURL"},
		{"picture that leads nowhere", []string{"userAction", `{"title":"a","mediaItems":[{"type":"image","src":"https://a.example.com/","href":"ftp://a.example.com/"}]}`}, codeValue, "mediaItems[0].href"},
		{"long title", []string{"userAction", `{"title":"` + strings.Repeat("a", publish.MaxWords+1) + `"}`}, codeValue, "title"},
		{"101 tracked URLs", []string{"userAction", `{"userMessage":"` + urls(101) + `"}`}, codeValue, "101"},
		{"deep JSON", []string{"userAction", `{"a":` + depth}, codeValue, "deeper than 16"},
		{"deep JSON of unknown members", []string{"userAction", `{"title":"a","x":` + strings.Repeat(`{"x":`, 16) + "1" + strings.Repeat("}", 17)}, codeValue, "deeper than 16"},
		{"wide JSON", []string{"userAction", `{"a":[` + strings.Repeat("0,", 1000) + `0]}`}, codeValue, "more than 1000"},
		{"long JSON", []string{"userAction", `{"title":"` + strings.Repeat("a", 64<<10) + `"}`}, codeValue, "longer than 65536"},
		{"override that is no JSON", []string{"twitterUserAction", "{"}, codeValue, "twitterUserAction"},
		{"override of a provider out of scope", []string{"sinauseraction", "{"}, codeValue, "sinauseraction"},
		{"override of a provider that was", []string{"MySpaceUserAction", "[]"}, codeValue, "MySpaceUserAction"},
		{"empty override", []string{"twitterUserAction", "{}"}, codeMissing, "twitterUserAction"},
		{"one name in two spellings", []string{"UserAction", hello}, codeValue, "UserAction"},
		{"override in two spellings", []string{"twitterUserAction", hello, "TwitterUserAction", hello}, codeValue, "TwitterUserAction"},
		{"providers that are no list", []string{"enabledProviders", `["a",{}]`}, codeValue, "enabledProviders"},
		{"101 providers", []string{"disabledProviders", strings.Repeat("a,", 101)}, codeValue, "disabledProviders"},
		{"all disabled", []string{"disabledProviders", "*", "enabledProviders", "*"}, codeUnconnected, ""},
		{"short URLs", []string{"shortURLs", "maybe"}, codeValue, "shortURLs"},
		{"cid of 101 characters", []string{"cid", strings.Repeat("é", 101)}, codeValue, "cid"},
		{"four values in one list", []string{"actionAttributes", `{"a":["1","2","3","4"]}`}, codeValue, "more than 3 values"},
		{"four values under two keys", []string{"actionAttributes", `{"a":["1","2","3"],"b":"4"}`}, codeValue, "more than 3 values"},
		{"number as an attribute", []string{"actionAttributes", `{"a":1}`}, codeValue, "actionAttributes"},
		{"null as an attribute", []string{"actionAttributes", `{"a":[null]}`}, codeValue, "actionAttributes"},
		{"attributes that are a list", []string{"actionAttributes", `["a"]`}, codeValue, "actionAttributes"},
		{"long tag", []string{"tags", strings.Repeat("a", 256)}, codeValue, "tags"},
		{"latitude of text", []string{"userLocation", `{"latitude":"NaN","longitude":0}`}, codeValue, "latitude must be a number"},
		{"latitude beyond the pole", []string{"userLocation", `{"latitude":90.001,"longitude":0}`}, codeValue, "latitude is out of range, which is -90 to 90"},
		{"longitude alone", []string{"userLocation", `{"longitude":0}`}, codeValue, "belong together"},
		{"bad callback", []string{"format", "jsonp", "callback", "alert(1)//"}, codeValue, "callback"},
	}
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook", "twitter")
		for _, test := range tests {
			a := h.do(h.action(hello, test.pairs...))
			if got := a.doc["errorCode"]; got != float64(test.want) || !strings.Contains(fmt.Sprint(a.doc["errorDetails"]), test.words) {
				t.Errorf("%s: got %s; want %d with %q", test.name, a.Body, test.want, test.words)
			}
			if a.doc["providerErrorCodes"] != nil || a.doc["providerPostIDs"] != nil {
				t.Errorf("%s: got %s; want no outcomes", test.name, a.Body)
			}
		}
		h.wantPosts(0)
		if n := h.accepted(); n != 0 {
			t.Errorf("got %d messages; want none", n)
		}
	})
}

// urls is a text of n URLs.
func urls(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "https://www.example.com/%d ", i)
	}
	return b.String()
}

// TestBadBytes are refused before anything is read of them: 1 MiB and a byte, and what
// is not UTF-8.
func TestBadBytes(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook")
		r := h.action(hello)
		r.verbatim = "&pad=" + strings.Repeat("x", maxBody)
		h.do(r).want(codeTooLarge, "")
		r = h.action(hello)
		r.verbatim = "&facebookUserAction=%7B%22title%22%3A%22%FF%22%7D"
		h.do(r).want(codeFormat, "UTF-8")
		h.wantPosts(0)
	})
}

// TestEdges are values that are just allowed: contract, section 18, no. 15.
func TestEdges(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		pairs []string
	}{
		{"cid of 100 characters", []string{"cid", strings.Repeat("é", 100)}},
		{"three values", []string{"actionAttributes", `{"a":["1","2"],"b":"3","tags":"","c":[]}`}},
		{"the pole", []string{"userLocation", `{"latitude":"-90","longitude":"180","x":1}`}},
		{"the other one", []string{"userLocation", `{"Latitude":90,"LONGITUDE":-180}`}},
		{"a place alone", []string{"userLocation", `{"placeid":123456}`}},
		{"a place and half a point", []string{"userLocation", `{"placeID":"abc","latitude":1}`}},
		{"nowhere", []string{"userLocation", `{"latitude":"","longitude":null}`}},
		{"nothing, as Node", []string{"userLocation", "null", "actionAttributes", "null", "tags", "null", "enabledProviders", "null"}},
		{"nothing, as PHP", []string{"userLocation", "[]", "actionAttributes", " [] ", "tags", "[]", "enabledProviders", "[]"}},
		{"old parameters", []string{"scope", "both", "privacy", "public", "actorUID", "x"}},
	}
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook")
		for i, test := range tests {
			action := fmt.Sprintf(`{"title":"Number %d"}`, i)
			if a := h.do(h.action(action, test.pairs...)); a.doc["errorCode"] != 0.0 {
				t.Errorf("%s: got %s; want success", test.name, a.Body)
			}
		}
		h.wantPosts(len(tests))
	})
}
