package oneall

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// sharing is a body that publishes for a user.
func sharing(user string, providers []string, parts string) string {
	raw, err := json.Marshal(providers)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_user":{"user_token":%q,"providers":%s},"parts":%s}}}`, user, raw, parts)
}

const (
	plainParts   = `{"text":{"body":"Hello"}}`
	trackedParts = `{"text":{"body":"Grüße: http://www.example.com/a"},"link":{"url":"http://www.example.com/","name":"Example"},"flags":{"enable_tracking":1}}`
)

func TestPublishForUser(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter", "facebook")
	got := w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"facebook", "twitter"}, trackedParts)).want(200, "published")
	if n := got.at("result.data.sharing_message.publications.count"); n != 2.0 {
		t.Fatalf("got %v publications: %s", n, got.raw)
	}
	seen := make(map[string]bool)
	for i, provider := range []string{"facebook", "twitter"} {
		entry := fmt.Sprintf("sharing_message.publications.entries.%d.", i)
		if got.text(entry+"provider") != provider || got.text(entry+"user_token") != u.Token || got.text(entry+"status.flag") != "success" ||
			got.at("result.data."+entry+"status.code") != 200.0 || !strings.HasPrefix(got.text(entry+"status.message"), "Published.") {
			t.Errorf("got publication %d of %s", i, got.raw)
		}
		got.text(entry + "date_publication")
		if n := got.at("result.data." + entry + "shorturls.count"); n != 2.0 {
			t.Errorf("got %v short URLs for %s; want 2", n, provider)
		}
		if n := len(got.list(entry + "tracked_shorturls")); n != 2 {
			t.Errorf("got %d tracked short URLs for %s; want 2", n, provider)
		}
		for n := range 2 {
			url := fmt.Sprintf("%sshorturls.entries.%d.", entry, n)
			if seen[got.text(url+"shorturl_token")] || got.text(url+"short_url") != "http://sho.example.com/"+got.text(url+"shorturl_token") || got.at("result.data."+url+"num_referrals") != 0.0 {
				t.Errorf("got short URL %v", got.at("result.data."+url))
			}
			seen[got.text(url+"shorturl_token")] = true
		}
	}
}

func TestPublishForIdentity(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter", "twitter")
	body := fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_identity":{"identity_token":%q},"parts":{"text":{"body":"Hello"},"flags":{"enable_tracking":"0"}}}}}`, u.Identities[1].Token)
	got := w.do("POST", "/sharing/messages.json", body).want(200)
	entry := "sharing_message.publications.entries.0."
	if got.text(entry+"identity_token") != u.Identities[1].Token || got.at("result.data.sharing_message.publications.count") != 1.0 {
		t.Errorf("got %s", got.raw)
	}
	if got.at("result.data."+entry+"tracked_shorturls") != nil || len(got.list(entry+"shorturls.entries")) != 0 {
		t.Errorf("got short URLs without tracking: %s", got.raw)
	}
	// For a user: all identities with the provider.
	got = w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter", "twitter"}, plainParts)).want(200)
	if got.at("result.data.sharing_message.publications.count") != 2.0 {
		t.Errorf("got %s; want both identities once", got.raw)
	}
}

