package gigya

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/publish"
)

// TestApproval of each URL that can be followed, and of none that is fetched.
func TestApproval(t *testing.T) {
	t.Parallel()
	const evil, good = "https://evil.example.net/", "https://www.example.com/"
	h := (*house)(nil)
	n := 0
	f := func(member string, want code) {
		h.Helper()
		before := h.accepted()
		n++
		h.do(h.action(fmt.Sprintf(`{"title":"Number %d",%s}`, n, member))).want(want, "")
		if got := h.accepted() - before; (got == 1) != (want == codeOK) {
			h.Errorf("%s: got %d messages; want code %d", member, got, want)
		}
	}
	inHouse(t, func(in *house) {
		h = in
		h.connect("user-42", "facebook", "twitter")
		h.settings(trusting("www.example.com/*"))
		f(`"linkBack":"`+evil+`"`, codeSpam)
		f(`"linkBack":"`+good+`"`, codeOK)
		f(`"linkBack":"HTTPS://WWW.EXAMPLE.COM/A"`, codeOK)
		f(`"linkBack":"https://www.example.com.evil.example.net/"`, codeSpam)
		f(`"linkBack":"https://www.example.com@evil.example.net/"`, codeSpam)
		f(`"linkBack":"https://evil.example.net@www.example.com/"`, codeSpam)
		f(`"linkBack":"https://example.com/"`, codeSpam)
		f(`"linkBack":"https://`+shortDomain+`/AbC12dE"`, codeOK) // ours
		f(`"linkBack":"https://evil.example.net@`+shortDomain+`/AbC12dE"`, codeSpam)
		f(`"linkBack":" https://www.example.com/ten quiet gardens?q=a b "`, codeOK)
		f(`"linkBack":"https://www.example.com evil.example.net/"`, codeValue)
		f(`"actionLinks":[{"title":"a","href":"`+good+`"},{"title":"b","href":"`+evil+`"}]`, codeSpam)
		f(`"mediaItems":[{"type":"image","src":"`+good+`1","href":"`+good+`"},{"type":"image","src":"`+good+`2","href":"`+evil+`"}]`, codeSpam)
		f(`"mediaItems":[{"type":"image","src":"`+evil+`","href":"`+good+`"}]`, codeOK)
		f(`"mediaItems":[{"type":"flash","src":"`+evil+`","previewImageURL":"`+evil+`"}]`, codeOK)
		f(`"userMessage":"see `+evil+`"`, codeOK)
	})
}

// TestUserInfo in a URL is never approved, also where everything is.
func TestUserInfo(t *testing.T) {
	t.Parallel()
	inHouse(t, func(h *house) {
		h.connect("user-42", "facebook")
		h.do(h.action(`{"linkBack":"https://example.com@evil.example.net/"}`)).want(codeSpam, "linkBack")
		h.do(h.action(`{"title":"a","actionLinks":[{"href":"https://a:b@example.com/"}]}`)).want(codeSpam, "actionLinks[0].href has user info")
		h.wantPosts(0)
	})
}

// TestUnapprovedStandard: what nobody may get is not kept either.
func TestUnapprovedStandard(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://evil.example.net/", "https://www.example.com@evil.example.net/"} {
		inHouse(t, func(h *house) {
			h.connect("user-42", "facebook", "twitter")
			h.settings(trusting("www.example.com/*"))
			a := h.do(h.action(`{"title":"Evil","linkBack":"`+url+`"}`, "facebookUserAction", hello)).want(codeOK, "")
			if !strings.Contains(a.Body.String(), `{"provider":"twitter","errorCode":401010,`) {
				t.Errorf("%s: got %s; want 401010 for twitter", url, a.Body)
			}
			h.wantPosts(1)
			want := publish.Parts{Link: &publish.Link{URL: "https://www.example.com/a?b=1&c=2", Name: "Hello world"}, Action: &publish.Action{}}
			m, _ := h.message()
			m.Parts.Tracking, m.Parts.Share, m.Parts.Overrides = false, nil, nil
			if diff := cmp.Diff(want, m.Parts); diff != "" {
				t.Errorf("%s: parts (-want +got):\n%s", url, diff)
			}
		})
	}
}

