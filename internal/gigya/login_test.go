package gigya

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"herald.example/internal/site"
)

// loginCall is a call of notifyLogin over TLS.
func (h *house) loginCall(pairs ...string) *request {
	r := h.call("socialize.notifyLogin", pairs...).drop("UID")
	r.secure = true
	return r
}

// TestNotifyLoginReplies holds requests and replies against golden files.
func TestNotifyLoginReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.settings(func(g *site.Gigya) { g.CookieDomain = "example.com" })
		h.connect("user-43", "facebook")
		plain := h.loginCall("siteUID", "user-1")
		plain.secure = false
		for _, test := range []struct {
			name string
			r    *request
		}{
			{"notifylogin", h.loginCall("siteUID", "user-1", "newUser", "true", "regSource", "shop", "userInfo", `{"firstName":"Alice"}`)},
			{"notifylogin_plain", plain},
			{"notifylogin_xml", h.loginCall("siteUID", "user-1", "targetEnv", "mobile", "sessionExpiration", "60", "format", "xml")},
			{"notifylogin_sessions", h.loginCall("siteUID", "user-2", "cid", "home page", "providerSessions", `{"twitter":{"authToken":"t1","tokenSecret":"s1","providerUID":"200"},"Facebook":{"authToken":"f1","providerUID":100,"tokenExpiresIn":"3600"}}`)},
			{"notifylogin_refused", h.loginCall("siteUID", "user-3", "providerSessions", `{"twitter":{"authToken":"t2#simulate:revoked"},"facebook":{"authToken":"f2"}}`)},
			{"notifylogin_owned", h.loginCall("siteUID", "user-4", "providerSessions", `{"facebook":{"authToken":"f3","providerUID":"account of user-43"}}`)},
			{"notifylogin_code", h.loginCall("siteUID", "user-5", "providerSessions", `{"facebook":{"code":"c1"}}`)},
			{"notifylogin_missing", h.loginCall()},
		} {
			h.golden(test.name, test.r)
		}
	})
}

// TestNotifyLoginConnects makes a user with connected providers, who can publish.
func TestNotifyLoginConnects(t *testing.T) {
	h := newHouse(t)
	sessions := `{"facebook":{"authToken":"f1","providerUID":"100"},"twitter":{"authToken":"t1","tokenSecret":"s1"}}`
	a := h.do(h.loginCall("siteUID", "user-1", "providerSessions", sessions)).want(codeOK, "")
	if a.doc["UID"] != "user-1" {
		t.Errorf("got UID %v; want user-1", a.doc["UID"])
	}
	if got := h.providers("user-1"); !slices.Equal(got, []string{"facebook", "twitter"}) {
		t.Errorf("got connections to %q; want facebook and twitter", got)
	}
	h.do(h.call("socialize.setStatus", "UID", "user-1", "status", "Hello")).want(codeOK, "")
	h.wantPosts(2)
	// The same account is the same identity, also of a site that forgets to name its user.
	again := h.do(h.loginCall("providerSessions", `{"facebook":{"authToken":"f2","providerUID":"100"}}`)).want(codeOK, "")
	if again.doc["UID"] != "user-1" || len(h.providers("user-1")) != 2 {
		t.Errorf("got %s; want user-1 again", again.Body)
	}
	for _, secret := range []string{"f1", "f2", "s1"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log has a secret: %s", h.log)
		}
	}
}

// TestNotifyLoginOfAStranger gives a user without a name one, with which calls can be
// made.
func TestNotifyLoginOfAStranger(t *testing.T) {
	h := newHouse(t)
	a := h.do(h.loginCall("providerSessions", `{"facebook":{"authToken":"f1"},"twitter":{"authToken":"t1"}}`)).want(codeOK, "")
	uid, _ := a.doc["UID"].(string)
	if uid == "" || len(h.providers(uid)) != 2 {
		t.Errorf("got %s; want a user with two connections", a.Body)
	}
	h.do(h.call("socialize.getUserInfo", "UID", uid)).want(codeOK, "")
}

// TestNotifyLoginNamesATokenToo lets a user of the other dialect arrive, who is named by
// the token.
func TestNotifyLoginNamesATokenToo(t *testing.T) {
	h := newHouse(t)
	p := h.connect("", "mastodon")
	h.do(h.loginCall("siteUID", p.Token, "providerSessions", `{"facebook":{"authToken":"f1"}}`)).want(codeOK, "")
	after, err := h.directory.User(t.Context(), h.site().ID, p.Token)
	if err != nil || len(after.Identities) != 2 {
		t.Errorf("got %+v, %v; want a second identity", after, err)
	}
}

