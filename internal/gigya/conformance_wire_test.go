package gigya

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wireItems are the items of the contract's section 18 about requests and credentials.
var wireItems = []conformant{
	{"18_01_vectors", vectors},
	{"18_02_clients", clients},
	{"18_03_transport", transport},
	{"18_04_envelope", envelopes},
	{"18_05_http_status", statusesOfHTTP},
	{"18_06_stale_timestamp", func(c *conversation) {
		c.connect("user-42", "facebook")
		raw := rawRequest(c.act("user-42", hello))
		c.clock = start.Add(10 * time.Minute)
		o := c.sendRaw("a client whose clock is slow", raw, false, unproven(codeExpired))
		if got, want := o.header.Get("Date"), "Tue, 14 Nov 2023 22:23:20 GMT"; got != want {
			c.Errorf("got Date %s; want %s, the server's time", got, want)
		}
		c.clock = start.Add(121 * time.Second)
		c.sendRaw("a second beyond the window", raw, false, unproven(codeExpired))
		c.clock = start.Add(-121 * time.Second)
		c.sendRaw("a second beyond it on the other side", raw, false, unproven(codeExpired))
		c.clock = start.Add(120 * time.Second)
		c.sendRaw("the same bytes once the clock is right", raw, false, posted(1))
		c.clock = start.Add(-120 * time.Second)
		c.sendRaw("the same bytes once more", raw, false, unproven(codeNonce))
	}},
	{"18_07_nonce", func(c *conversation) {
		c.connect("user-42", "facebook")
		raw := rawRequest(c.act("user-42", hello))
		c.sendRaw("first use", raw, false, posted(1))
		c.sendRaw("the same request", raw, false, unproven(codeNonce))
		c.send("another request", c.act("user-42", `{"title":"Another"}`, "nonce", "nonce-1"), unproven(codeNonce))
		app := c.act("user-42", `{"title":"Another"}`, "nonce", "nonce-1", "userKey", userKey)
		app.secret = userSecret
		c.send("another key, which has nonces of its own", app, posted(1))
	}},
	{"18_08_secret", func(c *conversation) {
		c.connect("user-42", "facebook")
		call := func(secure bool, action, secret string, pairs ...string) *request {
			r := c.act("user-42", action, append(pairs, "secret", secret)...).drop("timestamp").drop("nonce")
			r.secret, r.secure = "", secure
			return r
		}
		c.send("without TLS", call(false, hello, siteSecret), unproven(codePlainSecret))
		c.send("with TLS", call(true, hello, siteSecret), posted(1).unsigned())
		c.send("a wrong one", call(true, hello, userSecret), unproven(codeSecret))
		c.send("that of a userKey", call(true, `{"title":"By an application"}`, userSecret, "userKey", userKey), posted(1).unsigned())
		c.send("that of a userKey, without TLS", call(false, hello, userSecret, "userKey", userKey), unproven(codePlainSecret))
		c.send("that of the site for a userKey", call(true, hello, siteSecret, "userKey", userKey), unproven(codeSecret))
		c.send("that of a userKey for an unknown one", call(true, hello, userSecret, "userKey", "AUnknown"), unproven(codeUser))
	}},
	{"18_16_jsonp", jsonp},
	{"18_17_hosts", func(c *conversation) {
		c.connect("user-42", "facebook")
		for n, host := range []string{
			"accounts.us1.gigya.com", "socialize.gigya.com", "socialize-api.gigya.com", "socialize.api.gigya.com", "mtls.us1.gigya.com", "socialize.global.gigya.com",
			"sharing.example.com", "localhost:8080", "127.0.0.1:8080", "[::1]:8080",
		} {
			r := c.act("user-42", fmt.Sprintf(`{"title":"Number %d"}`, n))
			r.host = host
			c.send(host, r, posted(1))
		}
		r := c.act("user-42", hello)
		r.host = "socialize.eu1.gigya.com"
		o := c.send("a data centre that is not the site's", r, unproven(codeDataCentre))
		if o.doc["apiDomain"] != "us1.gigya.com" || o.doc["location"] != "https://socialize.us1.gigya.com/socialize.publishUserAction" {
			c.Errorf("got %v; want apiDomain and location of us1", o.doc)
		}
	}},
}

