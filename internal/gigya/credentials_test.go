package gigya

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestOrderOfChecks makes one mistake after the other, in the order of the contract's
// section 4.8, each together with all that come later: the code shows that nothing is
// looked at before its turn. Only the nonce comes later than there, after tokens and JWTs:
// it is used up only when all else is right.
func TestOrderOfChecks(t *testing.T) {
	const seen = "a nonce that was used"
	wrongJWT := "Bearer " + jwt(t, strangeKey(), rightHeader, claims(0, "1"))
	faults := []struct {
		name    string
		code    code
		details string
		make    func(r *request)
		unless  string // the fault whose row comes without this one, since they exclude each other
	}{
		{"unknown method", codeMethod, "no such method", func(r *request) { r.path = "/socialize.noSuchMethod" }, ""},
		{"more than 1 MiB", codeTooLarge, "1048576 bytes", func(r *request) { r.verbatim += "&x=" + strings.Repeat("x", 1<<20) }, ""},
		{"malformed encoding", codeFormat, "value of y is not", func(r *request) { r.verbatim += "&y=%zz" }, ""},
		{"two spellings", codeValue, "cid also came as CID", func(r *request) { r.verbatim += "&cid=x&CID=x" }, ""},
		{"neither GET nor POST", codeFormat, "GET or POST", func(r *request) { r.verb = "PUT" }, ""},
		{"no API key", codeMissing, "Missing required parameter : apiKey", func(r *request) { r.drop("apiKey").drop("oauth_token") }, ""},
		{"unknown API key", codeAPIKey, "", func(r *request) { r.set("apiKey", "3_Unknown") }, "no API key"},
		{"other data centre", codeDataCentre, "us1", func(r *request) { r.host = "socialize.eu1.gigya.com" }, ""},
		{"unknown userKey", codeUser, "userKey is unknown", func(r *request) { r.set("userKey", "AUnknown") }, ""},
		{"secret without TLS", codePlainSecret, "HTTPS", func(r *request) { r.set("secret", siteSecret); r.secure = false }, ""},
		{"wrong secret", codeSecret, "", func(r *request) { r.set("secret", userSecret) }, "secret without TLS"},
		{"no timestamp", codeMissing, "Missing required parameter : timestamp", func(r *request) { r.drop("timestamp") }, ""},
		{"no nonce", codeMissing, "Missing required parameter : nonce", func(r *request) { r.drop("nonce") }, ""},
		{"timestamp is no number", codeScalar, "not soon", func(r *request) { r.set("timestamp", "soon") }, "no timestamp"},
		{"stale timestamp", codeExpired, "120 seconds", func(r *request) { r.set("timestamp", "1699999879") }, "timestamp is no number"},
		{"wrong signature", codeSignature, "", func(r *request) { r.secret = userSecret }, ""},
		{"wrong token", codeToken, "", func(r *request) { r.set("oauth_token", "x") }, ""},
		{"wrong JWT", codeHeader, "", func(r *request) { r.authorize(wrongJWT) }, ""},
		{"nonce was used", codeNonce, "", func(r *request) { r.set("nonce", seen) }, "no nonce"},
		{"too many calls", codeRate, "1 calls a minute", func(*request) {}, ""},
		{"unknown format", codeValue, "format", func(r *request) { r.set("format", "yaml") }, ""},
		{"bad boolean", codeScalar, "httpStatusCodes", func(r *request) { r.set("httpStatusCodes", "yes") }, ""},
		{"no UID", codeMissing, "Missing required parameter : UID", func(r *request) { r.drop("UID") }, ""},
	}
	at := make(map[string]int)
	for i, f := range faults {
		at[f.name] = i
	}
	for i, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.CallsPerMinute = 1 })
			if i <= at["too many calls"] {
				if err := w.handler.limits.take(w.keyring[apiKey].Site.ID, start); err != nil {
					t.Fatal(err)
				}
			}
			if _, _, err := w.nonces.Remember(t.Context(), "apiKey "+apiKey, seen, start); err != nil {
				t.Fatal(err)
			}
			r := signedCall()
			r.secure = true
			for j := len(faults) - 1; j >= i; j-- {
				if before, excluded := at[faults[j].unless]; !excluded || before < i {
					faults[j].make(r)
				}
			}
			w.do(r).want(fault.code, fault.details)
			if w.last != nil {
				t.Error("the method was called; want it left alone")
			}
		})
	}
	t.Run("no fault", func(t *testing.T) {
		newWorld(t).do(signedCall()).want(codeOK, "")
	})
}

