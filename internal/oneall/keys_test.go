package oneall

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

func TestKeys(t *testing.T) {
	w := newWorld(t)
	_, others := w.addSite("other")
	_, past := w.addSite("past")
	s, _ := w.directory.Site("past")
	if _, _, err := w.directory.RotateKeys(t.Context(), s.ID, 0); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		with []func(*http.Request)
		code int
		info string
	}{
		{"good", []func(*http.Request){asSite(w.keys)}, 200, ""},
		{"good, at the site's host", []func(*http.Request){asSite(w.keys), host("acme.api.herald.test")}, 200, ""},
		{"good, at the site's host in capitals with a port", []func(*http.Request){asSite(w.keys), host("ACME.API.Herald.test.:8090")}, 200, ""},
		{"good, at the base's host", []func(*http.Request){asSite(w.keys), host("api.herald.test")}, 200, ""},
		{"good, at another host", []func(*http.Request){asSite(w.keys), host("127.0.0.1:8090")}, 200, ""},
		{"good, at an address of version 6", []func(*http.Request){asSite(w.keys), host("[::1]:8090")}, 200, ""},
		{"good, at a host that only looks alike", []func(*http.Request){asSite(w.keys), host("nobody.api.herald.test.example.com")}, 200, ""},
		{"another site's, at the site's host", []func(*http.Request){asSite(others), host("acme.api.herald.test")}, 401, "keys are wrong"},
		{"good, at the host of nobody", []func(*http.Request){asSite(w.keys), host("nobody.api.herald.test")}, 404, "no site with this subdomain"},
		{"good, at a host below the site's", []func(*http.Request){asSite(w.keys), host("www.acme.api.herald.test")}, 404, "no site"},
		{"good, at the host of an ID", []func(*http.Request){asSite(w.keys), host(w.site.ID + ".api.herald.test")}, 404, "no site"},
		{"wrong, at the host of nobody", []func(*http.Request){host("nobody.api.herald.test")}, 404, "no site"},
		{"none", nil, 401, "Keys are missing"},
		{"wrong private key", []func(*http.Request){func(r *http.Request) { r.SetBasicAuth(w.keys.Public, "nonsense") }}, 401, "keys are wrong"},
		{"another site's private key", []func(*http.Request){func(r *http.Request) { r.SetBasicAuth(w.keys.Public, string(others.Private)) }}, 401, "keys are wrong"},
		{"unknown public key", []func(*http.Request){func(r *http.Request) { r.SetBasicAuth("nonsense", string(w.keys.Private)) }}, 401, "keys are wrong"},
		{"rotated", []func(*http.Request){asSite(past)}, 401, "keys are wrong"},
		{"empty", []func(*http.Request){func(r *http.Request) { r.SetBasicAuth("", "") }}, 401, "keys are wrong"},
		{"no base64", []func(*http.Request){header("Authorization", "Basic !!!")}, 401, "Keys are missing"},
		{"a publish token", []func(*http.Request){header("Authorization", "OneAllPublishToken 4711")}, 401, "Keys are missing"},
		{"a nonce", []func(*http.Request){header("Authorization", "OneAllNonce 4711")}, 401, "Keys are missing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inner := *w
			inner.T = t
			got := inner.send("GET", "/tools/ping.json", "", test.with...).want(test.code, test.info)
			if challenge := got.header.Get("WWW-Authenticate"); (challenge != "") != (test.code == 401) {
				t.Errorf("got WWW-Authenticate %q", challenge)
			}
			if test.code >= 400 && got.at("result") != nil {
				t.Errorf("got a result: %s", got.raw)
			}
		})
	}
}