// post is a request with a form.
func post(host, path, form string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\n", path, host) + withForm(form)
}

// vectors sends V1 to V3 of section 4.3 as they stand there, and has V4 come back.
func vectors(c *conversation) {
	const path = "/socialize.publishUserAction"
	c.connect("user-42@example.com", "facebook", "twitter")
	c.sendRaw("V1", post("socialize.us1.gigya.com", path, "UID=user-42%40example.com&userAction=%7B%22title%22%3A%22Hello+world%22%2C%22linkBack%22%3A%22https%3A%2F%2Fwww.example.com%2Fa%3Fb%3D1%26c%3D2%22%7D&enabledProviders=facebook%2Ctwitter&shortURLs=always&cid=home+page&format=json&httpStatusCodes=false&sdk=php_3.1.0&apiKey=3_ExampleApiKey&timestamp=1700000000&nonce=17000000001231234567890&sig=KSgyoZ0hExvw%2BZkx83MeWYFCE2E%3D"), true, posted(2)).
		entries("facebook 0", "twitter 0")
	const v2 = "uid=user%201%2B2%2F3&userAction=%7B%22title%22%3A%22Caf%C3%A9%20~%20%2A50%25%2A%20it%27s%20%28new%29%21%22%2C%22linkBack%22%3A%22https%3A%2F%2Fwww.example.com%2F%22%7D&tags=a%2Cb&format=json&httpStatusCodes=false&sdk=java_3.2.4&apiKey=3_ExampleApiKey&userKey=AExampleUserKey&timestamp=1700000060&nonce=1700000060123_-42&sig="
	for _, sig := range []struct{ name, sig string }{
		{"V2", "Os7emlhPYJQF1FEncGk3lr6SNBM%3D"},
		{"V2, signed without the port, to a house that does not know its nonce", "8ETnXIjlfjri2MC4d4n3Ja9QvZM%3D"},
	} {
		c.move(c.TB)
		c.clock = time.Unix(1700000060, 0)
		c.connect("user 1+2/3", "facebook")
		c.sendRaw(sig.name, post("socialize.dc.localtest:8080", path, v2+sig.sig), false, posted(1)).shows(`"Café ~ *50%* it's (new)!"`, "")
	}
	c.clock = time.Unix(1700000120, 0)
	c.sendRaw("V3", "GET /socialize.shortenURL?url=https%3A%2F%2Fwww.example.com%2Fpath%2F%3Fq%3Done%20two%26x%3D%2541&cid=&format=jsonp&callback=cb_1&apiKey=3_ExampleApiKey&timestamp=1700000120&nonce=n-0003&sig=CkNW6ZXIP36R4B2pMKT2RScYE%2Bo%3D HTTP/1.1\r\nHost: socialize.gigya.com\r\n\r\n", false, posted(0))
	c.clock = time.Unix(1700000200, 0)
	o := c.send("V4: the signature of a UID in a reply", c.call("socialize.notifyLogin", "siteUID", "user-42@example.com").drop("UID"), posted(0))
	if o.doc["UID"] != "user-42@example.com" || o.doc["signatureTimestamp"] != "1700000200" || o.doc["UIDSignature"] != "+ihOaA3UhpLMF8BzbP0RTp3Dqzw=" {
		c.Errorf("got %v; want the signature of V4", o.doc)
	}
	friend := uidSignature(siteSecret, "1700000200", "friend-7", "user-42@example.com")
	if friend != "ucuX4NZ5OLqAscFhLaoJeb/PMqw=" {
		c.Errorf("got %s for a friend; want that of V4", friend)
	}
	fmt.Fprintf(&c.text, "-- V4 of a friend, which no reply has --\n%s\n", friend)
}

