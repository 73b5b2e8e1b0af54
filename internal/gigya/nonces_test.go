package gigya

import (
	"context"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"herald.example/internal/boltstore"
)

// TestNoncesAreKept: whatever becomes of a call that used a nonce up, the nonce is on
// disk before the reply is sent.
func TestNoncesAreKept(t *testing.T) {
	for _, tt := range []struct {
		name  string
		call  func(r *request)
		want  code
		token bool // it shows a JWT, too, whose nonce is another one
		gone  bool // the caller has hung up
	}{
		{name: "success", call: func(*request) {}, want: codeOK},
		{name: "two nonces", call: func(*request) {}, want: codeOK, token: true},
		{name: "a fault behind it", call: func(r *request) { r.drop("UID") }, want: codeMissing},
		{name: "a method that panics", call: func(r *request) { r.path = "/test.panic" }, want: codeInternal},
		{name: "nobody listens", call: func(*request) {}, want: codeOK, gone: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			r := signedCall()
			if tt.token {
				r.authorize("Bearer " + jwt(t, privateKey(), rightHeader, claims(0, "1")))
			}
			tt.call(r)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.gone {
				cancel()
			}
			q := httptest.NewRequestWithContext(ctx, r.verb, r.path, strings.NewReader(r.form()))
			q.Host = r.host
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for name, values := range r.header {
				q.Header[name] = values
			}
			a := &settledReply{ResponseRecorder: httptest.NewRecorder(), nonces: w.nonces}
			w.handler.ServeHTTP(a, q)
			want := 1
			if tt.token {
				want = 2
			}
			if a.settled != want || len(w.nonces.seen) != want {
				t.Errorf("got %d nonces used up, %d of them on disk before the reply; want %d", len(w.nonces.seen), a.settled, want)
			}
			if got := answeredCode(a.Body.String()); got != tt.want {
				t.Errorf("got %s; want errorCode %d", a.Body, tt.want)
			}
		})
	}
}

// settledReply notes how many nonces were on disk when the reply began.
type settledReply struct {
	*httptest.ResponseRecorder
	nonces  *nonces
	settled int
}

func (a *settledReply) WriteHeader(status int) {
	a.settled = len(a.nonces.settled)
	a.ResponseRecorder.WriteHeader(status)
}

func (a *settledReply) Write(b []byte) (int, error) {
	a.settled = len(a.nonces.settled)
	return a.ResponseRecorder.Write(b)
}

// answeredCode is the errorCode of a reply in JSON.
func answeredCode(body string) code {
	_, rest, _ := strings.Cut(body, `"errorCode":`)
	n := code(0)
	for _, digit := range rest {
		if digit < '0' || digit > '9' {
			return n
		}
		n = 10*n + code(digit-'0')
	}
	return -1
}

// TestLostNonce: a call whose nonce could not be kept fails, unless it published
// something, or failed already.
func TestLostNonce(t *testing.T) {
	w := newWorld(t)
	w.nonces.lost = errors.New("disk is full")
	w.handler.methods["socialize.publishuseraction"].serve = func(_ *Handler, _ context.Context, c *call) (object, error) {
		c.published = true
		return nil, nil
	}
	shorten := func() *request {
		r := signedCall()
		r.path = "/socialize.shortenURL"
		return r
	}
	for _, tt := range []struct {
		name    string
		request *request
		want    code
	}{
		{"nothing was done", shorten(), codeInternal},
		{"something was published", signedCall(), codeOK},
		{"it failed already", signedCall().drop("UID"), codeMissing},
		{"it failed already, by the site's limit", signedCall().set("UID", "limited"), codeRate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.log.Reset()
			if tt.want == codeRate {
				w.handler.limits = newLimiter(1)
				if err := w.handler.limits.take(w.keyring[apiKey].Site.ID, w.now); err != nil {
					t.Fatal(err)
				}
			}
			a := w.do(tt.request).want(tt.want, "")
			if log := w.log.String(); strings.Count(log, "disk is full") != 1 || !strings.Contains(log, "5d0c2f7be1a94c3f8a6b1e0d9c7f4a21") {
				t.Errorf("got log %q; want the cause in it once, with the callId", log)
			}
			if strings.Contains(a.Body.String(), "disk") {
				t.Errorf("got %s; want no cause in it", a.Body)
			}
		})
	}
}

// TestNonceAfterRestart repeats a request byte for byte, before and after the store was
// closed and opened again.
func TestNonceAfterRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sharing.db")
	now := time.Now() // the store forgets by the real clock
	r := signedCall().set("timestamp", strconv.FormatInt(now.Unix(), 10))
	other := signedCall().set("timestamp", strconv.FormatInt(now.Unix(), 10)).set("nonce", "2")
	for i, want := range []code{codeOK, codeNonce, codeNonce} {
		store, err := boltstore.OpenSharing(path)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, func(o *Options) { o.Nonces = store })
		w.now = now
		w.do(r).want(want, "")
		w.do(r).want(codeNonce, "")
		if i == 2 {
			w.do(other).want(codeOK, "")
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
