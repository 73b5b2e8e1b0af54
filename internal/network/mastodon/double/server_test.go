package double

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"herald.example/internal/network/contract"
)

// witness is a test that may fail without harm.
type witness struct {
	testing.TB
	mu       sync.Mutex
	failures []string // guarded by mu
}

func (w *witness) Error(args ...any) { w.Errorf("%s", fmt.Sprint(args...)) }

func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, fmt.Sprintf(format, args...))
}

// take returns the failures so far, and forgets them.
func (w *witness) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(w.failures, "\n")
	w.failures = nil
	return all
}

// ask sends a request as the adapter would and returns status and body.
func ask(t *testing.T, method, at, token, contentType, key, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Herald")
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

const formType = "application/x-www-form-urlencoded"

// TestStrict asks what no adapter may ask: the test must fail.
func TestStrict(t *testing.T) {
	w := &witness{TB: t}
	s := New(w)
	alice := s.AddAccount("alice")
	bearer := "Bearer " + alice.Token
	boundary := "multipart/form-data; boundary=b"
	png := string(contract.PNG(t, 2, 2))
	upload := func(name, contentType string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"x.png\"\r\nContent-Type: " + contentType + "\r\n\r\n" + png + "\r\n--b--\r\n"
	}
	for _, test := range []struct {
		name, method, path, token, contentType, key, body string
		status                                            int
		complaint                                         string
	}{
		{"a good post", "POST", "/api/v1/statuses", bearer, formType, "k1", "status=one", 200, ""},
		{"the same post again", "POST", "/api/v1/statuses", bearer, formType, "k1", "status=one", 200, ""},
		{"another post with its key", "POST", "/api/v1/statuses", bearer, formType, "k1", "status=two", 200, "two texts"},
		{"no key", "POST", "/api/v1/statuses", bearer, formType, "", "status=one", 200, "without an Idempotency-Key"},
		{"JSON", "POST", "/api/v1/statuses", bearer, "application/json", "k2", `{"status":"one"}`, 415, "Content-Type"},
		{"unknown form key", "POST", "/api/v1/statuses", bearer, formType, "k3", "status=one&mood=good", 200, `form key "mood"`},
		{"unknown query key", "POST", "/api/v1/statuses?dry=1", bearer, formType, "k4", "status=one", 200, `query key "dry"`},
		{"unknown path", "GET", "/api/v1/timelines/public", bearer, "", "", "", 404, "nobody knows this call"},
		{"unknown method", "PUT", "/api/v1/statuses", bearer, formType, "k5", "status=one", 404, "nobody knows this call"},
		{"token in the URL", "GET", "/api/v1/accounts/verify_credentials?access_token=" + alice.Token, bearer, "", "", "", 200, "token in the URL"},
		{"other authorization", "GET", "/api/v1/accounts/verify_credentials", "Basic x", "", "", "", 401, "no Bearer"},
		{"too long a list", "GET", "/api/v1/accounts/101/statuses?limit=80", bearer, "", "", "", 200, "limit"},
		{"unknown part", "POST", "/api/v2/media", bearer, boundary, "", upload("picture", "image/png"), 422, `part "picture"`},
		{"false type", "POST", "/api/v2/media", bearer, boundary, "", upload("file", "image/jpeg"), 200, "it is image/png"},
		{"a good file", "POST", "/api/v2/media", bearer, boundary, "", upload("file", "image/png"), 200, ""},
		{"broken upload", "POST", "/api/v2/media", bearer, boundary, "", "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf", 400, "broken upload"},
		// What Mastodon refuses is no mistake of the contract.
		{"unknown token", "POST", "/api/v1/statuses", "Bearer x", formType, "k6", "status=one", 401, ""},
		{"no token", "POST", "/api/v1/statuses", "", formType, "k6", "status=one", 401, ""},
		{"empty", "POST", "/api/v1/statuses", bearer, formType, "k6", "status=+", 422, ""},
		{"too long", "POST", "/api/v1/statuses", bearer, formType, "k6", "status=" + strings.Repeat("x", 501), 422, ""},
		{"unknown file", "POST", "/api/v1/statuses", bearer, formType, "k6", "status=x&media_ids[]=7", 422, ""},
		{"too many files", "POST", "/api/v1/statuses", bearer, formType, "k6", "status=x" + strings.Repeat("&media_ids[]=7", 5), 422, ""},
		{"unknown account", "GET", "/api/v1/accounts/7/statuses", bearer, "", "", "", 404, ""},
	} {
		status, body := ask(t, test.method, s.URL()+test.path, test.token, test.contentType, test.key, test.body)
		complaint := w.take()
		if status != test.status || (test.complaint == "") != (complaint == "") || !strings.Contains(complaint, test.complaint) {
			t.Errorf("%s: got status %d, complaint %q; want %d, %q\n%s", test.name, status, complaint, test.status, test.complaint, body)
		}
	}
	if strings.Contains(strings.ReplaceAll(s.Transcript(), "access_token="+alice.Token, ""), alice.Token) {
		t.Error("got a token in the transcript; want it masked")
	}
}

// TestForgetsKeys sends a key twice to a server that ignores it: two posts are a
// mistake that the test must see.
func TestForgetsKeys(t *testing.T) {
	w := &witness{TB: t}
	s := NewWith(w, Options{ForgetsKeys: true})
	bearer := "Bearer " + s.AddAccount("alice").Token
	for _, want := range []string{"", "makes two posts"} {
		ask(t, "POST", s.URL()+"/api/v1/statuses", bearer, formType, "k", "status=one")
		if got := w.take(); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("got complaint %q; want %q", got, want)
		}
	}
	if got := len(s.Posts("alice")); got != 2 {
		t.Errorf("got %d posts; want 2", got)
	}
}