// clients sends what each client writes, at the time of its timestamp: see
// recorded_test.go for what its requests are made from. A minute passes before the next
// one, so that none is taken for the repetition of another.
func clients(c *conversation) {
	c.connect("alice", "facebook")
	t := c.TB.(*testing.T)
	values := strings.NewReplacer("{token}", c.token(clientCall()), "{basic}", base64.StdEncoding.EncodeToString([]byte(apiKey+":"+siteSecret)))
	for _, r := range recordings(t) {
		secure := r.secure
		r.secure = false // it comes with TLS instead of a proxy's word for it
		r.body = strings.ReplaceAll(r.body, "userAction=%7B%7D", "userAction=%7B%22title%22%3A%22Hello%22%7D")
		want := unproven(r.want)
		if r.want == codeOK {
			if r.action != "" {
				want.posts = 1
			}
			if r.signs != "" || r.jwt != "" {
				want.nonces = 1
			}
		}
		time.Sleep(61 * time.Second)
		raw := strings.ReplaceAll(values.Replace(r.bytes(t)), "{jwt}", r.jwt)
		o := c.sendRaw(r.name, raw, secure, want)
		if r.jwt != "" { // keys are made anew for each run
			text := strings.ReplaceAll(c.text.String(), r.jwt, "A.JWT.BY-"+rsaKey)
			c.text.Reset()
			c.text.WriteString(text)
		}
		if want.posts == 1 {
			o.entries("facebook 0")
		}
	}
}

// transport sends one call in every way that section 2 names.
func transport(c *conversation) {
	c.connect("user-42", "facebook")
	n := 0
	form := func() string {
		n++
		return c.act("user-42", fmt.Sprintf(`{"title":"Number %d"}`, n)).form()
	}
	const path, host = "/socialize.publishUserAction", "Host: socialize.us1.gigya.com\r\n"
	chunked := func(form string) string {
		return fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n7\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", formType, form[:7], len(form)-7, form[7:])
	}
	get := c.act("user-42", `{"title":"Number 0"}`)
	get.verb = http.MethodGet
	c.send("GET", get, posted(1))
	query, body, _ := strings.Cut(form(), "&nonce")
	c.sendRaw("query and body", "POST "+path+"?"+query+" HTTP/1.1\r\n"+host+withForm("nonce"+body), false, posted(1))
	c.sendRaw("in chunks", "POST "+path+" HTTP/1.1\r\n"+host+chunked(form()), false, posted(1))
	c.sendRaw("the target in absolute form", "POST http://socialize.us1.gigya.com"+path+" HTTP/1.1\r\n"+host+"Proxy-Connection: keep-alive\r\n"+withForm(form()), false, posted(1))
	c.sendRaw("Expect: 100-continue", "POST "+path+" HTTP/1.1\r\n"+host+"Expect: 100-continue\r\n"+withForm(form()), false, posted(1))
	query, body, _ = strings.Cut(form(), "&nonce")
	c.sendRaw("all together", "POST http://socialize.us1.gigya.com"+path+"?"+query+" HTTP/1.1\r\n"+host+"Expect: 100-continue\r\n"+chunked("nonce"+body), false, posted(1))
}

// envelopes has replies of every kind come back: sendRaw checks their shape.
func envelopes(c *conversation) {
	c.newID = newCallID
	c.clock = start.Add(7 * time.Millisecond)
	c.connect("user-1", "facebook", "twitter#simulate:duplicate")
	c.connect("user-2", "facebook#simulate:expired")
	ids := make(map[any]bool)
	for _, o := range []outcome{
		c.send("success and failure", c.act("user-1", hello), posted(1)),
		c.send("failure alone", c.act("user-2", hello), faulted(codeSession)),
		c.send("a fault with details", c.act("user-1", ""), faulted(codeMissing)),
		c.send("a fault without details", c.act("user-1", hello, "apiKey", "3_Unknown"), unproven(codeAPIKey)),
		c.send("a fault, with a context", c.act("user-1", "[]", "context", `{"a": "<é>"}`), faulted(codeValue)),
		c.send("success of a method that says nothing", c.call("gm.notifyAction", "UID", "user-1", "action", "share", "context", ""), posted(0)),
		c.send("success of a method that says much", c.call("socialize.getUserInfo", "UID", "user-1"), posted(0)),
	} {
		ids[o.doc["callId"]] = true
	}
	if len(ids) != 7 {
		c.Errorf("got %d different callIds; want 7", len(ids))
	}
}