// TestNothingShown is step 13 of section 4.8: the API key alone is not enough, also for
// clients that would show a certificate.
func TestNothingShown(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.CallsPerMinute = 1 })
	for range 3 { // nobody's calls do not count
		w.do(plainCall().set("format", "yaml").drop("UID")).want(codeUser, "Sign the request")
	}
	r := plainCall()
	r.host = "mtls.us1.gigya.com"
	w.do(r).want(codeUser, "Sign the request")
	r = plainCall()
	r.path = "/socialize.getProvidersConfig"
	w.do(r).want(codeOK, "")
	if !w.last.anonymous {
		t.Error("got a call that is not anonymous; want an anonymous one")
	}
	w = newWorld(t)
	r = signedCall()
	r.path, r.secret = "/socialize.getProvidersConfig", userSecret
	w.do(r).want(codeSignature, "") // what is shown must be right
}

// TestTimestamps is the window, both ways.
func TestTimestamps(t *testing.T) {
	f := func(timestamp string, want code) {
		t.Helper()
		newWorld(t).do(signedCall().set("timestamp", timestamp)).want(want, "")
	}
	f("1699999880", codeOK) // 120 s ago
	f("1699999879", codeExpired)
	f("1700000120", codeOK)
	f("1700000121", codeExpired)
	f("1700000000000", codeOK) // the Node client
	f("1700000120000", codeOK)
	f("1700000120001", codeExpired)
	f("1699999879999", codeExpired)
	f("99999999999", codeExpired) // the last one in seconds
	f("0", codeExpired)
	f("-1700000000", codeExpired)
	f("9223372036854775807", codeExpired)
	f("-9223372036854775808", codeExpired)
	f("9223372036854775808", codeScalar)
	f("1700000000.5", codeScalar)
	f(" 1700000000", codeScalar)
	f("0x6553f100", codeScalar)
	f("", codeMissing) // empty is absent
}

// TestStaleKeepsNonce repeats a request byte for byte once the clock is right, as the
// Java SDK does after 403002.
func TestStaleKeepsNonce(t *testing.T) {
	w := newWorld(t)
	w.now = start.Add(10 * time.Minute)
	a := w.do(signedCall()).want(codeExpired, "")
	if got, want := a.Header().Get("Date"), "Tue, 14 Nov 2023 22:23:20 GMT"; got != want {
		t.Errorf("got Date %q; want %q", got, want)
	}
	wrong := signedCall()
	wrong.secret = userSecret
	w.now = start
	w.do(wrong).want(codeSignature, "")
	w.do(signedCall().set("oauth_token", "x")).want(codeToken, "")
	if len(w.nonces.seen) != 0 {
		t.Fatalf("got nonces %v; want none used up", w.nonces.seen)
	}
	w.do(signedCall()).want(codeOK, "")
	w.do(signedCall()).want(codeNonce, "")
}

func TestNonces(t *testing.T) {
	w := newWorld(t)
	w.do(signedCall()).want(codeOK, "")
	if until := w.nonces.seen[[2]string{"apiKey " + apiKey, "17000000001231234567890"}]; !until.Equal(start.Add(minKept)) {
		t.Errorf("got a nonce until %v; want %v", until, start.Add(minKept))
	}
	w.do(signedCall().set("cid", "else")).want(codeNonce, "") // another request with it
	r := signedCall().set("userKey", userKey)                 // has nonces of its own
	r.secret = userSecret
	w.do(r).want(codeOK, "")
	w.do(r).want(codeNonce, "")
	w.do(signedCall().set("nonce", strings.Repeat("n", maxNonce))).want(codeOK, "")
	w.do(signedCall().set("nonce", strings.Repeat("n", maxNonce+1))).want(codeValue, "nonce")

	w.nonces.err = errors.New("disk is full")
	w.do(signedCall().set("nonce", "2")).want(codeInternal, "callId")
	if !strings.Contains(w.log.String(), "disk is full") {
		t.Errorf("got log %q; want the cause in it", w.log)
	}
}

