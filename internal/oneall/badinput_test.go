package oneall

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestBadMessages refuses each with the envelope and a sentence that names what is
// wrong, and keeps nothing.
func TestBadMessages(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxBody = 1 << 20 })
	u := w.user("twitter")
	to := func(target, parts string) string {
		return `{"request":{"sharing_message":{` + strings.Trim(target+","+parts, ",") + `}}}`
	}
	user := fmt.Sprintf(`"publish_for_user":{"user_token":%q,"providers":["twitter"]}`, u.Token)
	identity := fmt.Sprintf(`"publish_for_identity":{"identity_token":%q}`, u.Identities[0].Token)
	text := `"parts":{"text":{"body":"Hello"}}`
	parts := func(parts string) string { return to(user, `"parts":`+parts) }
	many := new(strings.Builder)
	for i := range 10_000 {
		fmt.Fprintf(many, "http://example.com/%d ", i)
	}
	providers := `"` + strings.Repeat(`twitter","`, maxProviders) + `twitter"`
	tests := []struct {
		name, body string
		code       int
		info       string
	}{
		{"nothing", "", 400, "The body is empty"},
		{"spaces", " \n", 400, "The body is empty"},
		{"no JSON", "sharing_message=1&parts=2", 400, "The body is no JSON"},
		{"cut off", to(user, text)[:60], 400, "The body is no JSON"},
		{"more behind", to(user, text) + "{}", 400, "The body is no JSON"},
		{"two commas", `{"request":{},,}`, 400, "The body is no JSON"},
		{"a list", `[1]`, 400, "The body must be an object"},
		{"text", `"request"`, 400, "The body must be an object"},
		{"null", `null`, 400, "request is missing"},
		{"no request", `{"sharing_message":{}}`, 400, "request is missing"},
		{"request is null", `{"request":null}`, 400, "request is missing"},
		{"request is text", `{"request":"x"}`, 400, "request must be an object, not string"},
		{"empty request", `{"request":{}}`, 400, "request.sharing_message is missing"},
		{"message is a list", `{"request":{"sharing_message":[1]}}`, 400, "request.sharing_message must be an object, not array"},
		{"both targets", to(user+","+identity, text), 400, "both publish_for_user and publish_for_identity"},
		{"neither target", to("", text), 400, "neither publish_for_user nor publish_for_identity"},
		{"targets are null", to(`"publish_for_user":null,"publish_for_identity":null`, text), 400, "neither"},
		{"empty providers", to(fmt.Sprintf(`"publish_for_user":{"user_token":%q,"providers":[]}`, u.Token), text), 400, "publish_for_user.providers is missing or empty"},
		{"no providers", to(fmt.Sprintf(`"publish_for_user":{"user_token":%q}`, u.Token), text), 400, "publish_for_user.providers is missing or empty"},
		{"providers are text", to(fmt.Sprintf(`"publish_for_user":{"user_token":%q,"providers":"twitter"}`, u.Token), text), 400, "request.sharing_message.publish_for_user.providers must be a list, not string"},
		{"a provider is a number", to(fmt.Sprintf(`"publish_for_user":{"user_token":%q,"providers":[1]}`, u.Token), text), 400, "must be text, not number"},
		{"a provider is empty", to(fmt.Sprintf(`"publish_for_user":{"user_token":%q,"providers":["twitter",""]}`, u.Token), text), 400, "providers[1]"},
		{"a provider is long", to(fmt.Sprintf(`"publish_for_user":{"user_token":%q,"providers":[%q]}`, u.Token, strings.Repeat("x", 65)), text), 400, "providers[0]"},
		{"many providers", to(fmt.Sprintf(`"publish_for_user":{"user_token":%q,"providers":[%s]}`, u.Token, providers), text), 400, "101 providers"},
		{"no user", to(`"publish_for_user":{"providers":["twitter"]}`, text), 400, "publish_for_user.user_token is missing"},
		{"no identity", to(`"publish_for_identity":{}`, text), 400, "publish_for_identity.identity_token is missing"},
		{"user is a number", to(`"publish_for_user":{"user_token":7,"providers":["twitter"]}`, text), 400, "user_token must be text"},
		{"unknown user", to(`"publish_for_user":{"user_token":"0c0ffee0-0000-4000-8000-000000000000","providers":["twitter"]}`, text), 404, "No user found for this user_token."},
		{"user is no UUID", to(`"publish_for_user":{"user_token":"me","providers":["twitter"]}`, text), 404, "No user found for this user_token."},
		{"user is a UUID in braces", to(fmt.Sprintf(`"publish_for_user":{"user_token":"{%s}","providers":["twitter"]}`, u.Token), text), 404, "No user found"},
		{"unknown identity", to(`"publish_for_identity":{"identity_token":"0c0ffee0-0000-4000-8000-000000000000"}`, text), 404, "No identity found for this identity_token."},
		{"identity is no UUID", to(`"publish_for_identity":{"identity_token":"../../etc"}`, text), 404, "No identity found"},
		{"user as identity", to(fmt.Sprintf(`"publish_for_identity":{"identity_token":%q}`, u.Token), text), 404, "No identity found"},
		{"no parts", to(user, ""), 400, "request.sharing_message.parts has nothing to publish"},
		{"empty parts", parts(`{}`), 400, "nothing to publish"},
		{"flags only", parts(`{"flags":{"enable_tracking":1}}`), 400, "nothing to publish"},
		{"blank text", parts(`{"text":{"body":" \n\t "}}`), 400, "nothing to publish"},
		{"upload in the singular", parts(`{"upload":[{"name":"a","data":"YQ=="}]}`), 400, "nothing to publish"},
		{"text is text", parts(`{"text":"Hello"}`), 400, "request.sharing_message.parts.text must be an object, not string"},
		{"body is a number", parts(`{"text":{"body":1}}`), 400, "request.sharing_message.parts.text.body must be text, not number"},
		{"link without URL", parts(`{"link":{"name":"Example"}}`), 400, "request.sharing_message.parts.link.url is missing"},
		{"link is no URL", parts(`{"link":{"url":"example"}}`), 400, "request.sharing_message.parts.link.url is no http or https URL"},
		{"link to a script", parts(`{"link":{"url":"javascript:alert(1)"}}`), 400, "parts.link.url"},
		{"picture is no URL", parts(`{"picture":{"url":"file:///etc/passwd"}}`), 400, "request.sharing_message.parts.picture.url"},
		{"video is no URL", parts(`{"text":{"body":"x"},"video":{"url":"http://"}}`), 400, "request.sharing_message.parts.video.url"},
		{"flag is a word", parts(`{"text":{"body":"x"},"flags":{"enable_tracking":"yes"}}`), 400, "request.sharing_message.parts.flags.enable_tracking must be 1 or 0"},
		{"flag is 2", parts(`{"text":{"body":"x"},"flags":{"enable_tracking":2}}`), 400, "enable_tracking must be 1 or 0"},
		{"flag is an object", parts(`{"text":{"body":"x"},"flags":{"enable_tracking":{}}}`), 400, "enable_tracking must be 1 or 0"},
		{"upload is no base64", parts(`{"uploads":[{"name":"a.png","data":"iVBORw0KGgo="},{"name":"b.png","data":"%%%"}]}`), 400, "request.sharing_message.parts.uploads[1].data is no base64"},
		{"upload without padding", parts(`{"uploads":[{"name":"a.png","data":"YQ"}]}`), 400, "uploads[0].data is no base64"},
		{"upload in base64 for URLs", parts(`{"uploads":[{"name":"a.png","data":"_-8="}]}`), 400, "uploads[0].data is no base64"},
		{"upload as a data URL", parts(`{"uploads":[{"name":"a.png","data":"data:image/png;base64,iVBORw0KGgo="}]}`), 400, "uploads[0].data is no base64"},
		{"upload without data", parts(`{"uploads":[{"name":"a.png"}]}`), 400, "uploads[0].data is missing"},
		{"upload of another type than it says", parts(fmt.Sprintf(`{"uploads":[{"name":"a.png","data":%q}]}`, base64.StdEncoding.EncodeToString([]byte("<html>")))), 400, "uploads[0]"},
		{"uploads are an object", parts(`{"uploads":{"name":"a.png"}}`), 400, "request.sharing_message.parts.uploads must be a list"},
		{"many URLs to track", parts(fmt.Sprintf(`{"text":{"body":%q},"flags":{"enable_tracking":1}}`, many)), 400, "request.sharing_message.parts.text.body"},
		{"a text that no network takes", parts(fmt.Sprintf(`{"text":{"body":%q}}`, strings.Repeat("x", 300<<10))), 400, "request.sharing_message.parts.text.body"},
		{"over the limit", parts(fmt.Sprintf(`{"text":{"body":%q}}`, strings.Repeat("x", 1<<20))), 400, "The body is too large"},
		{"no UTF-8", parts(`{"text":{"body":"` + "\xff\xfe" + `"}}`), 400, "not valid UTF-8"},
		{"half a character", parts(`{"text":{"body":"` + "\xc3" + `"}}`), 400, "not valid UTF-8"},
		{"very deep", strings.Repeat(`{"request":`, 50_000) + strings.Repeat("}", 50_000), 400, "The body is no JSON"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inner := *w
			inner.T = t
			inner.do("POST", "/sharing/messages.json", test.body).want(test.code, test.info)
			inner.empty()
		})
	}
}