// TestPublishInPart walks through what can become of a message: contract, sections 5
// and 14.
func TestPublishInPart(t *testing.T) {
	w := newWorld(t)
	u, _, _ := w.login("", "twitter", "good-1")
	w.login(u.Token, "facebook", "refuse-1")
	w.login(u.Token, "linkedin", "expired-1")
	w.login(u.Token, "mastodon", "lost-1")
	w.login(u.Token, "bluesky", "hang-1")
	t.Cleanup(func() { close(w.network.release) })
	tests := []struct {
		name      string
		providers []string
		code      int
		info      []string
		want      []string // provider flag code, of each publication
	}{
		{"some", []string{"twitter", "facebook"}, 207, []string{"Not published on facebook (403).", "Published on twitter."}, []string{"twitter success 200", "facebook error 403"}},
		{"none", []string{"facebook", "linkedin"}, 403, []string{"facebook (403), linkedin (401)"}, []string{"facebook error 403", "linkedin error 401"}},
		{"unlinked", []string{"twitter", "youtube"}, 207, []string{"youtube (400)"}, []string{"twitter success 200", "youtube error 400"}},
		{"unknown provider", []string{"myspace", "twitter"}, 207, []string{"myspace (400)"}, []string{"myspace error 400", "twitter success 200"}},
		{"unknown outcome", []string{"mastodon"}, 207, []string{"mastodon"}, []string{"mastodon unknown 202"}},
		{"under way", []string{"bluesky", "facebook"}, 207, []string{"under way", "bluesky"}, []string{"bluesky scheduled 202", "facebook error 403"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inner := *w
			inner.T = t
			got := inner.do("POST", "/sharing/messages.json", sharing(u.Token, test.providers, trackedParts)).want(test.code, test.info...)
			var entries []string
			for _, e := range got.list("sharing_message.publications.entries") {
				entries = append(entries, fmt.Sprintf("%s %s %v", at(e, "provider"), at(e, "status.flag"), at(e, "status.code")))
				if at(e, "status.flag") != "success" && at(e, "date_publication") != nil {
					t.Errorf("got date_publication of what is not published: %v", e)
				}
				if at(e, "status.message") == "" {
					t.Errorf("got no message: %v", e)
				}
			}
			if diff := cmp.Diff(test.want, entries); diff != "" {
				t.Errorf("publications (-want +got):\n%s", diff)
			}
			// It is kept, and the details show what is out.
			details := inner.do("GET", "/sharing/messages/"+got.text("sharing_message.sharing_message_token")+".json", "").want(200)
			var out []string
			for _, e := range details.list("sharing_message.publications") {
				out = append(out, at(e, "provider").(string)+" success 200")
			}
			for _, e := range test.want {
				if strings.HasSuffix(e, "success 200") != (len(out) == 1 && out[0] == e) && strings.HasSuffix(e, "success 200") {
					t.Errorf("got details with %v; want %s", out, e)
				}
			}
			if published := strings.Count(strings.Join(test.want, " "), "success"); len(out) != published {
				t.Errorf("got %d publications in the details; want %d", len(out), published)
			}
		})
	}
	// An unlinked provider of those that are offered.
	plain, _, _ := w.login("", "twitter", "good-2")
	got := w.do("POST", "/sharing/messages.json", sharing(plain.Token, []string{"facebook", "twitter"}, plainParts)).want(207, "facebook (404)")
	if e := got.list("sharing_message.publications.entries")[0]; at(e, "status.code") != 404.0 || at(e, "identity_token") != nil || at(e, "user_token") != plain.Token {
		t.Errorf("got %v; want 404 without identity_token", e)
	}
}

func TestPublishAgain(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter", "facebook")
	first := w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, trackedParts)).want(200)
	token := first.text("sharing_message.sharing_message_token")
	path := "/sharing/messages/" + token + ".json"
	again := w.do("POST", path, fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_user":{"user_token":%q,"providers":["twitter","facebook"]}}}}`, u.Token)).want(200)
	if again.text("sharing_message.sharing_message_token") != token || again.text("sharing_message.date_creation") != first.text("sharing_message.date_creation") ||
		again.at("result.data.sharing_message.publications.count") != 2.0 {
		t.Errorf("got %s", again.raw)
	}
	w.do("POST", path, fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_identity":{"identity_token":%q}}}}`, u.Identities[0].Token)).want(200)
	slug := "sharing_message.publications.entries.0.shorturls.entries.0.shorturl_token"
	if first.text(slug) == again.text(slug) {
		t.Errorf("got the short URL %s again", first.text(slug))
	}
	got := w.do("GET", path, "").want(200)
	var providers []string
	for _, p := range got.list("sharing_message.publications") {
		providers = append(providers, at(p, "provider").(string))
	}
	if diff := cmp.Diff([]string{"twitter", "facebook", "twitter", "twitter"}, providers); diff != "" {
		t.Errorf("publications, the newest first (-want +got):\n%s", diff)
	}
	w.do("POST", "/sharing/messages/0c0ffee0-0000-4000-8000-000000000000.json", fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_identity":{"identity_token":%q}}}}`, u.Identities[0].Token)).
		want(404, "No sharing_message found for this sharing_message_token.")
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter")
	body := sharing(u.Token, []string{"twitter"}, trackedParts)
	key := header("Idempotency-Key", "order-4711")
	first := w.do("POST", "/sharing/messages.json", body, key).want(200)
	second := w.do("POST", "/sharing/messages.json", body, key).want(200)
	if first.text("sharing_message.sharing_message_token") != second.text("sharing_message.sharing_message_token") || w.links.count() != 2 {
		t.Errorf("got %s and %s; want one message", first.raw, second.raw)
	}
	w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, plainParts), key).want(409, "Idempotency-Key")
	for _, bad := range []string{"", "two words", "schlüssel", strings.Repeat("k", 256)} {
		w.do("POST", "/sharing/messages.json", body, header("Idempotency-Key", bad)).want(400, "Idempotency-Key")
	}
	w.do("POST", "/sharing/messages.json", body, key, func(r *http.Request) { r.Header.Add("Idempotency-Key", "another") }).want(400, "once")
	w.do("POST", "/sharing/messages.json", body, header("Idempotency-Key", strings.Repeat("k", 255))).want(200)
}

