package double

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// listener is a test that notes what the double finds wrong.
type listener struct {
	testing.TB
	mu    sync.Mutex
	found []string
}

func (l *listener) Errorf(format string, args ...any) { l.Error(fmt.Sprintf(format, args...)) }

func (l *listener) Error(args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found = append(l.found, fmt.Sprint(args...))
}

// heard is what was found wrong since the last call.
func (l *listener) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.found
	l.found = nil
	return found
}

// send makes a call and returns status and body.
func send(t *testing.T, s *Server, verb, path, token, mime, body string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), verb, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", mime)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, data
}

// login opens a session.
func login(t *testing.T, s *Server, handle, password string) (access string) {
	t.Helper()
	_, data := send(t, s, http.MethodPost, "/xrpc/com.atproto.server.createSession", "", "application/json", fmt.Sprintf(`{"identifier":%q,"password":%q}`, handle, password))
	var session struct {
		Access string `json:"accessJwt"`
	}
	if err := json.Unmarshal(data, &session); err != nil || session.Access == "" {
		t.Fatalf("login: got %s, error %v", data, err)
	}
	return session.Access
}

// TestStrict does what no adapter may do, and a PDS would let pass. Each must fail
// the test that uses the double.
func TestStrict(t *testing.T) {
	l := &listener{TB: t}
	s := New(l)
	did := s.AddAccount("alice.test", "abcd-efgh")
	access := login(t, s, "alice.test", "abcd-efgh")
	post := func(record string) string {
		return fmt.Sprintf(`{"repo":%q,"collection":"app.bsky.feed.post","rkey":"3n35jar3qayz%c","record":{"$type":"app.bsky.feed.post","createdAt":"2026-11-25T15:00:00.000Z",%s}}`, did, 'a'+len(s.Posts(did)), record)
	}
	facet := func(start, end int, feature string) string {
		return post(fmt.Sprintf(`"text":"aé https","facets":[{"index":{"byteStart":%d,"byteEnd":%d},"features":[{"$type":"app.bsky.richtext.facet#link"%s}]}]`, start, end, feature))
	}
	const create, link = "/xrpc/com.atproto.repo.createRecord", `,"uri":"https://a.example"`
	_, data := send(t, s, http.MethodPost, "/xrpc/com.atproto.repo.uploadBlob", access, "image/png", "\x89PNG\r\n\x1a\n")
	var uploaded struct {
		Blob json.RawMessage `json:"blob"`
	}
	if err := json.Unmarshal(data, &uploaded); err != nil {
		t.Fatal(err)
	}
	images := func(blob []byte) string {
		return post(fmt.Sprintf(`"text":"","embed":{"$type":"app.bsky.embed.images","images":[{"image":%s,"alt":""}]}`, blob))
	}
	if found := l.heard(); found != nil {
		t.Fatalf("got %q so far; want nothing", found)
	}
	tests := []struct {
		name, verb, path, body string
		fails                  bool
	}{
		{"a good post", http.MethodPost, create, facet(4, 9, link), false},
		{"a good picture", http.MethodPost, create, images(uploaded.Blob), false},
		{"unknown path", http.MethodGet, "/xrpc/com.atproto.server.nothing", "", true},
		{"path of a page", http.MethodGet, "/", "", true},
		{"wrong verb", http.MethodGet, create, "", true},
		{"unknown query key", http.MethodGet, "/xrpc/com.atproto.repo.getRecord?repo=" + did + "&collection=app.bsky.feed.post&rkey=x&foo=1", "", true},
		{"query key twice", http.MethodGet, "/xrpc/com.atproto.identity.resolveHandle?handle=a.test&handle=b.test", "", true},
		{"token in the URL", http.MethodGet, "/xrpc/com.atproto.identity.resolveHandle?handle=" + access, "", true},
		{"password in the URL", http.MethodGet, "/xrpc/com.atproto.identity.resolveHandle?handle=abcd-efgh", "", true},
		{"bearer at login", http.MethodPost, "/xrpc/com.atproto.server.createSession", `{"identifier":"alice.test","password":"x"}`, true},
		{"unknown member of a call", http.MethodPost, create, strings.Replace(post(`"text":"hi"`), `{"repo"`, `{"validate":true,"repo"`, 1), true},
		{"unknown member of a record", http.MethodPost, create, post(`"text":"hi","lang":"en"`), true},
		{"no record key", http.MethodPost, create, fmt.Sprintf(`{"repo":%q,"collection":"app.bsky.feed.post","record":{}}`, did), true},
		{"another collection", http.MethodPost, create, strings.Replace(post(`"text":"hi"`), "app.bsky.feed.post", "app.bsky.feed.like", 1), true},
		{"facet beyond the text", http.MethodPost, create, facet(4, 10, link), true},
		{"facet of nothing", http.MethodPost, create, facet(4, 4, link), true},
		{"facet of half a character", http.MethodPost, create, facet(2, 9, link), true},
		{"facet of two kinds", http.MethodPost, create, facet(4, 9, link+`,"tag":"x"`), true},
		{"facet without features", http.MethodPost, create, post(`"text":"hi","facets":[{"index":{"byteStart":0,"byteEnd":2},"features":[]}]`), true},
		{"overlapping facets", http.MethodPost, create, post(`"text":"abcd","facets":[{"index":{"byteStart":0,"byteEnd":2},"features":[{"$type":"app.bsky.richtext.facet#tag","tag":"x"}]},` +
			`{"index":{"byteStart":1,"byteEnd":3},"features":[{"$type":"app.bsky.richtext.facet#tag","tag":"x"}]}]`), true},
		{"embed of another kind", http.MethodPost, create, post(`"text":"","embed":{"$type":"app.bsky.embed.record"}`), true},
		{"no pictures", http.MethodPost, create, post(`"text":"","embed":{"$type":"app.bsky.embed.images","images":[]}`), true},
		{"another size of a blob", http.MethodPost, create, images(bytes.Replace(uploaded.Blob, []byte(`"size":8`), []byte(`"size":9`), 1)), true},
		{"another type of a blob", http.MethodPost, create, images(bytes.Replace(uploaded.Blob, []byte(`image/png`), []byte(`image/gif`), 1)), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			send(t, s, test.verb, test.path, access, "application/json", test.body)
			if found := l.heard(); (found != nil) != test.fails {
				t.Errorf("got %q; want that it fails the test: %v", found, test.fails)
			}
		})
	}
	for _, line := range s.Transcript() {
		if strings.Contains(line, access) || strings.Contains(line, "abcd-efgh") {
			t.Errorf("got the line %q; want secrets masked", line)
		}
	}
}

// TestWindow counts calls as a PDS does.
func TestWindow(t *testing.T) {
	w := window{limit: 2, span: time.Minute}
	now := time.Unix(1000, 0)
	for i, want := range []string{"1", "0", "0"} {
		h := http.Header{}
		err := w.take(now.Add(time.Duration(i)*time.Second), h)
		if h.Get("RateLimit-Remaining") != want || h.Get("RateLimit-Reset") != "1060" || h.Get("RateLimit-Policy") != "2;w=60" || (err != nil) != (i == 2) {
			t.Errorf("call %d: got %v, error %v; want %s left until 1060", i, h, err, want)
		}
	}
	if err := w.take(now.Add(time.Minute), http.Header{}); err != nil {
		t.Errorf("got %v in the next span; want none", err)
	}
}