// TestPublishToken publishes as an app does, which does not hold a private key.
func TestPublishToken(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.user("facebook"), w.user("facebook")
	key := w.send("GET", "/users/"+alice.Token+".json", "", asSite(w.keys)).want(200).text("user.publish_token.key")
	with := func(key string) func(*http.Request) { return header("Authorization", "OneAllPublishToken "+key) }
	const body = `{"request":{"message":{"providers":["facebook"],"parts":{"text":{"body":"Hello"},"flags":{"enable_tracking":1}}}}}`
	path := "/users/" + alice.Token + "/publish.json"
	w.send("POST", path, body, with(key)).want(200)
	w.send("POST", path, body, with(key), host("acme.api.herald.test")).want(200)
	w.addSite("other")
	for _, test := range []struct {
		name, method, path string
		with               []func(*http.Request)
	}{
		{"another user", "POST", "/users/" + bob.Token + "/publish.json", []func(*http.Request){with(key)}},
		{"another resource", "GET", "/users/" + alice.Token + ".json", []func(*http.Request){with(key)}},
		{"messages", "POST", "/sharing/messages.json", []func(*http.Request){with(key)}},
		{"another host", "POST", path, []func(*http.Request){with(key), host("other.api.herald.test")}},
		{"changed", "POST", path, []func(*http.Request){with("A" + key[1:])}},
		{"none", "POST", path, []func(*http.Request){with("")}},
	} {
		got := w.send(test.method, test.path, body, test.with...).want(401)
		if strings.Contains(string(got.raw), key) {
			t.Errorf("%s: got the token in the answer", test.name)
		}
	}
	if strings.Contains(w.log.String(), key) {
		t.Errorf("got the token in the log:\n%s", w.log)
	}
	page, err := w.options.Publisher.Messages(t.Context(), w.site.ID, site.ListQuery{Limit: 10})
	if err != nil || page.Total != 2 {
		t.Errorf("got %d messages, %v; want the two that were allowed", page.Total, err)
	}
}

// TestWithoutKeys calls what is documented to need no keys.
func TestWithoutKeys(t *testing.T) {
	w := newWorld(t)
	at := host("acme.api.herald.test")
	w.send("GET", "/providers.json", "", at).want(200)
	w.send("PUT", "/users.json", imported("", "facebook", "good-1"), at).want(201)
	alice := w.user("facebook")
	w.send("PUT", "/users.json", imported(alice.Token, "twitter", "good-3"), at).want(401, "only with the keys")
	w.send("PUT", "/users.json", imported(alice.Token, "twitter", "good-3"), asSite(w.keys)).want(201)
	w.send("GET", "/providers.json", "").want(401)
	w.send("PUT", "/users.json", imported("", "facebook", "good-2")).want(401)
	w.send("GET", "/users.json", "", at).want(401)
	w.send("GET", "/providers.json", "", at, func(r *http.Request) { r.SetBasicAuth("wrong", "keys") }).want(401)
	w.send("GET", "/providers.json", "", host("nobody.api.herald.test")).want(404)
}

// TestWrongKeysAreSlowed counts wrong keys by peer: right keys of the same peer, and
// other peers, are not concerned.
func TestWrongKeysAreSlowed(t *testing.T) {
	now := start
	w := newWorld(t, func(o *Options) {
		o.WrongKeys = 5
		o.Now = func() time.Time { return now }
		o.ClientIP = func(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("Test-Peer")) }
	})
	guess := func(peer string) reply {
		return w.send("GET", "/tools/ping.json", "", header("Test-Peer", peer), func(r *http.Request) { r.SetBasicAuth(w.keys.Public, "guess") })
	}
	for range 5 {
		guess("192.0.2.1").want(401)
	}
	for range 100 {
		if got := guess("192.0.2.1").want(429, "Too many wrong keys"); got.header.Get("Retry-After") != "12" || got.header.Get("WWW-Authenticate") != "" {
			t.Fatalf("got Retry-After %q, WWW-Authenticate %q", got.header.Get("Retry-After"), got.header.Get("WWW-Authenticate"))
		}
	}
	w.do("GET", "/tools/ping.json", "", header("Test-Peer", "192.0.2.1")).want(200)
	guess("192.0.2.2").want(401)
	guess("::ffff:192.0.2.1").want(429)
	for i := range 5 {
		guess(fmt.Sprintf("2001:db8::%d", i+1)).want(401)
	}
	guess("2001:db8::ffff:1").want(429) // the same network
	guess("2001:db8:0:1::1").want(401)
	now = now.Add(12 * time.Second)
	guess("192.0.2.1").want(401)
	guess("192.0.2.1").want(429)
}

// TestLimiterIsBounded comes from many addresses.
func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter(1)
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for i := range 5 * maxPeers {
		l.take(address(i), start)
		if n := len(l.young) + len(l.old); n > 2*maxPeers {
			t.Fatalf("got %d peers; want at most %d", n, 2*maxPeers)
		}
	}
	if l.take(address(5*maxPeers-1), start) == 0 || l.take(address(5*maxPeers-maxPeers), start) == 0 {
		t.Error("the latest peers are forgotten")
	}
}