// TestNothingToShow refuses what a provider shows nothing of.
func TestNothingToShow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, provider, action string
		want                   code
		details                string
	}{
		{"message on twitter", "twitter", `{"userMessage":"Hello"}`, codeUnsupported, "twitter: It shows only the title and the linkBack"},
		{"image on twitter", "twitter", `{"mediaItems":[{"type":"image","src":"https://img.example.com/1.png"}]}`, codeMedia, "twitter: "},
		{"message and image on twitter", "twitter", `{"userMessage":"Hello","mediaItems":[{"type":"image","src":"https://img.example.com/1.png"}]}`, codeMedia, ""},
		{"song on facebook", "facebook", `{"mediaItems":[{"type":"mp3","src":"https://img.example.com/1.mp3"}]}`, codeMedia, "facebook: "},
		{"song on the simulated network", "simulated", `{"mediaItems":[{"type":"mp3","src":"https://img.example.com/1.mp3"}]}`, codeMedia, ""},
		{"title where people only log in", "google", `{"title":"Hello"}`, codeUnsupported, "google: this cannot be published there"},
		{"title on a stand-in of another", "tumblr", `{"title":"Hello"}`, codeUnsupported, "tumblr: "},
		{"film on linkedin", "linkedin", `{"mediaItems":[{"type":"flash","src":"https://img.example.com/1.swf"}]}`, codeMedia, ""},
		{"film with preview on linkedin", "linkedin", `{"mediaItems":[{"type":"flash","src":"https://img.example.com/1.swf","previewImageUrl":"https://img.example.com/1.png"}]}`, codeOK, ""},
		{"song and title on twitter", "twitter", `{"title":"A song","mediaItems":[{"type":"mp3","src":"https://img.example.com/1.mp3"}]}`, codeOK, ""},
	}
	inHouse(t, func(h *house) {
		for _, test := range tests {
			uid := "user of " + test.name
			h.connect(uid, test.provider)
			before := len(h.published())
			h.do(h.action(test.action, "UID", uid)).want(test.want, test.details)
			if got := len(h.published()) - before; (got == 1) != (test.want == codeOK) {
				t.Errorf("%s: got %d posts; want code %d", test.name, got, test.want)
			}
		}
	})
}

// TestSpellings of JSON as clients write it: contract, section 6.
func TestSpellings(t *testing.T) {
	const want = `{"title":"Café & \"tea\"","linkBack":"https://www.example.com/a"}`
	for _, spelling := range []string{
		`{"title":"Caf\u00e9 & \"tea\"","linkBack":"https:\/\/www.example.com\/a"}`,
		"{\"title\": \"Café & \\u0022tea\\u0022\", \n\t\"linkBack\": \"https://www.example.com/a\"}",
		` {"LINKBACK":"https://www.example.com/a","Title":"Café \u0026 \u0022tea\u0022","userMessage":""} `,
	} {
		read := func(text string) publish.Parts {
			p, err := parseParameters("userAction=" + strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B").Replace(text))
			if err != nil {
				t.Fatal(err)
			}
			a, sent, err := readAction(p, actionName)
			if err != nil || !sent {
				t.Fatalf("%s: got %v, sent: %v", text, err, sent)
			}
			return a.parts
		}
		if diff := cmp.Diff(read(want), read(spelling)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", spelling, diff)
		}
	}
}

// FuzzUserAction reads any text as a user action: what is taken can be shaped for each
// provider, and its URLs are some that people can follow.
func FuzzUserAction(f *testing.F) {
	for _, seed := range []string{gardens, hello, "{}", "[]", `{"TITLE":"a","title":"b","mediaItems":[null,{"type":"Flash","src":"http://a.test","width":"1"}]}`, `{"linkBack":"https://a:b@c.test/"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := &parameters{names: map[string]int{actionName: 0}, named: []values{{spelling: "userAction", first: text}}}
		a, sent, err := readAction(p, actionName)
		if err != nil {
			if _, internal := refusal(err); internal {
				t.Errorf("%q: got %v; want a refusal", text, err)
			}
			return
		}
		if sent == (text == "") {
			t.Errorf("%q: got sent: %v", text, sent)
		}
		for _, u := range a.urls {
			if lower := strings.ToLower(u.url); !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
				t.Errorf("%q: got URL %q; want one of http or https", text, u.url)
			}
		}
		for _, provider := range []string{"facebook", "twitter", "sina", "mastodon"} {
			if sent && a.refusal([]string{"*"}, provider) == nil && a.parts.Of(provider).Empty() {
				t.Errorf("%q: got nothing for %s, and no refusal", text, provider)
			}
		}
	})
}
