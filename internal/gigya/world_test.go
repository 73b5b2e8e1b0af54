package gigya

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"herald.example/internal/site"
)

// Keys of the contract's vectors, section 4.3.
const (
	apiKey     = "3_ExampleApiKey"
	siteSecret = "ZXhhbXBsZS1zaXRlLXNlY3JldC0wMTIzNDU2Nzg5LUFC"
	userKey    = "AExampleUserKey"
	userSecret = "ZXhhbXBsZS11c2VyLXNlY3JldC05ODc2NTQzMjEwLVpZ"
	rsaKey     = "ARSAUserKey" // a userKey with an RSA key and no secret
)

// start is when worlds begin: the time of the first vector.
var start = time.Unix(1700000000, 0).UTC()

// privateKey is the RSA key of rsaKey, strangeKey one that nobody knows.
var (
	privateKey = sync.OnceValue(newRSA)
	strangeKey = sync.OnceValue(newRSA)
)

func newRSA() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// keyring is a Keyring of some sites.
type keyring map[string]SiteKeys

func (k keyring) Keys(apiKey string) (SiteKeys, error) {
	if apiKey == "failing" {
		return SiteKeys{}, fmt.Errorf("read keys: %w", context.DeadlineExceeded)
	}
	keys, known := k[apiKey]
	if !known {
		return SiteKeys{}, fmt.Errorf("site of an API key: %w", site.ErrNotFound)
	}
	return keys, nil
}

// nonces is a Nonces in memory.
type nonces struct {
	mu      sync.Mutex
	seen    map[[2]string]time.Time
	settled map[[2]string]bool // how the replies find it
	err     error              // of Remember
	lost    error              // of settle
}

func (n *nonces) Remember(_ context.Context, scope, nonce string, until time.Time) (bool, func(context.Context) error, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil {
		return false, nil, n.err
	}
	key := [2]string{scope, nonce}
	if _, seen := n.seen[key]; seen {
		return false, nil, nil
	}
	n.seen[key] = until
	return true, func(ctx context.Context) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		if n.lost != nil {
			delete(n.seen, key)
			return n.lost
		}
		n.settled[key] = true
		return nil
	}, nil
}

// people is a Directory in which every UID is a user's, but strange ones. It answers
// nothing else.
type people struct{ Directory }

func (people) UserByUID(_ context.Context, _, uid string) (site.Person, error) {
	if strings.Contains(uid, "strange") {
		return site.Person{}, fmt.Errorf("user of UID: %w", site.ErrNotFound)
	}
	return site.Person{User: site.User{UID: uid}}, nil
}

// world is a handler with keys and nonces, and methods that say how they were called.
type world struct {
	testing.TB
	now     time.Time
	keyring keyring
	nonces  *nonces
	log     *strings.Builder
	handler *Handler
	last    *call // the last one that reached a method
}