// TestForeignSite finds nothing of another site, and changes nothing there.
func TestForeignSite(t *testing.T) {
	w := newWorld(t)
	other, otherKeys := w.addSite("other")
	u := w.user("twitter")
	_, _, connection := w.login("", "facebook", "good-x")
	slug := w.shorten("http://www.example.com/")
	message := w.do("POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, plainParts)).text("sharing_message.sharing_message_token")
	mine, _, _ := w.loginAt(other, "", "twitter", "good-y")
	confirm := ".json?confirm_deletion=true"
	requests := []struct{ method, path, body string }{
		{"GET", "/sharing/messages/" + message + ".json", ""},
		{"POST", "/sharing/messages/" + message + ".json", fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_identity":{"identity_token":%q}}}}`, mine.Identities[0].Token)},
		{"DELETE", "/sharing/messages/" + message + confirm, ""},
		{"POST", "/sharing/messages.json", sharing(u.Token, []string{"twitter"}, plainParts)},
		{"POST", "/sharing/messages.json", fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_identity":{"identity_token":%q},"parts":{"text":{"body":"x"}}}}}`, u.Identities[0].Token)},
		{"GET", "/shorturls/" + slug + ".json", ""},
		{"DELETE", "/shorturls/" + slug + confirm, ""},
		{"GET", "/users/" + u.Token + ".json", ""},
		{"GET", "/users/" + u.Token + "/contacts.json", ""},
		{"POST", "/users/" + u.Token + "/publish.json", `{"request":{"message":{"providers":["twitter"],"parts":{"text":{"body":"x"}}}}}`},
		{"DELETE", "/users/" + u.Token + confirm, ""},
		{"PUT", "/users.json", imported(u.Token, "facebook", "good-z")},
		{"GET", "/identities/" + u.Identities[0].Token + ".json", ""},
		{"DELETE", "/identities/" + u.Identities[0].Token + confirm, ""},
		{"PUT", "/identities/" + u.Identities[0].Token + "/synchronize.json", ""},
		{"PUT", "/identities/" + u.Identities[0].Token + "/link.json", fmt.Sprintf(`{"request":{"user":{"user_token":%q}}}`, mine.Token)},
		{"PUT", "/identities/" + mine.Identities[0].Token + "/link.json", fmt.Sprintf(`{"request":{"user":{"user_token":%q}}}`, u.Token)},
		{"GET", "/connections/" + connection.Token + ".json", ""},
		{"GET", "/connection/" + connection.Token + ".json", ""},
	}
	for _, r := range requests {
		w.send(r.method, r.path, r.body, asSite(otherKeys)).want(404)
	}
	for path, total := range map[string]float64{"sharing/messages": 0, "shorturls": 0, "users": 1, "identities": 1, "connections": 1} {
		got := w.send("GET", "/"+path+".json", "", asSite(otherKeys)).want(200)
		for _, list := range got.at("result.data").(map[string]any) {
			if at(list, "pagination.total_entries") != total {
				t.Errorf("%s: got %v; want %v", path, at(list, "pagination.total_entries"), total)
			}
		}
	}
	w.do("GET", "/sharing/messages/"+message+".json", "").want(200)
	w.do("GET", "/shorturls/"+slug+".json", "").want(200)
	w.do("GET", "/users/"+u.Token+".json", "").want(200)
}

// broken stands in front of a publisher whose calls fail as it is told.
type broken struct {
	Publisher
	err   error
	panic bool
}

func (b broken) Messages(context.Context, string, site.ListQuery) (site.Page[publish.Head], error) {
	if b.panic {
		panic("secret of the house")
	}
	return site.Page[publish.Head]{}, b.err
}

// TestFailuresOfOurs tells the caller our sentence and the log the cause.
func TestFailuresOfOurs(t *testing.T) {
	tests := []struct {
		name string
		b    broken
		code int
	}{
		{"unknown error", broken{err: errors.New("secret of the house")}, 500},
		{"panic", broken{panic: true}, 500},
		{"not available", broken{err: fmt.Errorf("%w: secret of the house", publish.ErrUnavailable)}, 503},
		{"too long", broken{err: fmt.Errorf("secret of the house: %w", context.DeadlineExceeded)}, 503},
		{"cannot be unsealed", broken{err: fmt.Errorf("secret of the house: %w", site.ErrSealed)}, 500},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, func(o *Options) {
				test.b.Publisher = o.Publisher
				o.Publisher = test.b
			})
			got := w.do("GET", "/sharing/messages.json", "").want(test.code)
			if strings.Contains(string(got.raw), "secret") {
				t.Errorf("got the cause: %s", got.raw)
			}
			if n := strings.Count(w.log.String(), "secret of the house"); n < 1 || strings.Contains(w.log.String(), string(w.keys.Private)) {
				t.Errorf("got %d causes in the log: %s", n, w.log)
			}
		})
	}
}