// statusesOfHTTP has them with and without httpStatusCodes.
func statusesOfHTTP(c *conversation) {
	c.connect("user-1", "facebook")
	c.connect("user-2", "facebook#simulate:expired")
	wrong := func(pairs ...string) *request {
		r := c.act("user-1", hello, pairs...)
		r.secret = userSecret
		return r
	}
	unknown := func(pairs ...string) *request {
		r := c.act("user-1", hello, pairs...)
		r.path = "/socialize.nothing"
		return r
	}
	c.send("not asked for: no right", wrong(), unproven(codeSignature))
	c.send("not asked for: a missing parameter", c.act("user-1", ""), faulted(codeMissing))
	c.send("not asked for: a failure of the network", c.act("user-2", hello), faulted(codeSession)).entries("facebook 403009")
	c.send("not asked for: no such method", unknown(), unproven(codeMethod))
	c.send("false", c.act("user-1", "", "httpStatusCodes", "false"), faulted(codeMissing))
	c.send("empty", c.act("user-1", "", "httpStatusCodes", ""), faulted(codeMissing))
	c.send("true: no right", wrong("httpStatusCodes", "true"), unproven(codeSignature).mirrored())
	c.send("True: a missing parameter", c.act("user-1", "", "httpStatusCodes", "True"), faulted(codeMissing).mirrored())
	c.send("1: a failure of the network", c.act("user-2", `{"title":"Hello"}`, "httpStatusCodes", "1"), faulted(codeSession).mirrored()).entries("facebook 403009")
	c.send("true: no such method", unknown("httpStatusCodes", "true"), unproven(codeMethod).mirrored())
	c.send("true: success", c.act("user-1", hello, "httpStatusCodes", "true"), posted(1).mirrored()).entries("facebook 0")
	c.send("true, but JSONP", c.act("user-1", "", "httpStatusCodes", "true", "format", "jsonp", "callback", "f"), faulted(codeMissing))
}

// jsonp has replies wrapped.
func jsonp(c *conversation) {
	c.connect("user-42", "facebook")
	call := func(action, callback string) *request {
		return c.act("user-42", action, "format", "jsonp", "callback", callback)
	}
	wrapped := func(o outcome, callback string) {
		c.Helper()
		if !strings.Contains(c.text.String(), "\n"+callback+"({") || o.header.Get("Content-Type") != "text/javascript; charset=utf-8" || o.header.Get("X-Content-Type-Options") != "nosniff" {
			c.Errorf("got header %v; want a call of %s", o.header, callback)
		}
	}
	wrapped(c.send("success", call(hello, "cb_1"), posted(1)), "cb_1")
	wrapped(c.send("a member of an object", call(`{"title":"Hello"}`, "gigya.callback"), posted(1)), "gigya.callback")
	wrapped(c.send("a fault", call("", "$f"), faulted(codeMissing)), "$f")
	wrapped(c.send("what could end a script", call(hello, "f").set("UID", "</script>\u2028"), faulted(codeUser)), "f")
	for _, name := range []string{"alert(1)//", "f.", "1f", "a b", "f<script>", strings.Repeat("f", maxCallback+1), ""} {
		want := codeValue
		if name == "" {
			want = codeMissing
		}
		o := c.send(fmt.Sprintf("a bad name: %.16q", name), call(hello, name), faulted(want))
		if got := o.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			c.Errorf("%q: got Content-Type %s; want plain JSON", name, got)
		}
	}
}
