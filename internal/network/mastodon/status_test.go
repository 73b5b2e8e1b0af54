package mastodon

import (
	"net/http"
	"testing"
	"time"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// TestClassify holds refusals as servers have sent them against the kinds.
func TestClassify(t *testing.T) {
	const page = "<!DOCTYPE html><html><body>Oops</body></html>"
	for _, test := range []struct {
		name   string
		step   step
		status int
		body   string
		want   publish.Kind
		words  string
	}{
		{"bad token", create, 401, `{"error":"The access token is invalid"}`, publish.AuthRevoked, "The access token is invalid"},
		{"bad token, of snac", create, 401, "", publish.AuthRevoked, "unauthorized"},
		{"bad token, of snac's verify_credentials", look, 422, "", publish.AuthRevoked, "unprocessable entity"},
		{"token of an application", create, 422, `{"error":"This method requires an authenticated user"}`, publish.AuthRevoked, "This method requires an authenticated user"},
		{"scope", create, 403, `{"error":"This action is outside the authorized scopes"}`, publish.PermissionMissing, "This action is outside the authorized scopes"},
		{"scope, of GoToSocial", create, 403, `{"error":"insufficient scope","error_description":"token has insufficient scope permission"}`, publish.PermissionMissing,
			"insufficient scope: token has insufficient scope permission"},
		{"disabled", create, 403, `{"error":"Your login is currently disabled"}`, publish.AccountRestricted, "Your login is currently disabled"},
		{"pending", upload, 403, `{"error":"Your login is currently pending approval"}`, publish.AccountRestricted, "Your login is currently pending approval"},
		{"not confirmed", look, 403, `{"error":"Your login is missing a confirmed e-mail address"}`, publish.AccountRestricted, "Your login is missing a confirmed e-mail address"},
		{"page", create, 403, page, publish.PermissionMissing, "forbidden"},
		{"other server", create, 404, page, publish.AppMisconfigured, "not found"},
		{"other method", create, 405, "", publish.AppMisconfigured, "method not allowed"},
		{"gone", create, 410, "", publish.TargetMissing, "gone"},
		{"file too large", upload, 413, page, publish.MediaInvalid, "request entity too large"},
		{"file of another type", upload, 415, "", publish.MediaInvalid, "unsupported media type"},
		{"bad file", upload, 422, `{"error":"Validation failed: File content type is invalid"}`, publish.MediaInvalid, "Validation failed: File content type is invalid"},
		{"no thumbnail", upload, 500, `{"error":"Error processing thumbnail for uploaded media"}`, publish.MediaInvalid, "Error processing thumbnail for uploaded media"},
		{"upload fails", upload, 500, page, publish.Transient, "internal server error"},
		{"too long", create, 422, `{"error":"Validation failed: Text character limit of 500 exceeded"}`, publish.TextInvalid, "Validation failed: Text character limit of 500 exceeded"},
		{"empty", create, 422, `{"error":"Validation failed: Text can't be blank"}`, publish.TextInvalid, "Validation failed: Text can't be blank"},
		{"too long, of GoToSocial", create, 400, `{"error":"Bad Request: status length 5001 chars (including content warning) exceed max chars 5000"}`, publish.TextInvalid,
			"Bad Request: status length 5001 chars (including content warning) exceed max chars 5000"},
		{"empty, of GoToSocial", create, 400, `{"error":"Bad Request: no text, media or poll provided"}`, publish.TextInvalid, "Bad Request: no text, media or poll provided"},
		{"not ready", create, 422, `{"error":"Cannot attach files that have not finished processing. Try again in a moment!"}`, publish.Transient,
			"Cannot attach files that have not finished processing. Try again in a moment!"},
		{"file is lost", create, 422, `{"error":"Media with ID 1 not found"}`, publish.MediaInvalid, "Media with ID 1 not found"},
		{"too many files", create, 422, `{"error":"Cannot attach more than 4 files"}`, publish.MediaInvalid, "Cannot attach more than 4 files"},
		{"else", create, 422, `{"error":"Validation failed"}`, publish.TextInvalid, "Validation failed"},
		{"too fast", create, 429, `{"error":"Too many requests"}`, publish.RateLimited, "Too many requests"},
		{"for legal reasons", create, 451, "", publish.ContentRejected, "unavailable for legal reasons"},
		{"request too slow", create, 408, "", publish.Transient, "request timeout"},
		{"redirect", create, 301, "", publish.AppMisconfigured, "moved permanently"},
		{"busy, after the body", create, 503, `{"error":"There was a temporary problem serving your request, please try again"}`, publish.UnknownOutcome,
			"There was a temporary problem serving your request, please try again"},
		{"busy, while looking", look, 503, "", publish.Transient, "service unavailable"},
		{"words of no known form", create, 422, `{"error":{"code":1}}`, publish.TextInvalid, "unprocessable entity"},
		{"repeats the token", create, 422, `{"error":"no secret-token"}`, publish.TextInvalid, "no [secret]"},
	} {
		n := New(nil, time.Now)
		e := n.classify(test.step, site.Credentials{Access: "secret-token"}, network.Answer{Status: test.status, Body: []byte(test.body), Header: http.Header{"X-Request-Id": {"trace"}}})
		if e.Kind != test.want || e.Message != test.words {
			t.Errorf("%s: got %s, %q; want %s, %q", test.name, e.Kind, e.Message, test.want, test.words)
		}
		if e.Status != test.status || e.Network != Provider || e.Trace != "trace" {
			t.Errorf("%s: got status %d of %s, trace %q; want %d of %s, trace", test.name, e.Status, e.Network, e.Trace, test.status, Provider)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(422, []byte(`{"error":"Validation failed"}`))
	f.Add(403, []byte("<html>"))
	f.Add(200, []byte(`{"error":null,"error_description":"x"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		n := New(nil, time.Now)
		for _, step := range []step{look, upload, create} {
			e := n.classify(step, site.Credentials{}, network.Answer{Status: status, Body: body})
			if len(e.Message) > publish.MaxRefusal || e.Kind == "" {
				t.Errorf("got kind %q, %d bytes of words; want a kind and at most %d", e.Kind, len(e.Message), publish.MaxRefusal)
			}
		}
	})
}