// TestNotifyLoginStops tells which connections were made when a network refuses one.
func TestNotifyLoginStops(t *testing.T) {
	h := newHouse(t)
	a := h.do(h.loginCall("siteUID", "user-1", "providerSessions",
		`{"twitter":{"authToken":"t#simulate:revoked"},"linkedin":{"authToken":"l"},"facebook":{"authToken":"f"}}`)).want(codeSession, "twitter: ")
	var got []string
	entries, _ := a.doc["providerErrorCodes"].([]any)
	for _, e := range entries {
		e := e.(map[string]any)
		got = append(got, fmt.Sprint(e["provider"], " ", e["errorCode"]))
	}
	if want := []string{"facebook 0", "twitter 403009"}; !slices.Equal(got, want) || a.doc["UID"] != "user-1" {
		t.Errorf("got %q for %v; want %q for user-1", got, a.doc["UID"], want)
	}
	if got := h.providers("user-1"); !slices.Equal(got, []string{"facebook"}) {
		t.Errorf("got connections to %q; want facebook", got)
	}
}

func TestNotifyLoginRefusals(t *testing.T) {
	sessions := func(json string) []string { return []string{"siteUID", "user-1", "providerSessions", json} }
	var many []string
	for i := range maxSessions + 1 {
		many = append(many, fmt.Sprintf(`"p%d":{}`, i))
	}
	tests := []struct {
		name    string
		pairs   []string
		code    code
		details string
	}{
		{"long UID", []string{"siteUID", strings.Repeat("u", maxUID+1)}, codeValue, "siteUID"},
		{"UID that is not ASCII", []string{"siteUID", "üser"}, codeValue, "siteUID"},
		{"UID of two lines", []string{"siteUID", "a\nb"}, codeValue, "siteUID"},
		{"another target", []string{"siteUID", "user-1", "targetEnv", "television"}, codeValue, "targetEnv"},
		{"no expiration", []string{"siteUID", "user-1", "sessionExpiration", "soon"}, codeScalar, "sessionExpiration"},
		{"impossible expiration", []string{"siteUID", "user-1", "sessionExpiration", "-3"}, codeValue, "sessionExpiration"},
		{"no flag", []string{"siteUID", "user-1", "newUser", "perhaps"}, codeScalar, "newUser"},
		{"no info", []string{"siteUID", "user-1", "userInfo", `["a"]`}, codeValue, "userInfo"},
		{"long cid", []string{"siteUID", "user-1", "cid", strings.Repeat("c", maxCID+1)}, codeValue, "cid"},
		{"no object", sessions(`["facebook"]`), codeValue, "providerSessions"},
		{"no JSON", sessions(`{"facebook":`), codeValue, "providerSessions"},
		{"no sessions", sessions(`{}`), codeValue, "no provider"},
		{"many sessions", sessions("{" + strings.Join(many, ",") + "}"), codeValue, "more than 10"},
		{"bomb", sessions(strings.Repeat(`{"a":`, 100)), codeValue, "deeper"},
		{"session that is none", sessions(`{"facebook":"token"}`), codeValue, "providerSessions"},
		{"unknown provider", sessions(`{"facebook":{"authToken":"f"},"nobody":{"authToken":"n"}}`), codeValue, "nobody"},
		{"old provider", sessions(`{"myspace":{"authToken":"m"}}`), codeUnsupported, "myspace"},
		{"provider in two spellings", sessions(`{"facebook":{"authToken":"f"},"Facebook":{"authToken":"f"}}`), codeValue, "twice"},
		{"code", sessions(`{"facebook":{"code":"c"}}`), codeUnsupported, "authToken"},
		{"no token", sessions(`{"facebook":{"providerUID":"1"}}`), codeMissing, "providerSessions.facebook.authToken"},
		{"no number", sessions(`{"facebook":{"authToken":"f","tokenExpiration":"soon"}}`), codeValue, "tokenExpiration"},
		{"no end", sessions(`{"facebook":{"authToken":"f","tokenExpiresIn":1e300}}`), codeValue, "tokenExpiresIn"},
		{"far end", sessions(`{"facebook":{"authToken":"f","tokenExpiresIn":"9223372036854775807"}}`), codeValue, "tokenExpiresIn"},
		{"no handle's end", sessions(`{"facebook":{"authToken":"f","sessionHandleExpiration":"x"}}`), codeValue, "sessionHandleExpiration"},
		{"long account", sessions(`{"facebook":{"authToken":"f","providerUID":"` + strings.Repeat("1", 2000) + `"}}`), codeValue, "facebook"},
		{"huge token", sessions(`{"facebook":{"authToken":"` + strings.Repeat("f", maxJSON) + `"}}`), codeValue, "longer than"},
	}
	h := newHouse(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.do(h.loginCall(test.pairs...)).want(test.code, test.details)
		})
	}
	h.do(h.call("socialize.getUserInfo", "UID", "user-1")).want(codeUser, "") // nobody was made
}

