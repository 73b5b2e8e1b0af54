package bluesky

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// TestKinds holds the table against bodies that a PDS 0.4.217 answered, and some
// that only its documents and front doors have.
func TestKinds(t *testing.T) {
	const inRecord = `{"error":"InvalidRequest","message":"Invalid app.bsky.feed.post record: %s"}`
	tests := []struct {
		status int
		body   string
		want   publish.Kind
	}{
		{400, `{"error":"ExpiredToken","message":"Token has expired"}`, publish.AuthExpired},
		{400, `{"error":"ExpiredToken","message":"Token has been revoked"}`, publish.AuthExpired},
		{400, `{"error":"InvalidToken","message":"Token could not be verified"}`, publish.AuthRevoked},
		{401, `{"error":"AuthMissing","message":"Authentication Required"}`, publish.AuthRevoked},
		{401, `{"error":"AuthenticationRequired","message":"Invalid identifier or password"}`, publish.AuthRevoked},
		{401, `{"error":"invalid_token","message":"x"}`, publish.AuthRevoked},
		{401, `{"error":"AuthFactorTokenRequired","message":"A sign in code has been sent to your email address"}`, publish.AccountRestricted},
		{401, `{"error":"AccountDeactivated","message":"Account is deactivated"}`, publish.AccountRestricted},
		{401, `{"error":"AccountTakedown","message":"Account has been taken down"}`, publish.AccountRestricted},
		{403, `{"error":"AccountNotFound","message":"Account not found"}`, publish.TargetMissing},
		{403, `{"error":"InsufficientScope","message":"x"}`, publish.PermissionMissing},
		{400, fmt.Sprintf(inRecord, `grapheme too big (maximum 300, got 301) at $.record.text`), publish.TextInvalid},
		{400, fmt.Sprintf(inRecord, `string too big (maximum 3000, got 3250) at $.record.text`), publish.TextInvalid},
		{400, fmt.Sprintf(inRecord, `blob too big (maximum 1000000, got 2000070) at $.record.embed.images[0].image`), publish.MediaInvalid},
		{400, fmt.Sprintf(inRecord, `array too big (maximum 4, got 5) at $.record.embed.images`), publish.MediaInvalid},
		{400, fmt.Sprintf(inRecord, `blob too big (maximum 1000000, got 2000070) at $.record.embed.external.thumb`), publish.MediaInvalid},
		{400, fmt.Sprintf(inRecord, `Invalid uri (got \"bad\") at $.record.embed.external.uri`), publish.LinkInvalid},
		{400, fmt.Sprintf(inRecord, `Invalid uri (got \"at $.record.text\") at $.record.facets[0].features[0].uri`), publish.LinkInvalid},
		{400, fmt.Sprintf(inRecord, `grapheme too big (maximum 64, got 65) at $.record.facets[0].features[0].tag`), publish.TextInvalid},
		{400, fmt.Sprintf(inRecord, `Invalid datetime (got \"yesterday\") at $.record.createdAt`), publish.AppMisconfigured},
		{400, `{"error":"InvalidRequest","message":"Invalid record key (got \"bad key!\") at $.rkey"}`, publish.AppMisconfigured},
		{400, `{"error":"InvalidRequest","message":"No service configured for com.atproto.repo.createRecord"}`, publish.AppMisconfigured},
		{400, `{"error":"InvalidRequest","message":"Could not locate record"}`, publish.TargetMissing},
		{400, `{"error":"BlobNotFound","message":"Could not find blob: bafkrei"}`, publish.MediaInvalid},
		{400, `{"error":"InvalidSize","message":"Referenced Size does not match stored blob. Expected: 0, Got: 70"}`, publish.MediaInvalid},
		{413, `{"error":"PayloadTooLarge","message":"request entity too large"}`, publish.MediaInvalid},
		{413, `<html>nginx</html>`, publish.MediaInvalid},
		{429, `{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}`, publish.RateLimited},
		{429, ``, publish.RateLimited},
		{500, `{"error":"InternalServerError","message":"Internal Server Error"}`, publish.Transient},
		{502, `{"error":"UpstreamFailure","message":"pds unreachable"}`, publish.Transient},
		{503, `<html>maintenance</html>`, publish.Transient},
		{501, `{"error":"MethodNotImplemented","message":"Method Not Implemented"}`, publish.AppMisconfigured},
		{401, ``, publish.AuthRevoked},
		{403, `<html>cloud</html>`, publish.PermissionMissing},
		{404, `<html>another server</html>`, publish.AppMisconfigured},
		{307, ``, publish.AppMisconfigured},
	}
	n := New(nil, time.Now)
	for _, test := range tests {
		e := n.refusal(network.Answer{Status: test.status, Body: []byte(test.body)}, site.Credentials{})
		if e.Kind != test.want || e.Status != test.status || e.Network != Provider || e.Message == "" {
			t.Errorf("%d %s: got %+v; want kind %s, its status, and words", test.status, test.body, e, test.want)
		}
	}
}

