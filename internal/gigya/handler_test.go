package gigya

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaths(t *testing.T) {
	f := func(path string, want code) {
		t.Helper()
		w := newWorld(t)
		r := signedCall()
		r.path = path
		w.do(r).want(want, "")
	}
	f("/socialize.publishUserAction", codeOK)
	f("/Socialize.PUBLISHuseraction", codeOK)
	f("/socialize%2EpublishUserAction", codeOK)
	f("/socialize.shortenURL", codeOK)
	f("/", codeMethod)
	f("/socialize.publishUserAction/", codeMethod)
	f("/socialize.publishUserAction.json", codeMethod)
	f("/accounts.publishUserAction", codeMethod)
	f("/x/socialize.publishUserAction", codeMethod)
}

func TestSpeaks(t *testing.T) {
	f := func(path string, want bool) {
		t.Helper()
		if got := Speaks(path); got != want {
			t.Errorf("%s: got %v; want %v", path, got, want)
		}
	}
	f("/socialize.publishUserAction", true)
	f("/ACCOUNTS.nothing", true)
	f("/gm.notifyAction", true)
	f("/reports.getSocializeStats", true)
	f("/users.json", false)
	f("/sharing/messages.json", false)
	f("/socialize", false)
	f("/socialize.a/b", false)
	f("/", false)
	f("", false)
}

// formOf is a form of so many bytes, with a secret. The padding is in several values.
func formOf(size int) string {
	r := plainCall().set("secret", siteSecret)
	for name := 'a'; len(r.form()) < size; name++ {
		left := size - len(r.form()) - len("&pad_a=")
		r.set("pad_"+string(name), strings.Repeat("x", max(0, min(left, maxValue))))
	}
	return r.form()
}

// TestBodies sends bodies of all sizes, with their length and in chunks.
func TestBodies(t *testing.T) {
	tests := []struct {
		name, form, contentType string
		want                    string
	}{
		{"small", formOf(1000), "application/x-www-form-urlencoded", `"errorCode":0,`},
		{"as large as a small one", formOf(smallBody), "", `"errorCode":0,`},
		{"a byte more", formOf(smallBody + 1), "application/x-www-form-urlencoded; charset=utf-8", `"errorCode":0,`},
		{"1 MiB", formOf(maxBody), "text/plain", `"errorCode":0,`},
		{"1 MiB and a byte", formOf(maxBody + 1), "", `"errorCode":413001,`},
		{"far more", strings.Repeat("x=1&", 1<<20), "", `"errorCode":413001,`},
		{"JSON", formOf(1000), "application/json", `"errorCode":400001,`},
		{"files", formOf(1000), "multipart/form-data; boundary=x", `"errorCode":400001,`},
		{"malformed type", formOf(1000), ";;", `"errorCode":0,`},
		{"nothing", "", "application/json", `"errorCode":400002,`},
	}
	for _, test := range tests {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, chunked: %v", test.name, chunked), func(t *testing.T) {
				t.Parallel() // to close a connection with more on its way takes the server a while
				w := newWorld(t, func(o *Options) { o.LoopbackSecrets = true })
				server := httptest.NewServer(w.handler)
				var body io.Reader = strings.NewReader(test.form)
				if chunked {
					body = io.MultiReader(body) // hides the length
				}
				r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/socialize.publishUserAction", body)
				if err != nil {
					t.Fatal(err)
				}
				r.Host = "socialize.us1.gigya.com"
				r.Header.Set("Content-Type", test.contentType)
				response, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				raw, err := io.ReadAll(response.Body)
				response.Body.Close()
				server.Close()
				if err != nil || !strings.Contains(string(raw), test.want) || response.StatusCode != 200 {
					t.Errorf("got HTTP %d %s, %v; want %s", response.StatusCode, raw, err, test.want)
				}
				if small, large := w.handler.room.small.Held(), w.handler.room.large.Held(); small != 0 || large != 0 {
					t.Errorf("got %d bytes of small bodies and %d of large ones held; want them given back", small, large)
				}
			})
		}
	}
}

// TestBusy fills the room of one address for large bodies: another large one from there
// is refused after a while, with a code that clients may repeat. Small ones pass, and
// large ones from elsewhere.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := netip.MustParseAddr("2001:db8::1")
		w := newWorld(t, func(o *Options) { o.ClientIP = func(*http.Request) netip.Addr { return from } })
		hold, err := w.handler.room.large.Take(t.Context(), "2001:db8::/64", largeBodies)
		if err != nil {
			t.Fatal(err)
		}
		nonce := 0
		send := func(pad int) answered {
			nonce++
			return w.do(signedCall().set("nonce", strconv.Itoa(nonce)).set("pad", strings.Repeat("x", pad)))
		}
		before := time.Now()
		send(smallBody).want(codeBusy, "try again")
		if waited := time.Since(before); waited != bodyWait {
			t.Errorf("got a refusal after %v; want %v", waited, bodyWait)
		}
		send(0).want(codeOK, "")
		from = netip.MustParseAddr("2001:db8::2")
		send(smallBody).want(codeBusy, "try again")
		from = netip.MustParseAddr("2001:db8:0:1::1")
		send(smallBody).want(codeOK, "")
		from = netip.MustParseAddr("::ffff:192.0.2.1")
		send(smallBody).want(codeOK, "")
		time.AfterFunc(bodyWait/2, hold.Release) // who waits gets what is given back
		from = netip.MustParseAddr("2001:db8::1")
		send(smallBody).want(codeOK, "")
	})
}

