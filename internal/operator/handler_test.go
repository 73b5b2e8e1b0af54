package operator_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"herald.example/internal/operator"
	"herald.example/internal/site"
)

// exchange is a handler and what it logs.
type exchange struct {
	world
	handler http.Handler
	log     *lockedBuffer
}

// newExchange makes the handler of a world with a site, shop.
func newExchange(t *testing.T) exchange {
	t.Helper()
	e := exchange{log: new(lockedBuffer)}
	e.world = newWorld(t, e.log, func(t *testing.T, dir *site.Directory, pub operator.Publisher, log *slog.Logger) operator.Operations {
		e.handler = operator.NewHandler(dir, pub, token, log)
		return operator.NewDesk(dir, pub)
	})
	e.add("shop")
	return e
}

// send sends one request with the token.
func (e exchange) send(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	return w
}

// refused is the code of a refusal.
func refused(t *testing.T, w *httptest.ResponseRecorder) (code, message string) {
	t.Helper()
	var body struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Error.Message == "" {
		t.Errorf("got %q, %v; want a refusal", w.Body, err)
	}
	return body.Error.Code, body.Error.Message
}

func TestUnauthorized(t *testing.T) {
	e := newExchange(t)
	for name, header := range map[string]string{
		"nothing": "", "no scheme": token, "basic": "Basic " + token, "empty": "Bearer ", "wrong": "Bearer " + strings.Repeat("0", 32),
		"a part": "Bearer " + token[:31], "more": "Bearer " + token + "0",
	} {
		for _, path := range []string{"/v1/sites", "/v1/sites/shop", "/v1/seal/rotate", "/v1/nowhere"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			w := httptest.NewRecorder()
			e.handler.ServeHTTP(w, r)
			if code, _ := refused(t, w); w.Code != 401 || code != "unauthorized" || w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %s: got %d %s; want 401", name, path, w.Code, w.Body)
			}
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	e := newExchange(t)
	long := strings.Repeat("a", operator.MaxBody)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		code                     string
	}{
		{"no such path", "GET", "/v1/sites/shop/nowhere", "", 404, "no_route"},
		{"no such seal", "GET", "/v1/seal/other", "", 404, "no_route"},
		{"wrong method", "PUT", "/v1/sites", "", 405, "bad_method"},
		{"wrong method on a site", "DELETE", "/v1/sites/shop", "", 405, "bad_method"},
		{"reading keys", "GET", "/v1/sites/shop/keys", "", 405, "bad_method"},
		{"no such site", "GET", "/v1/sites/other", "", 404, "not_found"},
		{"no body", "POST", "/v1/sites", "", 400, "bad_request"},
		{"no JSON", "POST", "/v1/sites", "name=shop", 400, "bad_request"},
		{"unknown field", "POST", "/v1/sites", `{"name":"a","key":"b"}`, 400, "bad_request"},
		{"wrong type", "POST", "/v1/sites", `{"name":7}`, 400, "bad_request"},
		{"something behind", "POST", "/v1/sites", `{"name":"a"}{}`, 400, "bad_request"},
		{"invalid UTF-8", "POST", "/v1/sites", "{\"name\":\"\xff\"}", 400, "bad_request"},
		{"too large", "POST", "/v1/sites", `{"name":"` + long + `"}`, 413, "too_large"},
		{"taken", "POST", "/v1/sites", `{"name":"shop"}`, 409, "taken"},
		{"bad name", "POST", "/v1/sites", `{"name":"Shop"}`, 422, "bad_name"},
		{"bad domain", "PATCH", "/v1/sites/shop", `{"domain":"a/b"}`, 422, "bad_domain"},
		{"reading a secret", "GET", "/v1/sites/shop/secret", "", 405, "bad_method"},
		{"reading user keys", "GET", "/v1/sites/shop/userkeys", "", 405, "bad_method"},
		{"no such user key", "DELETE", "/v1/sites/shop/userkeys/A1", "", 404, "not_found"},
		{"bad user key", "POST", "/v1/sites/shop/userkeys", `{"publicKey":"bad-secret"}`, 422, "bad_user_key"},
		{"keys without a body", "PUT", "/v1/sites/shop/secret", "", 400, "bad_request"},
		{"no keys", "PUT", "/v1/sites/shop/secret", `{}`, 422, "bad_setting"},
		{"bad API key", "PUT", "/v1/sites/shop/secret", `{"apiKey":"3_ x","secret":"` + broughtSecret + `"}`, 422, "bad_setting"},
		{"bad secret", "PUT", "/v1/sites/shop/secret", `{"apiKey":"3_x","secret":"bad-secret"}`, 422, "bad_setting"},
		{"secret that is a number", "PUT", "/v1/sites/shop/secret", `{"apiKey":"3_x","secret":12345678}`, 400, "bad_request"},
		{"keys of no site", "PUT", "/v1/sites/other/secret", `{"apiKey":"3_x","secret":"` + broughtSecret + `"}`, 404, "not_found"},
		{"site with a bad secret", "POST", "/v1/sites", `{"name":"other","apiKey":"3_x","secret":"bad-secret"}`, 422, "bad_setting"},
		{"bad secret of a user key", "POST", "/v1/sites/shop/userkeys", `{"userKey":"A1","secret":"bad-secret"}`, 422, "bad_user_key"},
		{"secret of no user key", "POST", "/v1/sites/shop/userkeys", `{"secret":"` + broughtSecret + `"}`, 422, "bad_user_key"},
		{"user key with nothing", "POST", "/v1/sites/shop/userkeys", `{"userKey":"A1"}`, 422, "bad_user_key"},
		{"permit no such user key", "POST", "/v1/sites/shop/userkeys/A1", `{"on":"shop"}`, 404, "not_found"},
		{"permit on no site", "POST", "/v1/sites/shop/userkeys/A1", `{"on":"other"}`, 404, "not_found"},
		{"permit without a body", "POST", "/v1/sites/shop/userkeys/A1", "", 400, "bad_request"},
		{"permit on two sites", "POST", "/v1/sites/shop/userkeys/A1", `{"on":["a","b"]}`, 400, "bad_request"},
		{"no UID to set", "PATCH", "/v1/sites/shop/users/1", `{}`, 400, "bad_request"},
		{"null for a UID", "PATCH", "/v1/sites/shop/users/1", `{"UID":null}`, 400, "bad_request"},
		{"UID of no user", "PATCH", "/v1/sites/shop/users/1", `{"UID":"a"}`, 404, "not_found"},
		{"bad UID to set", "PATCH", "/v1/sites/shop/users/1", `{"UID":"a\nb"}`, 422, "bad_uid"},
		{"no places", "PUT", "/v1/sites/shop/places", `{}`, 400, "bad_request"},
		{"places without a body", "PUT", "/v1/sites/shop/places", "", 400, "bad_request"},
		{"places that are none", "PUT", "/v1/sites/shop/places", `{"places":[{"id":"a","name":"b","latitude":"48"}]}`, 400, "bad_request"},
		{"places beyond numbers", "PUT", "/v1/sites/shop/places", `{"places":[{"id":"a","name":"b","latitude":1e999}]}`, 400, "bad_request"},
		{"bad places", "PUT", "/v1/sites/shop/places", `{"places":[{"id":"a","name":"b","latitude":91}]}`, 422, "bad_place"},
		{"places too large", "PUT", "/v1/sites/shop/places", `{"places":[{"id":"` + strings.Repeat(long, 8) + `"}]}`, 413, "too_large"},
		{"places of no site", "PUT", "/v1/sites/other/places", `{"places":[]}`, 404, "not_found"},
		{"unknown parameter of places", "GET", "/v1/sites/shop/places?near=me", "", 400, "bad_request"},
		{"user key without a body", "POST", "/v1/sites/shop/userkeys", "", 400, "bad_request"},
		{"bad setting", "PATCH", "/v1/sites/shop", `{"gigya":{"shortURLs":"often"}}`, 422, "bad_setting"},
		{"secret that is set", "PATCH", "/v1/sites/shop", `{"gigya":{"secret":"bad-secret"}}`, 400, "bad_request"},
		{"bad UID", "POST", "/v1/sites/shop/users", `{"UID":"a\nb"}`, 422, "bad_uid"},
		{"UID of nobody", "GET", "/v1/sites/shop/uids?uid=a", "", 404, "not_found"},
		{"no UID", "GET", "/v1/sites/shop/uids", "", 404, "not_found"},
		{"bad grace", "POST", "/v1/sites/shop/keys", `{"grace":"a day"}`, 400, "bad_request"},
		{"negative grace", "POST", "/v1/sites/shop/keys", `{"grace":"-1h"}`, 400, "bad_request"},
		{"secret of another type", "POST", "/v1/sites/shop/identities", `{"provider":"mastodon","access_token":12345678}`, 400, "bad_request"},
		{"network refuses", "POST", "/v1/sites/shop/identities", `{"provider":"mastodon","server":"https://social.example","access_token":"bad-secret"}`, 502, "network"},
		{"network leaks", "POST", "/v1/sites/shop/identities", `{"provider":"leaky","access_token":"bad-secret"}`, 500, "internal"},
		{"unknown parameter", "GET", "/v1/sites?limit=1", "", 400, "bad_request"},
		{"unknown parameter of a list", "GET", "/v1/sites/shop/users?page=1", "", 400, "bad_request"},
		{"parameter twice", "GET", "/v1/sites/shop/users?limit=1&limit=2", "", 400, "bad_request"},
		{"bad limit", "GET", "/v1/sites/shop/users?limit=many", "", 422, "bad_query"},
		{"limit too high", "GET", "/v1/sites/shop/identities?limit=501", "", 422, "bad_query"},
		{"bad order", "GET", "/v1/sites/shop/messages?order=up", "", 422, "bad_query"},
		{"bad after", "GET", "/v1/sites/shop/messages?after=1", "", 422, "bad_query"},
		{"no such user", "GET", "/v1/sites/shop/users/1", "", 404, "not_found"},
		{"no such message", "GET", "/v1/sites/shop/messages/00000000-0000-4000-8000-000000000000", "", 404, "no_message"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := e.send(c.method, c.path, c.body)
			code, message := refused(t, w)
			if w.Code != c.status || code != c.code || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("got %d %s; want %d %s", w.Code, w.Body, c.status, c.code)
			}
			if c.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("got no Allow; want the methods")
			}
			if strings.Contains(message, "12345678") || len(message) > 500 {
				t.Errorf("got %q; want a sentence without what was sent", message)
			}
			noSecrets(t, "answer", w.Body.String())
		})
	}
	if e.same("sites", len(e.dir.Sites()), 1); !strings.Contains(e.log.String(), "connection refused") {
		t.Errorf("got log %q; want the cause of the failure that is ours", e.log)
	}
	noSecrets(t, "the log", e.log.String())
	if strings.Contains(e.log.String(), "shop") {
		t.Errorf("got log %q; want paths by their pattern", e.log)
	}
}