// TestNotifyLoginWithATokenOfAUser is refused: a user would log others in.
func TestNotifyLoginWithATokenOfAUser(t *testing.T) {
	h := newHouse(t)
	h.connect("user-42", "facebook")
	bound := h.token(clientCall().set("x_siteUID", "user-42"))
	r := h.loginCall("siteUID", "user-43").authorize("OAuth " + bound)
	h.do(r).want(codeDenied, "")
	r = h.loginCall("siteUID", "user-43").authorize("OAuth " + h.token(clientCall()))
	h.do(r).want(codeOK, "")
}

// TestNotifyLoginSession uses what a login gives: the signature is the site's, and the
// session acts for the user until it ends.
func TestNotifyLoginSession(t *testing.T) {
	tests := []struct {
		name   string
		pairs  []string
		member string
		life   time.Duration
	}{
		{"browser", nil, "cookieValue", time.Hour},
		{"mobile", []string{"targetEnv", "mobile"}, "sessionToken", time.Hour},
		{"short", []string{"sessionExpiration", "90"}, "cookieValue", 90 * time.Second},
		{"for ever", []string{"sessionExpiration", "-2"}, "cookieValue", time.Hour},
		{"long", []string{"sessionExpiration", "86400"}, "cookieValue", time.Hour},
		{"nothing is said, as PHP", []string{"userInfo", "[]", "providerSessions", "[]"}, "cookieValue", time.Hour},
		{"nothing is said, as Node", []string{"userInfo", "null", "providerSessions", "null"}, "cookieValue", time.Hour},
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		for _, test := range tests {
			a := h.do(h.loginCall(append([]string{"siteUID", "user-1"}, test.pairs...)...)).want(codeOK, "")
			timestamp, _ := a.doc["signatureTimestamp"].(string)
			if want := uidSignature(siteSecret, timestamp, "user-1"); a.doc["UIDSignature"] != want || want == "" {
				t.Errorf("%s: got signature %v; want %s", test.name, a.doc["UIDSignature"], want)
			}
			session, _ := a.doc[test.member].(string)
			info := func() *request {
				r := &request{verb: "POST", host: "socialize.us1.gigya.com", path: "/socialize.getUserInfo", secure: true, header: map[string][]string{}}
				return r.set("oauth_token", session)
			}
			time.Sleep(test.life - time.Millisecond)
			if got := h.do(info()).want(codeOK, "").doc["UID"]; got != "user-1" {
				t.Errorf("%s: got %v; want user-1", test.name, got)
			}
			time.Sleep(time.Millisecond)
			h.do(info()).want(codeToken, "")
		}
	})
}

// TestNotifyLoginWithoutASecret gives a session that opens nothing: nobody could check one.
func TestNotifyLoginWithoutASecret(t *testing.T) {
	h := newHouse(t)
	keys := h.keyring[apiKey]
	keys.Secret = site.Secret(base64.StdEncoding.EncodeToString(nil))
	h.keyring[apiKey] = keys
	r := h.loginCall("siteUID", "user-1", "userKey", userKey)
	r.secret = userSecret
	a := h.do(r).want(codeOK, "")
	if _, err := readToken(a.doc["cookieValue"].(string)); err == nil {
		t.Error("got a token; want none")
	}
	for _, name := range []string{"UIDSignature", "signatureTimestamp"} {
		if a.doc[name] != nil {
			t.Errorf("got %s %v; want none", name, a.doc[name])
		}
	}
}

// TestSessionLogins reads what a session becomes.
func TestSessionLogins(t *testing.T) {
	now := time.Unix(1_700_000_000, 500).UTC()
	in := func(seconds int) time.Time { return time.Unix(int64(1_700_000_000+seconds), 0).UTC() }
	tests := []struct {
		name    string
		session providerSession
		want    site.Login
	}{
		{"token", providerSession{AuthToken: "a"}, site.Login{Credentials: site.Credentials{Access: "a"}}},
		{"all", providerSession{AuthToken: "a", TokenSecret: "s", SessionHandle: "h", ProviderUID: "1", TokenExpiration: "1700000060", TokenExpiresIn: "10", SessionHandleExpiration: "5"},
			site.Login{Account: site.Account{ID: "1"}, Credentials: site.Credentials{Access: "a", Secret: "s", Refresh: "h", Expires: in(60)}}},
		{"in seconds", providerSession{AuthToken: "a", TokenExpiresIn: "10"}, site.Login{Credentials: site.Credentials{Access: "a", Expires: in(10)}}},
		{"never", providerSession{AuthToken: "a", TokenExpiration: "0", TokenExpiresIn: "-1"}, site.Login{Credentials: site.Credentials{Access: "a"}}},
		{"secret alone", providerSession{TokenSecret: "s"}, site.Login{Credentials: site.Credentials{Secret: "s"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.session.login("providerSessions.x", now)
			test.want.Source, test.want.Named = sourceNotifyLogin, true
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("got %v; login (-want +got):\n%s", err, diff)
			}
		})
	}
}