func newWorld(t testing.TB, with ...func(*Options)) *world {
	t.Helper()
	w := &world{TB: t, now: start, nonces: &nonces{seen: make(map[[2]string]time.Time), settled: make(map[[2]string]bool)}, log: new(strings.Builder)}
	w.keyring = keyring{
		apiKey: {
			Site: site.Site{ID: "0c0ffee0-0000-4000-8000-000000000001", Name: "acme"}, DataCentre: "us1", Secret: siteSecret,
			UserKeys: map[string]UserKey{userKey: {Secret: userSecret}, rsaKey: {RSA: &privateKey().PublicKey}},
		},
		"3_Keyless": {Site: site.Site{ID: "0c0ffee0-0000-4000-8000-000000000002"}},
	}
	o := Options{
		Keyring: w.keyring, Nonces: w.nonces, Directory: people{}, Now: func() time.Time { return w.now }, DataCentres: VendorDataCentres,
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, change := range with {
		change(&o)
	}
	w.handler = NewHandler(o)
	w.handler.callID = func() string { return "5d0c2f7be1a94c3f8a6b1e0d9c7f4a21" }
	echo := func(_ *Handler, _ context.Context, c *call) (object, error) {
		w.last = c
		return object{}.WithText("uid", c.uid), nil
	}
	w.handler.methods = table(
		*methods["socialize.gettoken"],
		method{name: "socialize.publishUserAction", serve: echo, needsUID: true},
		method{name: "socialize.shortenURL", serve: echo},
		method{name: "socialize.getProvidersConfig", serve: echo, anonymous: true},
		method{name: "test.secure", serve: echo, secure: true},
		method{name: "test.partial", serve: partial},
		method{name: "test.words", serve: words},
		method{name: "test.panic", serve: func(*Handler, context.Context, *call) (object, error) { panic("out of paper") }},
	)
	return w
}

// partial answers with the contract's example of a partial success, section 11.
func partial(*Handler, context.Context, *call) (object, error) {
	return object{
		{"providerPostIDs", object{{"facebook", "100200300_400500600"}}},
		{"providerErrorCodes", list{
			object{{"provider", "facebook"}, {"errorCode", 0}, {"errorMessage", "OK"}},
			object{{"provider", "twitter"}, {"errorCode", 403024}, {"errorMessage", "Provider limit reached"}, {"errorDetails", "Limit reached: duplicate text."}},
		}},
	}, nil
}

// words answers with every kind of value and with characters that need care.
func words(*Handler, context.Context, *call) (object, error) {
	return object{
		{"text", "</script><!-- & \u2028\u2029 \"quoted\" \\ \x00\x1f\x7f\t\n\r caf\u00e9 \U0001F600 \xff"},
		{"int64", int64(-5)}, {"bool", true}, {"float", 47.25}, {"list", list{"a", 1}},
	}, nil
}

// request is a request that a test makes. Its parameters are sent in their order.
type request struct {
	verb, host, path string
	secure           bool
	header           http.Header
	list             [][2]string
	secret           string // signs; empty: the request is not signed
	verbatim         string // appended to the body as it is
}

// signedCall is a request that is all right: for the site, by its signature.
func signedCall() *request {
	r := plainCall()
	r.set("timestamp", strconv.FormatInt(start.Unix(), 10)).set("nonce", "17000000001231234567890")
	r.secret = siteSecret
	return r
}

// plainCall is a request with nothing but an API key and a user.
func plainCall() *request {
	r := &request{verb: http.MethodPost, host: "socialize.us1.gigya.com", path: "/socialize.publishUserAction", header: make(http.Header)}
	return r.set("UID", "user-42@example.com").set("apiKey", apiKey)
}

// set sets a parameter in place, or appends it.
func (r *request) set(name, value string) *request {
	for i := range r.list {
		if r.list[i][0] == name {
			r.list[i][1] = value
			return r
		}
	}
	r.list = append(r.list, [2]string{name, value})
	return r
}

// drop takes a parameter out.
func (r *request) drop(name string) *request {
	var kept [][2]string
	for _, p := range r.list {
		if p[0] != name {
			kept = append(kept, p)
		}
	}
	r.list = kept
	return r
}

func (r *request) authorize(value string) *request {
	r.header.Set("Authorization", value)
	return r
}

// form is the parameters as PHP's SDK writes them, signed when there is a secret.
func (r *request) form() string {
	pairs := r.list
	if r.secret != "" {
		scheme := "http"
		if r.secure {
			scheme = "https"
		}
		pairs = append(pairs[:len(pairs):len(pairs)], [2]string{"sig", recipe(r.secret, r.verb, scheme+"://"+r.host+r.path, pairs)})
	}
	var form []string
	for _, p := range pairs {
		form = append(form, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
	}
	return strings.Join(form, "&") + r.verbatim
}

// recipe signs as the contract's section 4.2 says, by other means than the code that is
// tested.
func recipe(secret, verb, address string, pairs [][2]string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	var texts []string
	for _, p := range pairs {
		texts = append(texts, p[0]+"\x00"+p[1])
	}
	sort.Strings(texts)
	for i, text := range texts {
		name, value, _ := strings.Cut(text, "\x00")
		texts[i] = name + "=" + escape(value)
	}
	base := strings.ToUpper(verb) + "&" + escape(address) + "&" + escape(strings.Join(texts, "&"))
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// answered is what came back.
type answered struct {
	testing.TB
	*httptest.ResponseRecorder
	doc map[string]any
}

// do sends a request to the handler. The reply must have the shape of the contract.
func (w *world) do(r *request) answered {
	w.Helper()
	w.last = nil
	target, body := r.path, r.form()
	if r.verb == http.MethodGet {
		target, body = target+"?"+body, ""
	}
	q := httptest.NewRequest(r.verb, target, strings.NewReader(body))
	q.Host = r.host
	for name, values := range r.header {
		q.Header[name] = values
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if r.secure {
		q.TLS = new(tls.ConnectionState)
	}
	a := answered{TB: w, ResponseRecorder: httptest.NewRecorder()}
	w.handler.ServeHTTP(a, q)
	if strings.HasPrefix(a.Header().Get("Content-Type"), "application/json") && r.verb != http.MethodHead {
		if err := json.Unmarshal(a.Body.Bytes(), &a.doc); err != nil {
			w.Fatalf("got %q, which is no JSON: %v", a.Body, err)
		}
	}
	return a
}

// want checks the code and what the details contain.
func (a answered) want(c code, details string) answered {
	a.Helper()
	if got := a.doc["errorCode"]; got != float64(c) {
		a.Fatalf("got %s; want errorCode %d", a.Body, c)
	}
	if got, _ := a.doc["errorDetails"].(string); !strings.Contains(got, details) {
		a.Fatalf("got errorDetails %q; want %q in it", got, details)
	}
	return a
}