func TestPublishInTheOlderForm(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter")
	w.login(u.Token, "facebook", "refuse-1")
	path := "/users/" + u.Token + "/publish.json"
	got := w.do("POST", path, `{"request":{"message":{"providers":["twitter","facebook"],"parts":{"text":{"body":"Hello"},"flags":{"enable_tracking":"1"}}}}}`).want(207)
	// Android reads a list, iOS reads count and entries.
	if got.text("message.publications.0.provider") != "twitter" || got.text("sharing_message.publications.entries.1.status.flag") != "error" ||
		got.text("message.sharing_message_token") != got.text("sharing_message.sharing_message_token") {
		t.Errorf("got %s", got.raw)
	}
	got.text("message.date_last_published")
	w.do("POST", path, `{"request":{"message":{"action":"push_picture","parts":{"picture":{"url":"http://img.example.com/a.png","caption":"My picture","target":"1"}},"providers":["twitter"]}}}`)
	messages, err := w.store.List(t.Context(), w.site.ID, site.ListQuery{Limit: 1, Descending: true})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := w.store.Message(t.Context(), w.site.ID, messages.Entries[0].Token)
	if err != nil || m.Parts.Text == nil || m.Parts.Text.Body != "My picture" || m.Parts.Picture == nil {
		t.Errorf("got parts %+v, error %v; want the caption as text", m.Parts, err)
	}
	w.do("POST", "/users/0c0ffee0-0000-4000-8000-000000000000/publish.json", `{"request":{"message":{"providers":["twitter"],"parts":{"text":{"body":"x"}}}}}`).want(404, "No user found for this user_token.")
	w.do("POST", path, `{"request":{"message":{"providers":[],"parts":{"text":{"body":"x"}}}}}`).want(400, "request.message.providers")
	w.do("POST", path, `{"request":{"message":{"providers":["twitter"],"parts":{}}}}`).want(400, "request.message.parts")
	w.do("POST", path, `{"request":{}}`).want(400, "request.message is missing")
}

func TestReadMessage(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter", "facebook")
	sent := w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter", "facebook"}, trackedParts)).want(200)
	token := sent.text("sharing_message.sharing_message_token")
	slug := sent.text("sharing_message.publications.entries.0.shorturls.entries.0.shorturl_token")
	w.links.click(refAt(slug), referral(1), referral(2))
	w.links.queries()
	got := w.do("GET", "/sharing/messages/"+token+".json", "").want(200)
	if n := w.links.queries(); n != 1 {
		t.Errorf("got %d queries of totals; want 1", n)
	}
	url := at(got.list("sharing_message.publications.1.tracked_shorturls")[0], "shorturl")
	if at(url, "num_referrals") != "2" || at(url, "date_last_referral") != "Tue, 04 Mar 2025 10:17:30 +0000" {
		t.Errorf("got %v", url)
	}
	// A short URL that is deleted leaves the details; the message does not.
	w.do("DELETE", "/shorturls/"+slug+".json?confirm_deletion=true", "").want(200)
	got = w.do("GET", "/sharing/messages/"+token+".json", "").want(200)
	if n := len(got.list("sharing_message.publications.1.tracked_shorturls")); n != 1 {
		t.Errorf("got %d short URLs; want the other one", n)
	}
	// What is sent comes back, and nothing else.
	for parts, want := range map[string]string{
		`{"text":{"body":"Hello"}}`: `{"text":{"body":"Hello"}}`,
		`{"text":{"body":"Hello","x":1},"video":{"url":"http://v.example.com/a.mp4"},"picture":{"url":""},"link":[],"uploads":[],"flags":{"enable_tracking":false}}`:                           `{"text":{"body":"Hello"},"video":{"url":"http://v.example.com/a.mp4"},"flags":{"enable_tracking":"0"}}`,
		`{"text":null,"picture":{"url":"http://img.example.com/a.png"},"link":{"url":"http://www.example.com","name":"N","caption":"C","description":"D"},"flags":{"enable_tracking":"true"}}`: `{"picture":{"url":"http://img.example.com/a.png"},"link":{"url":"http://www.example.com","name":"N","caption":"C","description":"D"},"flags":{"enable_tracking":"1"}}`,
	} {
		token := w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, parts)).text("sharing_message.sharing_message_token")
		got := w.do("GET", "/sharing/messages/"+token+".json", "").want(200).at("result.data.sharing_message.parts")
		var wanted any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("parts of %s (-want +got):\n%s", parts, diff)
		}
	}
	w.links.stop(true)
	w.do("GET", "/sharing/messages/"+token+".json", "").want(503, "Short URLs are not available")
}