// TestCutRefusal: a code that broke off may have been ExpiredToken, which a refresh
// cures.
func TestCutRefusal(t *testing.T) {
	n := New(network.NewClient(nil), time.Now)
	for _, test := range []struct {
		name   string
		answer network.Answer
		want   publish.Kind
	}{
		{"cut in the code", network.Answer{Status: 400, Body: []byte(`{"error":"Expi`), Cut: true}, publish.Transient},
		{"cut before the body", network.Answer{Status: 400, Cut: true}, publish.Transient},
		{"whole, and none of the protocol", network.Answer{Status: 400, Body: []byte(`<html>`)}, publish.AppMisconfigured},
		{"cut behind the code, which cannot be told", network.Answer{Status: 400, Body: []byte(`{"error":"InvalidToken",`), Cut: true}, publish.Transient},
		{"a status that says enough", network.Answer{Status: 403, Cut: true}, publish.PermissionMissing},
	} {
		if got := n.refusal(test.answer, site.Credentials{}).Kind; got != test.want {
			t.Errorf("%s: got %s; want %s", test.name, got, test.want)
		}
	}
}

func TestRefusalHidesSecrets(t *testing.T) {
	n := New(nil, time.Now)
	const token = "eyJ0eXAi.eyJzY29wZSI.s3cr3t"
	body := `{"error":"` + token + `","message":"bad ` + token + ` ` + strings.Repeat("né\n", 9000) + `"}`
	e := n.refusal(network.Answer{Status: 403, Body: []byte(body)}, site.Credentials{Access: token})
	if text := fmt.Sprintf("%v %+v", e, *e); strings.Contains(text, "s3cr3t") || e.Code != "" || len(e.Message) > publish.MaxRefusal || strings.Contains(e.Message, "\n") {
		t.Errorf("got %s; want no token, no code, and one line of at most %d bytes", text, publish.MaxRefusal)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Unix(1_795_622_000, 0)
	tests := []struct {
		name   string
		header http.Header
		want   time.Duration
	}{
		{"none", http.Header{}, 0},
		{"a reset", http.Header{"Ratelimit-Reset": {"1795622216"}}, 216 * time.Second},
		{"a reset that is over", http.Header{"Ratelimit-Reset": {"1795621999"}}, 0},
		{"a reset that is nonsense", http.Header{"Ratelimit-Reset": {"soon"}}, 0},
		{"a reset in the far future", http.Header{"Ratelimit-Reset": {"9223372036854775807"}}, 30 * 24 * time.Hour},
		{"seconds come first", http.Header{"Ratelimit-Reset": {"1795622216"}, "Retry-After": {"7"}}, 7 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := retryAfter(test.header, now); got != test.want {
				t.Errorf("got %v; want %v", got, test.want)
			}
		})
	}
}

func FuzzRefusal(f *testing.F) {
	f.Add(400, []byte(`{"error":"InvalidRequest","message":"Invalid uri at $.record.facets[0].uri"}`))
	f.Add(500, []byte(`{"error":1}`))
	n := New(nil, time.Now)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := n.refusal(network.Answer{Status: status, Body: body}, site.Credentials{})
		if e.Kind == "" || len(e.Message) > publish.MaxRefusal || len(e.Code) > 64 || strings.ContainsAny(e.Code+e.Message, "\n\x00") {
			t.Errorf("got %+v; want a kind and bounded words", e)
		}
	})
}
