package gigya

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

// clientCall asks for a token as graze does.
func clientCall() *request {
	r := &request{verb: http.MethodPost, host: "socialize.us1.gigya.com", path: "/socialize.getToken", secure: true, header: make(http.Header)}
	return r.set("grant_type", "none").set("client_id", apiKey).set("client_secret", siteSecret)
}

// tokenCall uses a token, in a request over TLS that names no API key.
func tokenCall(token string) *request {
	r := plainCall().drop("apiKey").authorize("OAuth " + token)
	r.secure = true
	return r
}

// token gets one.
func (w *world) token(r *request) string {
	w.Helper()
	a := w.do(r).want(codeOK, "")
	if a.doc["expires_in"] != tokenLife.Seconds() {
		w.Fatalf("got %s; want expires_in", a.Body)
	}
	return a.doc["access_token"].(string)
}

func TestGetToken(t *testing.T) {
	w := newWorld(t)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(apiKey+":"+siteSecret))
	tests := []struct {
		name           string
		make           func(r *request)
		want           code
		details, oauth string
	}{
		{"as graze", func(*request) {}, codeOK, "", ""},
		{"client_credentials", func(r *request) { r.set("grant_type", "client_credentials") }, codeOK, "", ""},
		{"Basic", func(r *request) { r.drop("client_id").drop("client_secret").authorize(basic) }, codeOK, "", ""},
		{"userKey", func(r *request) { r.set("userKey", userKey).set("client_secret", userSecret) }, codeOK, "", ""},
		{"longest UID", func(r *request) { r.set("x_siteUID", strings.Repeat("u", maxUID)) }, codeOK, "", ""},
		{"GET", func(r *request) { r.verb = "GET" }, codeFormat, "POST", "invalid_request"},
		{"no client", func(r *request) { r.drop("client_id") }, codeMissing, "client_id", "invalid_request"},
		{"the API key is no client", func(r *request) { r.drop("client_id").set("apiKey", apiKey) }, codeMissing, "client_id", "invalid_request"},
		{"unknown client", func(r *request) { r.set("client_id", "3_Unknown") }, codeAPIKey, "", "invalid_client"},
		{"unknown userKey", func(r *request) { r.set("userKey", "AUnknown") }, codeUser, "", "invalid_client"},
		{"without TLS", func(r *request) { r.secure = false }, codePlainSecret, "", "invalid_request"},
		{"Basic without TLS", func(r *request) { r.drop("client_id").authorize(basic).secure = false }, codePlainSecret, "", "invalid_request"},
		{"wrong secret", func(r *request) { r.set("client_secret", userSecret) }, codeSecret, "", "invalid_client"},
		{"secret of the site for a userKey", func(r *request) { r.set("userKey", userKey) }, codeSecret, "", "invalid_client"},
		{"no secret", func(r *request) { r.drop("client_secret") }, codeMissing, "client_secret", "invalid_request"},
		{"a token is no secret", func(r *request) { r.drop("client_secret").set("secret", siteSecret) }, codeMissing, "client_secret", "invalid_request"},
		{"no grant", func(r *request) { r.drop("grant_type") }, codeMissing, "grant_type", "invalid_request"},
		{"unknown grant", func(r *request) { r.set("grant_type", "password") }, codeGrantType, "password", "unsupported_grant_type"},
		{"no code", func(r *request) { r.set("grant_type", "authorization_code") }, codeMissing, "code", "invalid_request"},
		{"wrong code", func(r *request) { r.set("grant_type", "authorization_code").set("code", "c") }, codeValue, "code", "invalid_request"},
		{"UID of nobody", func(r *request) { r.set("x_siteUID", "strange") }, codeUser, "no user with the UID strange", "invalid_client"},
		{"UID too long", func(r *request) { r.set("x_siteUID", strings.Repeat("u", maxUID+1)) }, codeValue, "x_siteUID", "invalid_request"},
		{"failing", func(r *request) { r.set("client_id", "failing") }, codeTimeout, "later", "server_error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w.TB = t
			r := clientCall()
			test.make(r)
			a := w.do(r).want(test.want, test.details)
			if got, _ := a.doc["error"].(string); got != test.oauth {
				t.Errorf("got error %q; want %q", got, test.oauth)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	token := w.token(clientCall())
	w.do(tokenCall(token)).want(codeOK, "")
	if w.last.apiKey != apiKey || w.last.uid != "user-42@example.com" {
		t.Errorf("got a call for %q and %q; want the site of the token and the UID of the call", w.last.apiKey, w.last.uid)
	}
	w.do(tokenCall(token).authorize("Bearer "+token)).want(codeOK, "")
	r := tokenCall(token).set("oauth_token", token)
	r.header.Del("Authorization")
	w.do(r).want(codeOK, "")
	w.do(tokenCall(token).set("apiKey", apiKey)).want(codeOK, "")
	w.do(tokenCall(token).drop("UID")).want(codeMissing, "UID")
	w.do(tokenCall(token).set("apiKey", "3_Keyless")).want(codeToken, "")
	w.do(tokenCall(token).set("apiKey", "3_Unknown")).want(codeAPIKey, "")
	w.do(tokenCall("")).want(codeToken, "")
	w.do(tokenCall("x").set("apiKey", apiKey)).want(codeToken, "")
	r = tokenCall(token)
	r.secure = false
	w.do(r).want(codeToken, "TLS")
	w.do(plainCall().authorize("Basic "+token)).want(codeUser, "Sign")

	bound := w.token(clientCall().set("x_siteUID", "user-42@example.com"))
	w.do(tokenCall(bound)).want(codeOK, "")
	w.do(tokenCall(bound).drop("UID")).want(codeOK, "")
	if w.last.uid != "user-42@example.com" {
		t.Errorf("got UID %q; want the one of the token", w.last.uid)
	}
	w.do(tokenCall(bound).set("UID", "user-7")).want(codeUser, "another user")

	ofApp := w.token(clientCall().set("userKey", userKey).set("client_secret", userSecret))
	w.do(tokenCall(ofApp)).want(codeOK, "")
	if w.last.userKey != userKey {
		t.Errorf("got userKey %q; want %q", w.last.userKey, userKey)
	}

	for i := range token { // no character can be another one
		changed := []byte(token)
		if changed[i]++; changed[i] > 'z' {
			changed[i] = 'A'
		}
		if a := w.do(tokenCall(string(changed))); a.doc["errorCode"] != float64(codeToken) {
			t.Fatalf("character %d changed: got %s; want errorCode %d", i, a.Body, codeToken)
		}
	}

	w.now = start.Add(tokenLife - time.Millisecond)
	w.do(tokenCall(token)).want(codeOK, "")
	w.now = start.Add(tokenLife)
	w.do(tokenCall(token)).want(codeToken, "")
	w.now = start.Add(-time.Minute) // it is from the future
	w.do(tokenCall(token)).want(codeToken, "")
	w.now = start

	keys := w.keyring[apiKey]
	keys.UserKeys = map[string]UserKey{}
	w.keyring[apiKey] = keys
	w.do(tokenCall(ofApp)).want(codeToken, "")
	keys.Secret = userSecret
	w.keyring[apiKey] = keys
	w.do(tokenCall(token)).want(codeToken, "")
	delete(w.keyring, apiKey)
	w.do(tokenCall(token)).want(codeToken, "")
}