// TestTooLargeWithoutLength sends more than it says.
func TestTooLargeWithoutLength(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxBody = 1000 })
	w.do("POST", "/sharing/messages.json", `{"request":"`+strings.Repeat("x", 2000)+`"}`, func(r *http.Request) { r.ContentLength = -1 }).want(400, "The body is too large; at most 1000 bytes are taken.")
}

// TestTolerance takes what real clients send: contract, section 0.
func TestTolerance(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter")
	body := sharing(u.Token, []string{"twitter"}, `{"text":{"body":"Gr\u00fc\u00dfe aus Z\u00fcrich: http:\/\/www.example.com\/"},"flags":{"enable_tracking":1}}`)
	png := "iVBORw0KGgo\r\n AAAA\tNSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	raw, err := json.Marshal(png)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, body string
		with       func(*http.Request)
	}{
		{"JSON", body, header("Content-Type", "application/json")},
		{"a form by its type", body, header("Content-Type", "application/x-www-form-urlencoded")},
		{"no type", body, header("Accept", "*/*")},
		{"a broken type", body, header("Content-Type", ";;;")},
		{"a mark at the start, a line break at the end", "\uFEFF" + body + "\r\n", header("Accept", "*/*")},
		{"raw UTF-8", strings.NewReplacer(`\u00fc`, "ü", `\u00df`, "ß").Replace(body), header("Accept", "*/*")},
		{"unknown keys", strings.Replace(body, `"request":{`, `"request":{"date":"Tue, 04 Mar 2025 10:15:30 +0100","resource":"/x",`, 1), header("Accept", "*/*")},
		{"keys that come twice", strings.Replace(body, `"text":{`, `"text":{"x":1,"body":"first","body":"second"},"text":{`, 1), header("Accept", "*/*")},
		{"token in capitals", strings.Replace(body, u.Token, strings.ToUpper(u.Token), 1), header("Accept", "*/*")},
		{"base64 in lines", sharing(u.Token, []string{"twitter"}, `{"text":{"body":"A picture"},"uploads":[{"name":"a.png","data":`+string(raw)+`}]}`), header("Accept", "*/*")},
		{"emoji families and combining characters", sharing(u.Token, []string{"twitter"}, `{"text":{"body":"`+strings.Repeat("👨‍👩‍👧‍👦e\u0301\u0301\u0301", 200)+`"}}`), header("Accept", "*/*")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inner := *w
			inner.T = t
			got := inner.do("POST", "/sharing/messages.json", test.body, test.with).want(200)
			if strings.Contains(test.body, "aus Z") {
				details := inner.do("GET", "/sharing/messages/"+got.text("sharing_message.sharing_message_token")+".json", "")
				if details.text("sharing_message.parts.text.body") != "Grüße aus Zürich: http://www.example.com/" {
					t.Errorf("got %s", details.raw)
				}
			}
		})
	}
}
