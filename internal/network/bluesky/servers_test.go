package bluesky_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"herald.example/internal/network/bluesky/double"
	"herald.example/internal/network/bluesky/pds"
	"herald.example/internal/site"
)

// server is a PDS, real or not, as tests of faults see it.
type server struct {
	url        string
	secret     string // signs its tokens
	newAccount func(t *testing.T, handle string) (did, appPassword string)
	deactivate func(t *testing.T, did string)
	// revoke makes the app password of an account void.
	revoke func(t *testing.T, did string)
}

// handles makes handles that no test had before.
var handles atomic.Int64

func newHandle() string { return fmt.Sprintf("person%d.test", handles.Add(1)) }

// onServers runs a test on the double and on a real PDS.
func onServers(t *testing.T, test func(t *testing.T, s server)) {
	t.Run("double", func(t *testing.T) { test(t, ofDouble(double.New(t))) })
	t.Run("PDS", func(t *testing.T) { test(t, ofPDS(pds.Shared(t))) })
}

func ofDouble(s *double.Server) server {
	return server{
		url:    s.URL(),
		secret: double.Secret,
		newAccount: func(_ *testing.T, handle string) (string, string) {
			password := "pass-" + strings.TrimSuffix(handle, ".test")
			return s.AddAccount(handle, password), password
		},
		deactivate: func(_ *testing.T, did string) { s.Deactivate(did) },
		revoke:     func(_ *testing.T, did string) { s.SetPassword(did, "another-password") },
	}
}

func ofPDS(s *pds.Server) server {
	accounts := make(map[string]pds.Account)
	return server{
		url:    s.URL,
		secret: pds.Secret,
		newAccount: func(t *testing.T, handle string) (string, string) {
			a := s.AddAccount(t, handle)
			accounts[a.DID] = a
			return a.DID, a.AppPassword
		},
		deactivate: func(t *testing.T, did string) { s.Deactivate(t, accounts[did]) },
		revoke:     func(t *testing.T, did string) { s.RevokeAppPassword(t, accounts[did]) },
	}
}

// sign makes a token as the server would have made it: one of an access session
// or, with an ID, to refresh one.
func (s server) sign(t *testing.T, did, id string, expires time.Time) site.Secret {
	t.Helper()
	typ, claims := "at+jwt", map[string]any{"scope": "com.atproto.appPass", "aud": "did:web:localhost", "sub": did,
		"iat": expires.Add(-2 * time.Hour).Unix(), "exp": expires.Unix()}
	if id != "" {
		typ, claims["scope"], claims["jti"] = "refresh+jwt", "com.atproto.refresh", id
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"`+typ+`","alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	h := hmac.New(sha256.New, []byte(s.secret))
	h.Write([]byte(text))
	return site.Secret(text + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil)))
}

// said is a server's answer.
type said struct {
	Status  int
	Code    string // of a refusal
	Message string
	body    []byte
}

// call makes one call without the adapter. body is bytes, or becomes JSON; nil:
// none.
func (s server) call(t *testing.T, verb, method string, token site.Secret, mime string, body any) said {
	t.Helper()
	return s.callBy(t, loopback(t), verb, method, token, mime, body)
}

// callBy is call by another transport. It may be called by any goroutine.
func (s server) callBy(t *testing.T, transport http.RoundTripper, verb, method string, token site.Secret, mime string, body any) said {
	t.Helper()
	answer, err := s.try(t.Context(), transport, verb, method, token, mime, body)
	if err != nil {
		t.Errorf("%s: %v", method, err)
	}
	return answer
}

// try is call for those who look at the error.
func (s server) try(ctx context.Context, transport http.RoundTripper, verb, method string, token site.Secret, mime string, body any) (said, error) {
	data, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return said{}, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, verb, s.url+"/xrpc/"+method, bytes.NewReader(data))
	if err != nil {
		return said{}, err
	}
	if mime != "" {
		r.Header.Set("Content-Type", mime)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+string(token))
	}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return said{}, err
	}
	defer response.Body.Close()
	answer := said{Status: response.StatusCode}
	if answer.body, err = io.ReadAll(response.Body); err != nil {
		return said{}, err
	}
	if answer.Status != http.StatusOK {
		var words struct {
			Error   string `json:"error"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(answer.body, &words); err != nil {
			return said{}, fmt.Errorf("status %d and %.200s: %w", answer.Status, answer.body, err)
		}
		answer.Code, answer.Message = words.Error, words.Message
	}
	return answer, nil
}