// TestWire holds the names on the wire.
func TestWire(t *testing.T) {
	e := newExchange(t)
	unknown := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	date := regexp.MustCompile(`"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`)
	apiKey := regexp.MustCompile(`"3_[\w-]{62}"`)
	userKey := regexp.MustCompile(`"A[\w-]{15}"`)
	secret := regexp.MustCompile(`"[\w+/]{43}="`)
	clean := func(s string) string {
		s = date.ReplaceAllString(unknown.ReplaceAllString(s, "UUID"), `"DATE"`)
		return secret.ReplaceAllString(userKey.ReplaceAllString(apiKey.ReplaceAllString(s, `"API KEY"`), `"USER KEY"`), `"SECRET"`)
	}
	const key = `{"public_key":"UUID","date_creation":"DATE"}`
	const gigya = `"gigya":{"apiKey":"API KEY","dataCenter":"","trustedShareURLs":["*"],"shortURLs":"always","cid":"","enabledProviders":[],"userKeys":[]}`
	const shop = `{"site_id":"UUID","name":"shop","date_creation":"DATE","domain":"","simulated_providers":[],"keys":[` + key + `],` + gigya + `}`
	const alice = `{"identity_token":"UUID","user_token":"UUID","provider":"mastodon","date_creation":"DATE","date_last_update":"DATE",` +
		`"account_id":"https://social.example/users/alice","account":"alice@social.example","display_name":"Alice","server":"https://social.example","profile_url":"https://social.example/@alice"}`
	for _, c := range []struct{ name, method, path, body, want string }{
		{"sites", "GET", "/v1/sites", "", `{"sites":[` + shop + `]}`},
		{"site", "GET", "/v1/sites/shop", "", `{"site":` + shop + `}`},
		{"add site", "POST", "/v1/sites", `{"name":"b","domain":"go.example.com","simulated_providers":["x"]}`,
			`{"site":{"site_id":"UUID","name":"b","date_creation":"DATE","domain":"go.example.com","simulated_providers":["x"],"keys":[` + key + `],` + gigya + `},"new_keys":{"public_key":"UUID","private_key":"UUID","apiKey":"API KEY","secret":"SECRET"}}`},
		{"edit site", "PATCH", "/v1/sites/b", `{"simulated_providers":[]}`,
			`{"site":{"site_id":"UUID","name":"b","date_creation":"DATE","domain":"go.example.com","simulated_providers":[],"keys":[` + key + `],` + gigya + `}}`},
		{"rotate keys", "POST", "/v1/sites/b/keys", `{"grace":"1h"}`,
			`{"site":{"site_id":"UUID","name":"b","date_creation":"DATE","domain":"go.example.com","simulated_providers":[],"keys":[` + key +
				`,{"public_key":"UUID","date_creation":"DATE","date_expiration":"DATE"}],` + gigya + `},"new_keys":{"public_key":"UUID","private_key":"UUID"}}`},
		{"rotate the secret", "POST", "/v1/sites/shop/secret", "", `{"site":` + shop + `,"new_keys":{"apiKey":"API KEY","secret":"SECRET"}}`},
		{"add a user key", "POST", "/v1/sites/b/userkeys", `{}`, `{"userKey":{"userKey":"USER KEY","kind":"secret","date_creation":"DATE"},"secret":"SECRET"}`},
		{"edit settings of Gigya's dialect", "PATCH", "/v1/sites/b", `{"gigya":{"dataCenter":"us1","trustedShareURLs":["example.com"],"shortURLs":"never","cid":"c","enabledProviders":["mastodon"],"baseDomain":".Example.com"}}`,
			`{"site":{"site_id":"UUID","name":"b","date_creation":"DATE","domain":"go.example.com","simulated_providers":[],"keys":[` + key +
				`,{"public_key":"UUID","date_creation":"DATE","date_expiration":"DATE"}],"gigya":{"apiKey":"API KEY","dataCenter":"us1","trustedShareURLs":["example.com/*"],"shortURLs":"never",` +
				`"cid":"c","enabledProviders":["mastodon"],"baseDomain":"example.com","userKeys":[{"userKey":"USER KEY","kind":"secret","date_creation":"DATE"}]}}}`},
		{"providers", "GET", "/v1/sites/shop/providers", "",
			`{"providers":[{"key":"bluesky","name":"Bluesky","is_available":true,"is_simulated":false,"needs_server":true},{"key":"mastodon","name":"Mastodon","is_available":true,"is_simulated":false,"needs_server":true}]}`},
		{"add user", "POST", "/v1/sites/b/users", "", `{"user":{"user_token":"UUID","date_creation":"DATE","date_last_login":"DATE","num_logins":0,"identities":[]}}`},
		{"add user with UID", "POST", "/v1/sites/b/users", `{"UID":"user 1"}`, `{"user":{"user_token":"UUID","UID":"user 1","date_creation":"DATE","date_last_login":"DATE","num_logins":0,"identities":[]}}`},
		{"user by UID", "GET", "/v1/sites/b/uids?uid=user+1", "", `{"user":{"user_token":"UUID","UID":"user 1","date_creation":"DATE","date_last_login":"DATE","num_logins":0,"identities":[]}}`},
		{"add identity", "POST", "/v1/sites/shop/identities", `{"provider":"mastodon","server":"https://social.example","access_token":"` + goodToken + `"}`, `{"identity":` + alice + `}`},
		{"users", "GET", "/v1/sites/shop/users?limit=1&order=desc", "", `{"entries":[{"user_token":"UUID","date_creation":"DATE","date_last_login":"DATE","num_logins":1,"identities":[` + alice + `]}],"total":1}`},
		{"identities", "GET", "/v1/sites/shop/identities", "", `{"entries":[` + alice + `],"total":1}`},
		{"messages", "GET", "/v1/sites/shop/messages", "", `{"entries":[],"total":0}`},
		{"set places", "PUT", "/v1/sites/shop/places", `{"places":[{"id":"a","name":"<b>","latitude":48.21,"longitude":-16}]}`, `{"num_places":1}`},
		{"places", "GET", "/v1/sites/shop/places", "", `{"places":[{"id":"a","name":"<b>","latitude":48.21,"longitude":-16}]}`},
		{"rotate the seal", "POST", "/v1/seal/rotate", "", `{"num_resealed":7}`},
		{"the network's refusal", "POST", "/v1/sites/shop/identities", `{"provider":"mastodon","server":"https://social.example","access_token":"bad-secret"}`,
			`{"error":{"code":"network","message":"mastodon: auth_revoked (status 401): token [secret] is not known","network":{"provider":"mastodon","kind":"auth_revoked","message":"token [secret] is not known","status":401,"code":"invalid_token","trace":"t1"}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := e.send(c.method, c.path, c.body)
			if got := clean(strings.TrimSpace(w.Body.String())); got != c.want {
				t.Errorf("got %d\n%s\nwant\n%s", w.Code, got, c.want)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("got Cache-Control %q; want no-store", w.Header().Get("Cache-Control"))
			}
		})
	}
}

// TestWireOfNamedThings holds what is sent about one thing by its name.
func TestWireOfNamedThings(t *testing.T) {
	e := newExchange(t)
	other, _ := e.add("other")
	k, secret, err := e.AddUserKey(t.Context(), "shop", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"PUT", "/v1/sites/shop/secret", `{"apiKey":"3_x","secret":"` + broughtSecret + `"}`, `"gigya":{"apiKey":"3_x","dataCenter":`},
		{"POST", "/v1/sites", `{"name":"third","apiKey":"3_y","secret":"` + broughtSecret + `"}`, `"apiKey":"3_y"}}`},
		{"POST", "/v1/sites/third/userkeys", `{"userKey":"A1","secret":"` + broughtSecret + `"}`, `{"userKey":{"userKey":"A1","kind":"secret","date_creation":"`},
		{"POST", "/v1/sites/third/userkeys", `{"userKey":"A2","publicKey":` + strconv.Quote(publicKey) + `}`, `{"userKey":{"userKey":"A2","kind":"rsa","date_creation":"`},
	} {
		w := e.send(c.method, c.path, c.body)
		if w.Code != 200 || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: got %d %s; want %s", c.method, c.path, w.Code, w.Body, c.want)
		}
		noSecrets(t, c.path, w.Body.String())
	}
	w := e.send("POST", "/v1/sites/shop/userkeys/"+k.Key, `{"on":"other"}`)
	var permitted struct {
		Site    operator.Site    `json:"site"`
		UserKey operator.UserKey `json:"userKey"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &permitted); err != nil {
		t.Fatal(err)
	}
	if permitted.Site.ID != other.ID || len(permitted.Site.Gigya.UserKeys) != 1 || permitted.UserKey.Key != k.Key {
		t.Errorf("permit: got %d %s; want the other site, with the key", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), string(secret)) {
		t.Error("permit: got the secret; want it in the answer of the day it was made alone")
	}
	if w := e.send("POST", "/v1/sites/shop/userkeys/"+k.Key, `{"on":"other"}`); w.Code != 409 {
		t.Errorf("permit again: got %d %s; want 409", w.Code, w.Body)
	}
	u, err := e.AddUser(t.Context(), "shop", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ body, want string }{{`{"UID":"user 1"}`, `"UID":"user 1",`}, {`{"UID":""}`, `"user_token":"` + u.Token + `","date_creation"`}} {
		if w := e.send("PATCH", "/v1/sites/shop/users/"+u.Token, c.body); w.Code != 200 || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("set UID %s: got %d %s; want %s", c.body, w.Code, w.Body, c.want)
		}
	}
}

// TestSealThatCannotBeOpened: the operator is told which identity keeps the ring
// from rotating.
func TestSealThatCannotBeOpened(t *testing.T) {
	e := newExchange(t)
	i, err := e.AddIdentity(t.Context(), "shop", alice())
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.dir.Site("shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.store.EditIdentity(t.Context(), s.ID, i.Token, func(i *site.Identity) error { i.Sealed[5] ^= 1; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := e.RotateSeal(t.Context()); err == nil {
		t.Fatal("got nil; want an error")
	}
	w := e.send("POST", "/v1/seal/rotate", "")
	if code, message := refused(t, w); w.Code != 500 || code != "sealed" || !strings.Contains(message, i.Token) {
		t.Errorf("got %d %s; want 500 and the identity %s", w.Code, w.Body, i.Token)
	}
}

func FuzzHandler(f *testing.F) {
	for _, body := range []string{"", "{}", `{"name":"a"}`, `{"grace":"1h"}`, `{"provider":"mastodon","access_token":"t"}`, `{"simulated_providers":null}`, `{"gigya":{"cid":"a","trustedShareURLs":["*"]}}`, `{"publicKey":"-----BEGIN"}`, `{"UID":"a"}`, `{"on":"shop"}`, `{"apiKey":"3_a","secret":"` + broughtSecret + `"}`, `{"userKey":"A1","secret":"` + broughtSecret + `"}`, `{"places":[{"id":"a","name":"b","latitude":1,"longitude":2}]}`, "[]", "\xff"} {
		f.Add("POST", "/v1/sites", body)
		f.Add("POST", "/v1/sites/shop/identities", body)
		f.Add("PATCH", "/v1/sites/shop", body)
		f.Add("POST", "/v1/sites/shop/keys", body)
		f.Add("PUT", "/v1/sites/shop/secret", body)
		f.Add("POST", "/v1/sites/shop/userkeys", body)
		f.Add("POST", "/v1/sites/shop/users", body)
		f.Add("POST", "/v1/sites/shop/userkeys/A1", body)
		f.Add("PATCH", "/v1/sites/shop/users/00000000-0000-4000-8000-000000000000", body)
		f.Add("PUT", "/v1/sites/shop/places", body)
	}
	f.Add("GET", "/v1/sites/shop/users?limit=1&after=x&order=desc", "")
	f.Add("GET", "/v1/sites/..%2f/users/%00", "")
	dir, pub := newDirectory(f)
	if _, _, err := dir.AddSite(f.Context(), site.SiteDraft{Name: "shop"}); err != nil {
		f.Fatal(err)
	}
	handler := operator.NewHandler(dir, pub, token, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r, err := http.NewRequest(method, "http://server"+path, strings.NewReader(body))
		if err != nil || r.URL.Host != "server" {
			return
		}
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code/100 == 3 { // a path that is not clean
			return
		}
		if !json.Valid(w.Body.Bytes()) || w.Code >= 500 && w.Code != 502 {
			t.Errorf("got %d %q; want JSON, and no failure of ours", w.Code, w.Body)
		}
	})
}