// TestKeysExpire sends a key again when Mastodon has forgotten it.
func TestKeysExpire(t *testing.T) {
	w := &witness{TB: t}
	now := time.Now()
	s := NewWith(w, Options{Now: func() time.Time { return now }})
	bearer := "Bearer " + s.AddAccount("alice").Token
	for _, after := range []time.Duration{0, time.Hour - 1, time.Hour} {
		began := now
		now = now.Add(after)
		ask(t, "POST", s.URL()+"/api/v1/statuses", bearer, formType, "k", "status=one")
		now = began
	}
	if got := len(s.Posts("alice")); got != 2 || !strings.Contains(w.take(), "makes two posts") {
		t.Errorf("got %d posts; want 2, and a complaint", got)
	}
}

// TestLength counts as Mastodon counts.
func TestLength(t *testing.T) {
	s := New(t)
	for _, test := range []struct {
		text string
		want int
	}{
		{"", 0}, {"hello", 5}, {"日本語", 3}, {"👩‍👩‍👧", 1}, {"e\u0301", 1},
		{"https://example.com", 23}, {"see https://example.com/" + strings.Repeat("x", 100) + ".", 28}, {"http://s.io", 23},
		{"http://127.0.0.1:8080/aB3dE", 27}, {"http://localhost:8080/x", 23}, {"http://localhost:8080/xy", 24},
		{"@alice@social.example hi", 9}, {"@alice hi", 9},
	} {
		if got := s.length(test.text); got != test.want {
			t.Errorf("%q: got %d; want %d", test.text, got, test.want)
		}
	}
}

// TestFormat makes HTML as Mastodon does.
func TestFormat(t *testing.T) {
	const text = "One <b> & two\n\nthree (https://example.com/?a=1&b=2).\nhttps://s.io/x"
	content, urls := format(text)
	want := `<p>One &lt;b&gt; &amp; two</p><p>three (<a href="https://example.com/?a=1&amp;b=2" target="_blank" rel="nofollow noopener noreferrer" translate="no">` +
		`<span class="invisible">https://</span><span class="">example.com/?a=1&amp;b=2</span><span class="invisible"></span></a>).<br />` +
		`<a href="https://s.io/x" target="_blank" rel="nofollow noopener noreferrer" translate="no"><span class="invisible">https://</span><span class="">s.io/x</span><span class="invisible"></span></a></p>`
	if content != want {
		t.Errorf("got %s; want %s", content, want)
	}
	if len(urls) != 2 || urls[0] != "https://example.com/?a=1&b=2" || urls[1] != "https://s.io/x" {
		t.Errorf("got URLs %q; want both", urls)
	}
}