// TestSecrets shows secrets in the clear.
func TestSecrets(t *testing.T) {
	plain := func(secret string) *request {
		r := plainCall().set("secret", secret)
		r.secure = true
		return r
	}
	w := newWorld(t)
	w.do(plain(siteSecret)).want(codeOK, "")
	w.do(plain(userSecret).set("userKey", userKey)).want(codeOK, "")
	if w.last.userKey != userKey {
		t.Errorf("got userKey %q; want %q", w.last.userKey, userKey)
	}
	w.do(plain(userSecret)).want(codeSecret, "")
	w.do(plain(siteSecret).set("userKey", userKey)).want(codeSecret, "")
	w.do(plain(siteSecret).set("userKey", rsaKey)).want(codeSecret, "")
	w.do(plain(siteSecret).set("userKey", "AUnknown")).want(codeUser, "")
	w.do(plain(strings.ToLower(siteSecret))).want(codeSecret, "")
	w.do(plain(siteSecret).set("apiKey", "3_Keyless")).want(codeSecret, "")

	// Signatures with keys that have no secret: nothing fits.
	for _, secret := range []string{"", "A", siteSecret} {
		for _, r := range []*request{signedCall().set("apiKey", "3_Keyless"), signedCall().set("userKey", rsaKey)} {
			r.secret = ""
			r.set("sig", recipe(strings.TrimSuffix(secret, "A"), r.verb, "http://"+r.host+r.path, r.list))
			w.do(r).want(codeSignature, "")
		}
	}

	// Without TLS: by the setting, and for this machine alone.
	r := plain(siteSecret)
	r.secure = false
	w.do(r).want(codePlainSecret, "")
	for _, test := range []struct {
		at   string
		want code
	}{{"127.0.0.1", codeOK}, {"::1", codeOK}, {"::ffff:127.0.0.1", codeOK}, {"192.0.2.1", codePlainSecret}} {
		w := newWorld(t, func(o *Options) {
			o.LoopbackSecrets = true
			o.ClientIP = func(*http.Request) netip.Addr { return netip.MustParseAddr(test.at) }
		})
		w.do(r).want(test.want, "")
	}
	w = newWorld(t, func(o *Options) { o.LoopbackSecrets = true }) // httptest's peer is far away
	w.do(r).want(codePlainSecret, "")
	w = newWorld(t, func(o *Options) {
		o.Secure = func(r *http.Request) bool { return r.Header.Get("X-Forwarded-Proto") == "https" }
	})
	w.do(r).want(codePlainSecret, "")
	r.header.Set("X-Forwarded-Proto", "https")
	w.do(r).want(codeOK, "")
}

func TestDataCentres(t *testing.T) {
	f := func(own, host string, want code) answered {
		t.Helper()
		w := newWorld(t)
		keys := w.keyring[apiKey]
		keys.DataCentre = own
		w.keyring[apiKey] = keys
		r := signedCall()
		r.host = host
		return w.do(r).want(want, "")
	}
	f("us1", "accounts.us1.gigya.com", codeOK)
	f("us1", "socialize.gigya.com", codeOK)
	f("us1", "socialize-api.gigya.com", codeOK)
	f("us1", "socialize.api.gigya.com", codeOK)
	f("us1", "mtls.us1.gigya.com:443", codeOK)
	f("us1", "localhost:8080", codeOK)
	f("us1", "[::1]:8080", codeOK)
	f("us1", "accounts.global.gigya.com", codeOK)
	f("us1", "us1.gigya.com.evil.test", codeOK) // names no data centre
	f("cn1", "socialize.cn1.sapcdm.cn", codeOK)
	f("", "socialize.eu1.gigya.com", codeOK)
	f("eu1", "socialize.gigya.com", codeDataCentre)
	f("elsewhere", "socialize.us1.gigya.com", codeDataCentre)
	a := f("eu1", "Accounts.US1.gigya.com:8080", codeDataCentre)
	if a.doc["apiDomain"] != "eu1.gigya.com" || a.doc["location"] != "https://socialize.eu1.gigya.com/socialize.publishUserAction" {
		t.Errorf("got %s; want apiDomain and location of eu1", a.Body)
	}
}

// TestKeyringFails tells failures of ours apart from wrong keys.
func TestKeyringFails(t *testing.T) {
	w := newWorld(t)
	w.do(signedCall().set("apiKey", "failing")).want(codeTimeout, "")
	if !strings.Contains(w.log.String(), "read keys") {
		t.Errorf("got log %q; want the cause in it", w.log)
	}
}