// TestPublicationsAsEntries reads a message in the form of the .NET SDK.
func TestPublicationsAsEntries(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.PublicationsAsEntries = true })
	u, _, _ := w.login("", "twitter", "good-1")
	w.login(u.Token, "facebook", "refuse-1")
	w.login(u.Token, "mastodon", "lost-1")
	token := w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter", "facebook", "mastodon"}, trackedParts)).text("sharing_message.sharing_message_token")
	got := w.do("GET", "/sharing/messages/"+token+".json", "").want(200)
	if got.at("result.data.sharing_message.publications.count") != 2.0 ||
		got.text("sharing_message.publications.entries.0.provider") != "mastodon" ||
		got.text("sharing_message.publications.entries.0.status.flag") != "unknown" ||
		got.text("sharing_message.publications.entries.1.shorturls.entries.0.original_url") != "http://www.example.com/" {
		t.Errorf("got %s", got.raw)
	}
}

// TestPublicationWaitsForItsLinks reads a message that was accepted while the shortener
// was away: links that it does not have yet are no reason to fail.
func TestPublicationWaitsForItsLinks(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.PublicationsAsEntries = true })
	u := w.user("twitter")
	w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, trackedParts)).want(200) // the domain is known now
	w.links.stop(true)
	token := w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, trackedParts)).want(207).text("sharing_message.sharing_message_token")
	w.links.stop(false)
	got := w.do("GET", "/sharing/messages/"+token+".json", "").want(200)
	if got.text("sharing_message.publications.entries.0.shorturls.entries.0.original_url") != "http://www.example.com/" {
		t.Errorf("got %s; want the link that will be", got.raw)
	}
}

func TestDeleteMessage(t *testing.T) {
	w := newWorld(t)
	u := w.user("twitter")
	sent := w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, trackedParts)).want(200)
	path := "/sharing/messages/" + sent.text("sharing_message.sharing_message_token") + ".json"
	for _, query := range []string{"", "?confirm_deletion=1", "?confirm_deletion=TRUE", "?confirm_deletion=", "?confirm_deletion=true%20"} {
		w.do("DELETE", path+query, "").want(400, "confirm_deletion=true")
	}
	w.do("GET", path, "").want(200)
	// A stale body, as the PHP examples send it.
	got := w.do("DELETE", path+"?confirm_deletion=true", `{"request":{`).want(200, "deleted")
	if got.at("result") != nil || got.at("request.resource") != path+"?confirm_deletion=true" {
		t.Errorf("got %s; want no result, and the query in resource", got.raw)
	}
	w.do("GET", path, "").want(404, "No sharing_message found for this sharing_message_token.")
	w.do("DELETE", path+"?confirm_deletion=true", "").want(404)
	// The short URLs go on.
	w.do("GET", "/shorturls/"+sent.text("sharing_message.publications.entries.0.shorturls.entries.0.shorturl_token")+".json", "").want(200)
}

func TestKindCodes(t *testing.T) {
	for _, kind := range publish.Kinds {
		if kindCodes[kind] == 0 {
			t.Errorf("%s has no code", kind)
		}
		flag, code, message := publicationStatus(publish.Publication{State: publish.Failed, Refusal: &publish.Refusal{Kind: kind}})
		if flag != "error" || code < 400 || message == "" {
			t.Errorf("failed with %s: got %s %d %q", kind, flag, code, message)
		}
	}
}