// brokenBody ends too early.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
func (brokenBody) Close() error             { return nil }

func TestBrokenBody(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest("POST", "/socialize.publishUserAction", brokenBody{})
	a := httptest.NewRecorder()
	w.handler.ServeHTTP(a, r)
	if !strings.Contains(a.Body.String(), `"errorCode":400001,`) {
		t.Errorf("got %s; want errorCode 400001", a.Body)
	}
}

// TestSecureMethods are for POST over HTTPS, however a call is authenticated.
func TestSecureMethods(t *testing.T) {
	w := newWorld(t)
	r := signedCall()
	r.path = "/test.secure"
	w.do(r).want(codeFormat, "HTTPS")
	r.secure = true
	w.do(r.set("nonce", "2")).want(codeOK, "")
	r.verb = "GET"
	w.do(r.set("nonce", "3")).want(codeFormat, "POST")
}

// TestQueryAndBody splits parameters, the credentials too.
func TestQueryAndBody(t *testing.T) {
	w := newWorld(t)
	query, body, _ := strings.Cut(signedCall().form(), "&nonce")
	r := httptest.NewRequest("POST", "/socialize.publishUserAction?"+query, strings.NewReader("nonce"+body))
	r.Host = "socialize.us1.gigya.com"
	a := httptest.NewRecorder()
	w.handler.ServeHTTP(a, r)
	if !strings.Contains(a.Body.String(), `"errorCode":0,`) {
		t.Errorf("got %s; want success", a.Body)
	}
}

// TestLongQuery bounds the query as the body.
func TestLongQuery(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest("GET", "/socialize.publishUserAction?"+strings.Repeat("x=1&", 1<<18)+"y", nil)
	a := httptest.NewRecorder()
	w.handler.ServeHTTP(a, r)
	if !strings.Contains(a.Body.String(), `"errorCode":413001,`) {
		t.Errorf("got %s; want errorCode 413001", a.Body)
	}
}

// TestPanicIsLogged keeps the cause, under the callId, and no secrets.
func TestPanicIsLogged(t *testing.T) {
	w := newWorld(t)
	r := signedCall()
	r.path = "/test.panic"
	w.do(r).want(codeInternal, "callId")
	for _, want := range []string{"out of paper", "5d0c2f7be1a94c3f8a6b1e0d9c7f4a21", "test.panic"} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("got log %q; want %q in it", w.log, want)
		}
	}
	w.do(signedCall().set("nonce", "2")).want(codeOK, "")
}

// TestLogHasNoSecrets shows every kind of credential to a handler that logs all.
func TestLogHasNoSecrets(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	w.nonces.err = errors.New("disk is full")
	token := w.token(clientCall())
	bearer := jwt(t, privateKey(), rightHeader, claims(0, "1"))
	signed := signedCall()
	sig := recipe(siteSecret, "POST", "http://"+signed.host+signed.path, signed.list)
	secret := plainCall().set("secret", siteSecret)
	secret.secure = true
	for _, r := range []*request{signed, secret, tokenCall(token), plainCall().authorize("Bearer " + bearer), clientCall().set("client_secret", userSecret)} {
		w.do(r.set("sdk", "php_3.1.0\nfake=1"))
	}
	if got := strings.Count(log.String(), "answered a call"); got != 6 || !strings.Contains(log.String(), `php_3.1.0\nfake=1`) {
		t.Errorf("got %d calls in the log; want 6, with their SDK in one line:\n%s", got, &log)
	}
	for _, secret := range []string{siteSecret, userSecret, token, bearer, sig} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("got %q in the log:\n%s", secret, &log)
		}
	}
}

// TestCallIDs are all different.
func TestCallIDs(t *testing.T) {
	a, b := newCallID(), newCallID()
	if a == b || len(a) != 32 || strings.Trim(a, "0123456789abcdef") != "" {
		t.Errorf("got %q and %q; want two of 32 hexadecimal digits", a, b)
	}
}

// TestOneNonceWins sends one request many times at once: one is answered, the others
// are duplicates.
func TestOneNonceWins(t *testing.T) {
	w := newWorld(t)
	w.handler.methods = table(method{name: "socialize.publishUserAction", serve: partial})
	form := signedCall().form()
	var (
		wait    sync.WaitGroup
		mu      sync.Mutex
		success int
	)
	for range 16 {
		wait.Go(func() {
			r := httptest.NewRequest("POST", "/socialize.publishUserAction", strings.NewReader(form))
			r.Host = "socialize.us1.gigya.com"
			a := httptest.NewRecorder()
			w.handler.ServeHTTP(a, r)
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(a.Body.String(), `"errorCode":0,`) {
				success++
			} else if !strings.Contains(a.Body.String(), `"errorCode":403004,`) {
				t.Errorf("got %s; want a duplicate nonce", a.Body)
			}
		})
	}
	wait.Wait()
	if success != 1 {
		t.Errorf("got %d successes; want one", success)
	}
}

// TestCallsPerMinute bounds a site, and no other one.
func TestCallsPerMinute(t *testing.T) {
	l := newLimiter(2)
	take := func(site string, now time.Time, want bool) {
		t.Helper()
		if err := l.take(site, now); (err == nil) != want {
			t.Errorf("%s at %v: got %v; want it taken: %v", site, now, err, want)
		}
	}
	take("a", start, true)
	take("a", start, true)
	take("a", start, false)
	take("b", start, true)
	take("a", start.Add(29*time.Second), false)
	take("a", start.Add(31*time.Second), true)
}
